// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Many HTTPS clients at the same time, each in a thread with OpenSSL's own software: connects to
// loopback, shakes hands anew, asks for a page and reads all of it, again and again. The threads
// are nice: the server has the CPUs first.

#include <cstdint>
#include <functional>
#include <string>

namespace ringside::testing {

struct TlsLoad {
    std::uint16_t port = 0;
    unsigned clients = 64;       ///< at the same time
    unsigned requests = 1;       ///< of each client
    bool tls_1_2 = false;        ///< else 1.3
    std::string ciphers;         ///< for TLS 1.2; empty: OpenSSL's choice
    std::string body = "hello";  ///< what the page must say
    /// Of each client, for each request: a connection that is reset in the middle of its handshake.
    unsigned resets = 0;
    /// Called once, on the caller's thread, when a third of all requests have been answered.
    std::function<void()> in_between;
};

struct TlsLoadOutcome {
    unsigned answered = 0;
    unsigned failed = 0;
    std::string first_failure;
    double seconds = 0;
};

/// Returns when every client has done its requests. A client waits 20 s at most for anything.
TlsLoadOutcome run(const TlsLoad& load);

}  // namespace ringside::testing
