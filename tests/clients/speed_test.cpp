// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// `openssl speed` with any number of jobs, on both front ends: every operation that it reports is
// the device's, and the device has seen no error.

#include <gtest/gtest.h>

#include <ostream>
#include <thread>
#include <tuple>

#include "server_process.hpp"
#include "speed.hpp"

namespace ringside {
namespace {

using testing::FrontEnd;
using testing::ScratchFolder;

struct Subject {
    const char* name;
    std::vector<std::string> what;
};
void PrintTo(const Subject& subject, std::ostream* out) {  // NOLINT(readability-identifier-naming)
    *out << subject.name;
}

class Speed : public ::testing::TestWithParam<std::tuple<FrontEnd, Subject>> {
  protected:
    static void run_with(unsigned jobs) {
        const auto& [front_end, subject] = GetParam();
        const ScratchFolder scratch;
        const auto report =
            testing::run(testing::SpeedRun{.module_folder = RINGSIDE_MODULE_FOLDER,
                                           .front_end = front_end,
                                           .what = subject.what,
                                           .jobs = jobs,
                                           .knobs = {"RINGSIDE_STATS=" + scratch.statistics()}});
        SCOPED_TRACE(std::to_string(jobs) + " jobs: " + report.output);
        EXPECT_TRUE(report.succeeded);
        EXPECT_GT(report.operations(), 0u);
        EXPECT_GE(scratch.counted("operations"), report.operations());
        EXPECT_EQ(scratch.counted("errors"), 0u);
        EXPECT_EQ(scratch.counted("software_device_failed"), 0u);
    }
};

/// All at a time: openssl takes at least a second of wall time for each.
TEST_P(Speed, IsAllTheDevicesWithAnyNumberOfJobs) {
    std::vector<std::thread> runs;
    for (const unsigned jobs : {0u, 1u, 8u, 64u, 512u}) {
        runs.emplace_back([jobs] { run_with(jobs); });
    }
    for (std::thread& run : runs) {
        run.join();
    }
}

const Subject subjects[] = {
    {"aes_cbc", {"-evp", "aes-128-cbc"}}, {"aes_gcm", {"-aead", "-evp", "aes-128-gcm"}},
    {"sha_256", {"-evp", "sha256"}},      {"rsa_2048", {"rsa2048"}},
    {"ecdsa_p256", {"ecdsap256"}},        {"ecdh_p256", {"ecdhp256"}},
};
const Subject only_providers[] = {{"x25519", {"ecdhx25519"}}};

std::string name_of(const ::testing::TestParamInfo<Speed::ParamType>& each) {
    const auto& [front_end, subject] = each.param;
    return (front_end == FrontEnd::engine ? "engine_" : "provider_") + std::string(subject.name);
}

INSTANTIATE_TEST_SUITE_P(All, Speed,
                         ::testing::Combine(::testing::Values(FrontEnd::provider, FrontEnd::engine),
                                            ::testing::ValuesIn(subjects)),
                         name_of);
INSTANTIATE_TEST_SUITE_P(OfTheProvider, Speed,
                         ::testing::Combine(::testing::Values(FrontEnd::provider),
                                            ::testing::ValuesIn(only_providers)),
                         name_of);

}  // namespace
}  // namespace ringside
