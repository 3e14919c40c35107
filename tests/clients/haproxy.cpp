// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "haproxy.hpp"

namespace ringside::testing {

Haproxy::Haproxy(const ScratchFolder& scratch, const HaproxyConfig& config) {
    // An asynchronous connection takes a descriptor of the device's as well; HAProxy crashes when
    // its table of descriptors, made by maxconn, is too small for them.
    const std::string text = "global\n    maxconn 1000\n    nbthread 1\n" +
                             std::string(config.async ? "    ssl-mode-async\n" : "") +
                             "defaults\n    mode http\n    timeout connect 20s\n"
                             "    timeout client 20s\n    timeout server 20s\n"
                             "frontend tls\n    bind fd@" +
                             std::to_string(socket_.fd()) + " ssl crt " +
                             scratch.make_certificate(config.certificate) +
                             // The ENGINE has no X25519, which clients and servers like best.
                             std::string(config.engine ? " curves P-256" : "") +
                             " ssl-min-ver TLSv1.2\n"
                             "    http-request return status 200 content-type text/plain string "
                             "hello\n";
    scratch.write("haproxy.cfg", text);
    std::vector<std::string> environment = config.knobs;
    environment.push_back("OPENSSL_CONF=" + config.module_folder +
                          (config.engine ? "/openssl_engine.cnf" : "/openssl.cnf"));
    environment.push_back("RINGSIDE_STATS=" + scratch.statistics());
    environment.emplace_back("RINGSIDE_FALLBACK=off");
    environment.emplace_back("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    process_ = std::make_unique<ServerProcess>(
        std::vector<std::string>{"haproxy", "-W", "-f", scratch.file("haproxy.cfg")}, environment,
        scratch.file("haproxy.log"));
}

}  // namespace ringside::testing
