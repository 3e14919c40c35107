#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: the ringside authors
#
# The unmodified `openssl` program on the ringside provider and ENGINE.
# Usage: openssl_program.sh BUILD_FOLDER CASE
set -euo pipefail

build=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
provider=(-provider-path "$build/engine" -provider ringside -provider default
    -propquery '?ringside.offload=yes')
engine=(-engine "$build/engine/ringside_engine.so")

fail() {
    echo "FAILED: $*" >&2
    exit 1
}
# The sum of a counter over the statistics files of all processes.
counted() {
    find "$scratch" -name 'stats.*.json' -exec cat {} + | sed -nE "s/.*\"$1\": *([0-9]+).*/\1/p" | awk '{ sum += $1 } END { print sum + 0 }'
}
export RINGSIDE_STATS=$scratch/stats.%p.json

# speed ARGS...: every operation that speed reports was the device's.
front_end=("${provider[@]}")
speed() {
    openssl speed "${front_end[@]}" -elapsed -seconds 1 -bytes 1024 "$@" >"$scratch/out" 2>&1 ||
        { cat "$scratch/out"; fail "openssl speed $* ended with $?"; }
    local reported
    reported=$(sed -nE "s/^Doing .*: ([0-9]+) .*'s? in .*/\1/p" "$scratch/out" | tail -n 1)
    echo "reported $reported, counted $(counted operations), errors $(counted errors)"
    ((${reported:-0} > 0)) || { cat "$scratch/out"; fail "speed reported nothing"; }
    (($(counted operations) >= reported)) || fail "not all operations went through the device"
    (($(counted errors) == 0)) || fail "the device reported errors"
}

# tls CONFIGURATION MINIMUM ARGS...: s_client -async sends s_server -async ten lines in one record, and their devices
# have done at least MINIMUM operations. (Both programs wait for their sockets where they should wait for a paused
# read or write, so that a longer conversation stalls, with any engine. Hence no tickets either: s_client loses its
# write if the job that it resumes for it turns out to be a paused read of a ticket.)
tls() {
    local minimum=$2 before port=
    before=$(counted operations)
    export OPENSSL_CONF=$build/engine/$1
    shift 2
    mkfifo "$scratch/hold"
    : >"$scratch/server"
    timeout 60 openssl s_server -async -naccept 1 -num_tickets 0 -accept 127.0.0.1:0 -cert "$scratch/cert.pem" \
        -key "$scratch/key.pem" <>"$scratch/hold" >"$scratch/server" 2>&1 &
    local server=$!
    while [[ -z $port ]] && kill -0 "$server"; do
        port=$(sed -nE 's/^ACCEPT .*:([0-9]+)$/\1/p' "$scratch/server")
    done
    timeout 60 openssl s_client -async -connect "127.0.0.1:$port" "$@" \
        <"$scratch/sent" >"$scratch/client" 2>&1 || {
        local status=$?
        wait "$server" || echo "s_server ended with $?"
        cat "$scratch/server" "$scratch/client"
        fail "s_client $* ended with $status"
    }
    wait "$server" || { cat "$scratch/server"; fail "s_server ended with $?"; }
    unset OPENSSL_CONF
    rm "$scratch/hold"
    grep -E '^[0-9a-f]{76}$' "$scratch/server" | cmp "$scratch/sent" - || fail "$*: not what was sent"
    echo "$*: $(($(counted operations) - before)) operations"
    (($(counted operations) - before >= minimum)) || fail "not through the device"
}

