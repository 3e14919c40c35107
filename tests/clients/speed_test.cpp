// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// `openssl speed` with any number of jobs, on both front ends: every operation that it reports is
// the device's, and the device has seen no error.

#include <gtest/gtest.h>

#include <ostream>

#include "server_process.hpp"
#include "speed.hpp"

namespace ringside {
namespace {

using testing::FrontEnd;
using testing::ScratchFolder;

struct Subject {
    const char* name;
    std::vector<std::string> what;
    bool engine_has_it;
};
void PrintTo(const Subject& subject, std::ostream* out) {  // NOLINT(readability-identifier-naming)
    *out << subject.name;
}

class Speed : public ::testing::TestWithParam<std::tuple<FrontEnd, Subject, unsigned>> {};

TEST_P(Speed, IsAllTheDevices) {
    const auto& [front_end, subject, jobs] = GetParam();
    if (front_end == FrontEnd::engine && !subject.engine_has_it) {
        return;
    }
    const ScratchFolder scratch;
    const auto report =
        testing::run(testing::SpeedRun{.module_folder = RINGSIDE_MODULE_FOLDER,
                                       .front_end = front_end,
                                       .what = subject.what,
                                       .jobs = jobs,
                                       .knobs = {"RINGSIDE_STATS=" + scratch.statistics()}});
    EXPECT_TRUE(report.succeeded) << report.output;
    EXPECT_GT(report.operations(), 0u) << report.output;
    EXPECT_GE(scratch.counted("operations"), report.operations());
    EXPECT_EQ(scratch.counted("errors"), 0u);
    EXPECT_EQ(scratch.counted("software_device_failed"), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    All, Speed,
    ::testing::Combine(::testing::Values(FrontEnd::provider, FrontEnd::engine),
                       ::testing::Values(Subject{"aes_cbc", {"-evp", "aes-128-cbc"}, true},
                                         Subject{"aes_gcm", {"-aead", "-evp", "aes-128-gcm"}, true},
                                         Subject{"rsa_2048", {"rsa2048"}, false},
                                         Subject{"ecdsa_p256", {"ecdsap256"}, false},
                                         Subject{"ecdh_p256", {"ecdhp256"}, false},
                                         Subject{"x25519", {"ecdhx25519"}, false}),
                       ::testing::Values(0u, 1u, 8u, 64u, 512u)),
    [](const auto& each) {
        return std::string(std::get<FrontEnd>(each.param) == FrontEnd::engine ? "engine_"
                                                                              : "provider_") +
               std::get<Subject>(each.param).name + "_" +
               std::to_string(std::get<unsigned>(each.param)) + "_jobs";
    });

}  // namespace
}  // namespace ringside
