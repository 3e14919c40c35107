// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// `ringside run` as a user runs it: the main job in both kinds of time and both notification modes,
// what its seed means, and how it answers wrong input.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "program.hpp"
#include "ringside/core/chips.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::testing {
namespace {

using nlohmann::json;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif
using ::testing::HasSubstr;

/// The report of `ringside run --json` with these further arguments; the run must succeed.
json report_of(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"run", "--json"});
    const auto run = run_program(arguments);
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_EQ(run.err, "");
    return json::parse(run.out, nullptr, false);
}

/// A file of `size` bytes that is gone at the end of the test.
class TemporaryFile {
  public:
    explicit TemporaryFile(std::size_t size)
        : path_(::testing::TempDir() + "ringside_run_" + std::to_string(size)) {
        std::ofstream(path_, std::ios::binary) << std::string(size, 'r');
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() { std::remove(path_.c_str()); }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

class RunModes : public ::testing::TestWithParam<std::tuple<const char*, const char*>> {
  protected:
    json run_with_ring_of(const char* entries) {
        return report_of({"--time", std::get<0>(GetParam()), "--notify", std::get<1>(GetParam()),
                          "--ring-size", entries, "--jobs", "64", "--seed",
                          std::to_string(seed())});
    }
};

TEST_P(RunModes, SmallRingFillsUpAndEveryByteIsRight) {
    const auto report = run_with_ring_of("8");
    EXPECT_EQ(report.at("verified"), true);
    if (!sanitized || report.at("time") == "virtual") {  // slowed tenfold, threads may keep apart
        EXPECT_GT(report.at("eagain"), 0);
    }
    EXPECT_GT(report.at("interrupts"), 0);
    EXPECT_GT(report.at("simulated_ns"), 0);
    EXPECT_GT(report.at("wall_ns"), 0);
    EXPECT_EQ(report.at("operations"), 2 * report.at("records").get<int>());
    EXPECT_EQ(report.at("async"), "libringside_async.so");
    EXPECT_EQ(report.at("trace_hash").get<std::string>().size(), 16u);
}

TEST_P(RunModes, RingLargerThanTheJobsNeverFillsUp) {
    const auto report = run_with_ring_of("128");
    EXPECT_EQ(report.at("verified"), true);
    EXPECT_EQ(report.at("eagain"), 0);
}

INSTANTIATE_TEST_SUITE_P(Run, RunModes,
                         ::testing::Combine(::testing::Values("virtual", "live"),
                                            ::testing::Values("fd", "callback")),
                         [](const auto& mode) {
                             return std::string(std::get<0>(mode.param)) + "_" +
                                    std::get<1>(mode.param);
                         });

TEST(Run, SeedFixesTheTraceAndAnotherSeedChangesIt) {
    const auto hash = [](const char* seed) {
        return report_of({"--time", "virtual", "--seed", seed}).at("trace_hash");
    };
    const auto first = hash("7");
    EXPECT_EQ(hash("7"), first);
    EXPECT_NE(hash("8"), first);
}

TEST(Run, LibcryptosAsyncGivesTheSameTrace) {
    if (sanitized) {
        GTEST_SKIP() << "the sanitizer's runtime must come before a preloaded libcrypto";
    }
    const auto ours = report_of({"--seed", "7"});
    const auto theirs = report_of({"--seed", "7", "--async", "libcrypto"});
    EXPECT_EQ(theirs.at("verified"), true);
    EXPECT_THAT(theirs.at("async").get<std::string>(), HasSubstr("libcrypto"));
    EXPECT_EQ(theirs.at("trace_hash"), ours.at("trace_hash"));
}

/// What the driver gets over without losing or corrupting anything.
class SurvivedFaults : public ::testing::TestWithParam<const char*> {};

TEST_P(SurvivedFaults, EveryByteIsRightAndTheDeviceSaysThatItStruck) {
#if defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "virtual time is one thread, and each run takes ten times as long";
#endif
    const std::string plan = std::string(GetParam()) + ",queue=1,after=20,every=30,count=3";
    const auto report = report_of({"--faults", plan, "--seed", std::to_string(seed())});
    EXPECT_EQ(report.at("verified"), true);
    ASSERT_EQ(report.at("faults").size(), 1u);
    EXPECT_EQ(report.at("faults").at(0).at("rule"), plan);
    EXPECT_EQ(report.at("faults").at(0).at("fired"), 3);
    EXPECT_EQ(report.at("faults").at(0).at("matched"), 81);
}

INSTANTIATE_TEST_SUITE_P(Run, SurvivedFaults,
                         ::testing::Values("duplicate_completion", "delay_completion",
                                           "torn_completion", "slow_slice", "drop_doorbell",
                                           "drop_interrupt", "spurious_interrupt",
                                           "early_interrupt", "interrupt_storm", "mask_vector",
                                           "misroute_interrupt", "coalesce_for_ever"),
                         [](const auto& fault) { return fault.param; });

/// What costs operations: they fail, the run says so, and nothing hangs.
class ReportedFaults : public ::testing::TestWithParam<const char*> {};

TEST_P(ReportedFaults, EndInFailedJobsAndNotInADeadlock) {
#if defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "virtual time is one thread, and each run takes ten times as long";
#endif
    const std::string plan = std::string(GetParam()) + ",queue=1,after=20";
    const auto run =
        run_program({"run", "--json", "--faults", plan, "--seed", std::to_string(seed())});
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_THAT(run.err, HasSubstr(" jobs failed (seed " + std::to_string(seed()) + ")\n"));
    const auto report = json::parse(run.out, nullptr, false);
    EXPECT_GT(report.at("failed_jobs"), 0);
    // Nobody can ask a device that was pulled out.
    const json fired = std::string(GetParam()) == "remove" ? json() : json(1);
    EXPECT_EQ(report.at("faults").at(0).at("fired"), fired);
}

INSTANTIATE_TEST_SUITE_P(Run, ReportedFaults,
                         ::testing::Values("drop_completion", "freeze", "ecc_fatal", "poison",
                                           "refuse_good_tag", "lose_link", "remove"),
                         [](const auto& fault) { return fault.param; });

TEST(RunFaults, OfOneSeedGiveOneTrace) {
    const auto hash = [](const char* seed, std::vector<std::string> faults) {
        faults.insert(faults.begin(), {"--seed", seed});
        return report_of(faults).at("trace_hash");
    };
    const std::vector<std::string> plan = {"--faults", "delay_completion,chance=1/8,count=0"};
    const auto first = hash("7", plan);
    EXPECT_EQ(hash("7", plan), first);
    EXPECT_NE(hash("8", plan), first);
    EXPECT_NE(hash("7", {}), first);
}

TEST(RunFaults, ThatNobodyBelowTheApplicationCanSeeFailTheVerification) {
    const auto run = run_program({"run", "--faults", "flip_output,opcode=cipher,after=9"});
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_THAT(run.err, HasSubstr("seed 1"));
    EXPECT_THAT(run.out, HasSubstr("fault flip_output,opcode=16,after=9: fired 1"));
}

TEST(Run, OneByteIsEnoughAndNothingIsTooLittle) {
    const TemporaryFile one(1);
    EXPECT_EQ(report_of({"--file", one.path()}).at("verified"), true);
    const TemporaryFile empty(0);
    const auto run = run_program({"run", "--file", empty.path()});
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_THAT(run.err, HasSubstr(empty.path()));
}

TEST(Run, ManyJobsOverTheSmallestRing) {
    const auto report = report_of({"--ring-size", "2", "--jobs", "512"});
    EXPECT_EQ(report.at("verified"), true);
    EXPECT_GT(report.at("eagain"), 0);
}

TEST(Run, TakesEveryChipThatHelpListsAndItsTime) {
    const auto help = run_program({"run", "--help"}).out;
    std::map<std::string, std::int64_t> simulated_ns;
    for (const core::Chip& chip : core::chips()) {
        EXPECT_THAT(help, HasSubstr("\n" + std::string(30, ' ') + std::string(chip.name) + ": " +
                                    std::string(chip.description) + "\n"));
        const auto report = report_of({"--chip", std::string(chip.name), "--ring-size", "256"});
        EXPECT_EQ(report.at("verified"), true);
        EXPECT_EQ(report.at("chip"), chip.name);
        simulated_ns.emplace(chip.name, report.at("simulated_ns"));
        if (chip.name == "slow-slices") {
            // Two operations at a time, 40 us each; the file goes through twice, with a pause.
            const auto operations = report.at("operations").get<double>();
            EXPECT_NEAR(report.at("simulated_ns").get<double>(), operations * 20'000,
                        operations * 400);
        }
    }
    EXPECT_GT(simulated_ns.at("edge"), 2 * simulated_ns.at("standard"));
    EXPECT_GT(simulated_ns.at("standard"), simulated_ns.at("card"));
    EXPECT_GT(simulated_ns.at("card"), simulated_ns.at("server"));
    EXPECT_EQ(report_of({"--ring-size", "256"}).at("simulated_ns"), simulated_ns.at("standard"));
}

TEST(Run, TableSaysWhatHappened) {
    const auto run = run_program({"run"});
    EXPECT_EQ(run.exit_code, 0);
    for (const char* row : {"operations", "ring full (EAGAIN)", "interrupts", "simulated time",
                            "wall time", "throughput", "p50", "p99", "verified"}) {
        EXPECT_THAT(run.out, HasSubstr(row));
    }
    EXPECT_EQ(run.err, "") << "a progress bar is for a terminal only";
}

TEST(Run, NumbersAreDecimalAndALeadingZeroMeansNothing) {
    const auto report = report_of({"--jobs", "010", "--seed", "0010", "--ring-size", "016"});
    EXPECT_EQ(report.at("jobs"), 10);
    EXPECT_EQ(report.at("seed"), 10);
    EXPECT_EQ(report.at("ring_size"), 16);
    EXPECT_EQ(report_of({"--jobs", "08", "--ring-size", "0x10"}).at("ring_size"), 16);
}

TEST(Run, TheLargestSeedIsTakenAndALargerOneRefusedWithTheRange) {
    const std::string largest = "18446744073709551615";
    EXPECT_EQ(report_of({"--seed", largest}).at("seed").dump(), largest);
    for (const char* seed : {"18446744073709551616", "99999999999999999999999"}) {
        const auto run = run_program({"run", "--seed", seed});
        EXPECT_EQ(run.exit_code, 2);
        EXPECT_EQ(run.out, "");
        EXPECT_EQ(run.err, "ringside run: --seed: '" + std::string(seed) +
                               "' is not allowed: a number from 0 to " + largest + "\n");
    }
}

TEST(Run, WrongInputIsNamedInOneLineAndNothingIsPrinted) {
    const std::vector<std::vector<std::string>> wrong = {
        {"--file", "/nonexistent"}, {"--file", "/"},      {"--ring-size", "7"},
        {"--ring-size", "1"},       {"--jobs", "0"},      {"--ring-size", "8192"},
        {"--time", "real"},         {"--async", "none"},  {"--notify", "pigeon"},
        {"--seed", "-1"},           {"--jobs", "eleven"}, {"--jobs", "8x"},
        {"--faults", "earthquake"}, {"--faults", ""},     {"--chip", "potato"},
        {"--ring-size", "0x"},      {"--jobs", "0x8"},
    };
    for (auto arguments : wrong) {
        const auto value = arguments.back();
        arguments.insert(arguments.begin(), "run");
        const auto run = run_program(arguments);
        EXPECT_EQ(run.exit_code, 2);
        EXPECT_EQ(run.out, "");
        EXPECT_THAT(run.err, HasSubstr("'" + value + "'"));
        EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
    }
}

}  // namespace
}  // namespace ringside::testing
