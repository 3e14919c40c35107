#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: the ringside authors
#
# Makes a second module with a SystemC of its own, so that a process which loads both has two chips: SystemC has one kernel
# for each copy of its library, and the dynamic linker takes a copy for another library when it has another name.
# Usage: twin_module.sh MODULE SYSTEMC FOLDER
set -euo pipefail
export LC_ALL=C
name=$(readelf -d "$2" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
[[ $name == lib* ]] || { echo "twin_module.sh: $2 has no name" >&2; exit 1; }
twin=two${name#lib}  # as long: the names stand in tables of fixed size
mkdir -p "$3"
sed "s/${name//./\\.}/$twin/g" "$2" >"$3/$twin"
sed "s/${name//./\\.}/$twin/g" "$1" >"$3/ringside.so"