case $2 in
    speed_preloaded)
        RINGSIDE_ASYNC_CHECK=report LD_PRELOAD=$build/wait_ctx/libringside_async.so \
            speed -async_jobs 8 -evp aes-128-cbc
        if grep 'async check' "$scratch/out"; then fail "the ASYNC API was misused"; fi
        ;;
    speed_small_ring)
        sed 's/^ring_entries = .*/ring_entries = 2/' "$build/engine/openssl.cnf" >"$scratch/cnf"
        front_end=()
        # On a loaded machine a second can be over before the device has started.
        for seconds in 1 5 20; do
            OPENSSL_CONF=$scratch/cnf speed -seconds "$seconds" -async_jobs 64 -evp aes-128-cbc
            refused=$(counted submissions_refused_ring_full)
            if ((refused > 0)); then break; fi
        done
        ((refused > 0)) || fail "the ring was never full"
        ((refused == $(counted slots_handed_to_waiters))) || fail "somebody retried for nothing"
        ;;
    engine_by_id) front_end=(-engine ringside) && OPENSSL_ENGINES=$build/engine speed -evp aes-128-cbc ;;
    engine_commands)
        openssl engine -t -vvv "$build/engine/ringside_engine.so" >"$scratch/out" 2>&1 ||
            { cat "$scratch/out"; fail "openssl engine ended with $?"; }
        grep -q '^ *ring_entries: .*in flight.*Allowed: a power of two from 2 to 4096. Default: 256.$' "$scratch/out" ||
            { cat "$scratch/out"; fail "ring_entries is not explained"; }
        openssl engine -pre SO_PATH:"$build/engine/ringside_engine.so" -pre LOAD -pre ring_entries:8 \
            -pre ring_entries:12 dynamic >"$scratch/out" 2>&1 || true
        grep -q '^\[Success\]: ring_entries:8' "$scratch/out" || { cat "$scratch/out"; fail "8 refused"; }
        grep -q '^\[Failure\]: ring_entries:12' "$scratch/out" || { cat "$scratch/out"; fail "12 taken"; }
        grep -q "^ringside: ring_entries = '12' (ENGINE command) is not allowed: " "$scratch/out" ||
            { cat "$scratch/out"; fail "no clear line"; }
        ;;
    tls_provider | tls_engine)
        config=openssl.cnf
        [[ $2 == tls_provider ]] || config=openssl_engine.cnf
        head -c 380 /dev/urandom | od -An -v -tx1 -w38 | tr -d ' ' >"$scratch/sent"
        for key in RSA ECDSA; do
            kind=(rsa:2048)
            [[ $key == RSA ]] || kind=(ec -pkeyopt ec_paramgen_curve:P-256)
            openssl req -x509 -newkey "${kind[@]}" -nodes -keyout "$scratch/key.pem" -out "$scratch/cert.pem" \
                -subj /CN=localhost -days 2 2>/dev/null
            # The handshake's records and the data, each in the device of its own process.
            tls "$config" 10 -tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384
            # The records of TLS 1.2 are software's in GCM, and the provider's in CBC (MAC and padding).
            tls "$config" 1 -tls1_2 -cipher "ECDHE-$key-AES128-GCM-SHA256"
            minimum=1
            [[ $2 == tls_provider ]] || minimum=5
            tls "$config" "$minimum" -tls1_2 -cipher "ECDHE-$key-AES128-SHA"
        done
        ;;
    engine_forks)
        openssl speed "${engine[@]}" -elapsed -seconds 1 -bytes 1024 -multi 2 -async_jobs 8 \
            -evp aes-128-cbc >"$scratch/out" 2>&1 || { cat "$scratch/out"; fail "ended with $?"; }
        (($(find "$scratch" -name 'stats.*.json' | wc -l) >= 2)) || fail "not two devices"
        ;;
    forks)
        # Every child starts a device of its own.
        openssl speed "${provider[@]}" -elapsed -seconds 1 -bytes 1024 -multi 2 -async_jobs 8 \
            -evp aes-128-cbc >"$scratch/out" 2>&1 || { cat "$scratch/out"; fail "ended with $?"; }
        (($(find "$scratch" -name 'stats.*.json' | wc -l) >= 2)) || fail "not two devices"
        ;;
    files)
        head -c 1000003 /dev/urandom >"$scratch/plain"
        key=$(printf '%064x' 4711)
        iv=$(printf '%032x' 815)
        openssl enc -aes-256-cbc -K "$key" -iv "$iv" -in "$scratch/plain" -out "$scratch/expected"
        OPENSSL_CONF=$build/engine/openssl.cnf openssl enc -aes-256-cbc -K "$key" -iv "$iv" \
            -in "$scratch/plain" -out "$scratch/encrypted"
        cmp "$scratch/expected" "$scratch/encrypted" || fail "other bytes than software's"
        OPENSSL_CONF=$build/engine/openssl.cnf openssl enc -d -aes-256-cbc -K "$key" -iv "$iv" \
            -in "$scratch/encrypted" -out "$scratch/decrypted"
        cmp "$scratch/plain" "$scratch/decrypted" || fail "not what went in"
        (($(counted bytes) >= 2000006)) || fail "the bytes did not go through the device"
        ;;
    bad_config)
        # refused LINE COMMAND...: says LINE, one line of it, and does not go on in software.
        refused() {
            local line=$1 status=0 said
            shift
            said=$("$@" enc -aes-128-cbc -K "$(printf '%032x' 1)" -iv "$(printf '%032x' 2)" \
                -in /dev/null -out "$scratch/encrypted" 2>&1) || status=$?
            (($(grep -c "^ringside: $line" <<<"$said") == 1)) || fail "not one line '$line', but: $said"
            ((status != 0)) || fail "'$line': the program went on in software"
            [[ ! -s $scratch/encrypted ]] || fail "'$line': something was encrypted"
        }
        for setting in 'ring_entries = 12' 'ring_entries = many' 'callbacks = maybe' 'time = slow' \
            'algorithms = AES-CBC,DES' 'min_bytes = -1' 'fallback = perhaps' 'log = loud'; do
            sed -E "/^(# ?)?${setting%% *} = /d; s/^\[ringside_section\]/&\n$setting/" \
                "$build/engine/openssl.cnf" >"$scratch/cnf"
            refused "${setting%% *} = '.*' (openssl.cnf) is not allowed: " env OPENSSL_CONF="$scratch/cnf" openssl
        done
        sed 's/^\[ringside_section\]/&\nring_size = 4/' "$build/engine/openssl.cnf" >"$scratch/cnf"
        refused "$scratch/cnf has ring_size, which is no option" env OPENSSL_CONF="$scratch/cnf" openssl
        export OPENSSL_CONF=$build/engine/openssl.cnf
        refused "ring_entries = '5' (RINGSIDE_RING_ENTRIES) is not allowed: " env RINGSIDE_RING_ENTRIES=5 openssl
        refused 'the environment has RINGSIDE_RING_SIZE, which is no option' env RINGSIDE_RING_SIZE=8 openssl
        # Only if told to.
        RINGSIDE_RING_SIZE=8 RINGSIDE_FALLBACK=on openssl enc -aes-128-cbc -K "$(printf '%032x' 1)" \
            -iv "$(printf '%032x' 2)" -in /dev/null -out "$scratch/encrypted" 2>"$scratch/said" ||
            fail "fallback = on: the program did not go on"
        grep -q 'ringside: the environment has RINGSIDE_RING_SIZE' "$scratch/said" || fail "nothing said"
        [[ -s $scratch/encrypted ]] || fail "fallback = on: nothing was encrypted"
        ;;
    *) fail "unknown case '$2'" ;;
esac
