# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: the ringside authors
#
# What tools/quickstart and tools/check share; sourced by them, from the root of the repository.
# Exit codes: 0 done, 1 something failed, 2 it cannot be done here.

say() { printf '== %s\n' "$*"; }

refuse() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 2
}

jobs() { nproc; }

# packages_of GROUP...: the packages of cmake/packages.txt that these groups need, one a line.
packages_of() {
    local group
    for group; do
        awk -v group="$group" '$1 == group { print $2 }' cmake/packages.txt
    done
}

# ensure_packages GROUP...: installs what is missing; without the right to do so, says how and exits 2.
ensure_packages() {
    local package missing=() as_root=()
    command -v dpkg-query >/dev/null ||
        refuse "this is no Debian; install what stands in cmake/packages.txt by your system's means, then use cmake --preset release"
    for package in $(packages_of "$@"); do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
            missing+=("$package")
    done
    if ((${#missing[@]} == 0)); then
        return
    fi
    if ((EUID != 0)); then
        as_root=(sudo -n)
        if ! sudo -n true 2>/dev/null; then
            refuse "packages are missing, and installing them takes root; run
    sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}"
        fi
    fi
    say "installing Debian packages: ${missing[*]}"
    as_root+=(env DEBIAN_FRONTEND=noninteractive apt-get -q)
    if ! { "${as_root[@]}" update && "${as_root[@]}" install -y --no-install-recommends "${missing[@]}"; }; then
        refuse "apt-get could not install: ${missing[*]}"
    fi
}
