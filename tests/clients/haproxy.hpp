// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// HAProxy, unmodified, as a TLS server on the device: docs/operators.md shows the same
// configuration.

#include <signal.h>

#include <memory>

#include "server_process.hpp"

namespace ringside::testing {

struct HaproxyConfig {
    std::string module_folder;
    bool engine = false;             ///< else the provider
    bool async = true;               ///< ssl-mode-async
    std::string certificate;         ///< "rsa" or "ecdsa"
    std::vector<std::string> knobs;  ///< RINGSIDE_...=value
};

class Haproxy {
  public:
    Haproxy(const ScratchFolder& scratch, const HaproxyConfig& config);

    std::uint16_t port() const { return socket_.port(); }
    /// The new worker takes over, the old one serves its connections and ends.
    void reload() const { process_->signal(SIGUSR2); }
    /// The workers too, which so tell what their devices did (killed by SIGTERM they do not); its
    /// exit code.
    int end() { return process_->end(SIGUSR1); }

  private:
    ListeningSocket socket_;
    std::unique_ptr<ServerProcess> process_;
};

}  // namespace ringside::testing
