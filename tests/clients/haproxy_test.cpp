// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// HAProxy with ssl-mode-async on a device that takes 1 ms for everything: no request fails, also
// while it is reloaded and while clients vanish in the middle of their handshakes, and the device's
// own counters say that it did the work.

#include <gtest/gtest.h>

#include <ostream>

#include "haproxy.hpp"
#include "tls_load.hpp"

namespace ringside {
namespace {

using testing::Haproxy;
using testing::HaproxyConfig;
using testing::ScratchFolder;
using testing::TlsLoad;

struct Service {
    const char* name;
    bool engine;
    bool tls_1_2;
    const char* certificate;
};
void PrintTo(const Service& service, std::ostream* out) {  // NOLINT(readability-identifier-naming)
    *out << service.name;
}

class HaproxyOnTheDevice : public ::testing::TestWithParam<Service> {
  protected:
    void SetUp() override {
        if (!testing::is_installed("haproxy")) {
            GTEST_SKIP() << "haproxy is not installed; cmake/packages.txt";
        }
    }

    /// With a device that takes 1 ms, or is as fast as it can.
    static HaproxyConfig config(bool slow = true) {
        return {.module_folder = RINGSIDE_MODULE_FOLDER,
                .engine = GetParam().engine,
                .certificate = GetParam().certificate,
                .knobs = {"RINGSIDE_ALGORITHMS=RSA,ECDSA,ECDH,X25519",
                          slow ? "RINGSIDE_TIME=paced" : "RINGSIDE_TIME=free",
                          slow ? "RINGSIDE_FAULTS=delay_completion,value=1000000,count=0"
                               : "RINGSIDE_FAULTS="}};
    }
    TlsLoad load(const Haproxy& server) const {
        return {.port = server.port(), .requests = 4, .tls_1_2 = GetParam().tls_1_2};
    }
    void serve(const ScratchFolder& scratch, Haproxy& server, const TlsLoad& load) {
        const auto outcome = testing::run(load);
        EXPECT_EQ(outcome.failed, 0u) << outcome.first_failure;
        EXPECT_EQ(outcome.answered, load.clients * load.requests);
        EXPECT_EQ(server.end(), 0);
        // Of each handshake, the signature and the key exchange.
        EXPECT_GE(scratch.counted("operations"), outcome.answered * 2);
        EXPECT_EQ(scratch.counted("software_device_failed"), 0u);
        if (HasFailure()) {
            ADD_FAILURE() << scratch.read("haproxy.log");
        }
    }
};

TEST_P(HaproxyOnTheDevice, Serves64ClientsAtATime) {
    const ScratchFolder scratch;
    Haproxy server(scratch, config());
    serve(scratch, server, load(server));
}

/// It crashes on descriptors that it was not told of by a pause.
TEST_P(HaproxyOnTheDevice, ServesWhenOperationsEndBeforeTheirJobsPause) {
    const ScratchFolder scratch;
    Haproxy server(scratch, config(false));
    serve(scratch, server, load(server));
}

TEST_P(HaproxyOnTheDevice, IsReloadedUnderLoad) {
    const ScratchFolder scratch;
    Haproxy server(scratch, config());
    TlsLoad under_load = load(server);
    under_load.requests = 6;
    under_load.in_between = [&] { server.reload(); };
    serve(scratch, server, under_load);
    EXPECT_EQ(scratch.processes_with_a_device(), 2u) << "the old worker's and the new one's";
}

TEST_P(HaproxyOnTheDevice, OutlivesClientsThatResetInMidHandshake) {
    const ScratchFolder scratch;
    Haproxy server(scratch, config());
    TlsLoad with_resets = load(server);
    with_resets.resets = 2;
    serve(scratch, server, with_resets);
}

INSTANTIATE_TEST_SUITE_P(Services, HaproxyOnTheDevice,
                         ::testing::Values(Service{"provider_tls_1_3_rsa", false, false, "rsa"},
                                           Service{"provider_tls_1_3_ecdsa", false, false, "ecdsa"},
                                           Service{"provider_tls_1_2_rsa", false, true, "rsa"},
                                           Service{"provider_tls_1_2_ecdsa", false, true, "ecdsa"},
                                           Service{"engine_tls_1_3_rsa", true, false, "rsa"},
                                           Service{"engine_tls_1_3_ecdsa", true, false, "ecdsa"},
                                           Service{"engine_tls_1_2_rsa", true, true, "rsa"},
                                           Service{"engine_tls_1_2_ecdsa", true, true, "ecdsa"}),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace ringside
