#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: the ringside authors
#
# The unmodified `openssl` program, with libringside_async preloaded and the ringside provider.
#   tls VERSION CIPHER   s_server -async and s_client -async exchange data over loopback
#   bindings             every ASYNC_* of program, libssl and module is bound to ours
# Usage: openssl_preloaded.sh BUILD_FOLDER CASE [ARGS...]
set -euo pipefail

build=$1
library=$build/wait_ctx/libringside_async.so
scratch=$(mktemp -d)
server=
client=
finish() {
    for process in $server $client; do kill "$process" 2>/dev/null || true; done
    rm -rf "$scratch"
}
trap finish EXIT
fail() {
    echo "FAILED: $*" >&2
    tail -n 30 "$scratch"/*.out "$scratch"/*.err >&2 || true
    exit 1
}

export OPENSSL_CONF=$build/engine/openssl.cnf

# received PEER: its lines of the payload, without what the programs say whenever a job pauses.
received() {
    perl -0pe 's/(Read|Write) BLOCK \(Async\)\n|(read|write) A BLOCK\n//g' "$scratch/$1.out" | grep '^payload '
}

# operations PEER: how many its device did.
operations() {
    if [[ -e $scratch/$1.json ]]; then sed -nE 's/.*"operations": *([0-9]+).*/\1/p' "$scratch/$1.json"; else echo 0; fi
}

# preloaded PEER ARGS...: openssl with everything of ours and its statistics in a file.
preloaded() {
    local peer=$1
    shift
    cd "$scratch"
    LD_PRELOAD=$library RINGSIDE_STATS=$scratch/$peer.json exec timeout 60 openssl "$@" \
        <"to_$peer" >"from_$peer" 2>"$peer.err"
}

# until_line FD START: copies lines until one that begins so.
until_line() {
    local line
    while IFS= read -r -t 30 line <&"$1"; do
        printf '%s\n' "$line"
        if [[ $line == "$2"* ]]; then return 0; fi
    done
    return 1
}

# Inputs stay open until we close them (3, 5); outputs tell how far a program is (4, 6).
start_server() {
    preloaded server s_server -async -accept 127.0.0.1:0 -naccept 1 -num_tickets 0 "${choice[@]}" \
        -cert certificate.pem -key key.pem &
    server=$!
    exec 3>"$scratch/to_server" 4<"$scratch/from_server"
    until_line 4 ACCEPT >"$scratch/server.out" || fail "no server"
    port=$(tail -n 1 "$scratch/server.out")
    port=${port##*:}
}
start_client() {
    preloaded client s_client -async -connect "127.0.0.1:$port" "${choice[@]}" 3>&- 4<&- &
    client=$!
    exec 5>"$scratch/to_client" 6<"$scratch/from_client"
    # Before the end of the handshake s_server must not find anything to send.
    until_line 4 'Secure Renegotiation' >>"$scratch/server.out" || fail "no handshake"
}
# These programs free a connection whose job is paused when it closes, which is told rightly.
check_misuse() {
    if grep -H '^ringside async:' "$scratch"/*.err | grep -v ': ASYNC_WAIT_CTX_free before'; then
        fail "misuse is told"
    fi
}

# One direction at a time, as these programs need it: s_client takes the end of a job that paused
# in SSL_read() for that of the SSL_write() it calls next, and loses data.
tls() {
    local version=$1 cipher=$2 port choice
    choice=("-$version")
    if [[ $version == tls1_3 ]]; then choice+=(-ciphersuites "$cipher"); else choice+=(-cipher "$cipher"); fi
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
        -keyout "$scratch/key.pem" -out "$scratch/certificate.pem" 2>"$scratch/req.err"
    seq -f 'payload %06.0f 0123456789abcdef0123456789abcdef' 2000 >"$scratch/file"
    mkfifo "$scratch/to_server" "$scratch/to_client" "$scratch/from_server" "$scratch/from_client"

    start_server
    start_client
    cat "$scratch/file" >&5 &
    until_line 4 'payload 002000 ' >>"$scratch/server.out" || fail "the server did not get all"
    exec 5>&-
    cat <&6 >"$scratch/client.out"
    wait "$client" || fail "s_client ended with $?"
    cat <&4 >>"$scratch/server.out"
    wait "$server" || fail "s_server ended with $?"
    exec 3>&-
    cmp "$scratch/file" <(received server) || fail "other data at the server"
    grep -q "$cipher" "$scratch/client.out" || fail "not $cipher"
    expect_pauses server 'Read BLOCK (Async)'
    expect_pauses client 'write A BLOCK'
    check_misuse
    echo "operations: server $(operations server), client $(operations client)"
    (($(operations server) > 0)) || fail "the server did not use the device"

    # s_client does not come back to a job that paused on the last record of all before its
    # socket is readable again: more than a record of filling follows. Then both are stopped.
    start_server
    start_client
    (cat "$scratch/file"; seq -f 'filling %060.0f' 300) >&3 &
    until_line 6 'payload 002000 ' >"$scratch/client.out" || fail "the client did not get all"
    kill "$client" "$server"
    wait "$client" "$server" || true
    cat <&4 >>"$scratch/server.out"
    exec 3>&- 4<&- 5>&- 6<&-
    server='' client=''
    cmp "$scratch/file" <(received client) || fail "other data at the client"
    expect_pauses server 'Write BLOCK (Async)'
    check_misuse
}

# In TLS 1.3 the device does the records; in TLS 1.2 only the server's session ticket.
expect_pauses() {
    if [[ $version == tls1_3 ]]; then
        grep -qF "$2" "$scratch/$1.out" || fail "no job of the $1 ever paused"
    fi
}

bindings() {
    LD_BIND_NOW=1 LD_DEBUG=bindings LD_DEBUG_OUTPUT=$scratch/bindings LD_PRELOAD=$library \
        openssl speed -elapsed -seconds 1 -bytes 1024 -async_jobs 2 -evp aes-128-cbc \
        >"$scratch/speed.out" 2>&1 || fail "speed ended with $?"
    sed -nE "s/.*binding file (.*) \[0\] to (.*) \[0\]: normal symbol .(ASYNC_[a-zA-Z_]+).*/\1 \3 \2/p" \
        "$scratch"/bindings.* | sort -u >"$scratch/bindings.out"
    awk -v ours="$library" '$3 != ours { print; bad = 1 } END { exit bad }' "$scratch/bindings.out" ||
        fail "bound to somebody else"
    local who
    for who in openssl libssl.so.3 ringside.so; do
        echo "$who: $(grep -cE "^([^ ]*/)?$who " "$scratch/bindings.out") names"
        grep -qE "^([^ ]*/)?$who ASYNC_" "$scratch/bindings.out" || fail "$who uses no ASYNC_*"
    done
    for who in openssl libssl.so.3; do
        grep -qE "^([^ ]*/)?$who ASYNC_start_job " "$scratch/bindings.out" || fail "$who starts no job"
    done
    grep -qE "/ringside.so ASYNC_pause_job " "$scratch/bindings.out" || fail "the module never pauses"
}

case $2 in
    tls) tls "$3" "$4" ;;
    bindings) bindings ;;
    *) fail "unknown case '$2'" ;;
esac
