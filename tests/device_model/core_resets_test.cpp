// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// What a device reset and a function-level reset keep and begin anew that no register's reset value
// tells of: the error log stays, the heartbeat counts from zero.

#include <gtest/gtest.h>

#include "chip_bench.hpp"

namespace ringside::testing {
namespace {

using namespace std::chrono_literals;

struct ResetBench : Bench {
    ResetBench() { enable_queue(0, 16); }

    void restart() {
        start();
        enable_queue(0, 16);
    }
    std::uint32_t beats() const { return peek(spec::at("HB_COUNT").of()); }
};

class ResetOfTheChip : public ::testing::TestWithParam<bool> {
  protected:
    ResetBench bench_;
};

TEST_P(ResetOfTheChip, KeepsTheErrorLogWhichCountsOn) {
    bench_.write(0xFFC, 0);
    bench_.run_for(1ms);
    bench_.write(spec::at("SQ_DB").of(0), 0x5000);
    const auto before = bench_.error_log();
    ASSERT_EQ(before.size(), 2u);

    bench_.reset(GetParam());
    EXPECT_EQ(bench_.errors(), 0u) << "the register forgets";
    bench_.restart();
    const auto kept = bench_.error_log();
    ASSERT_EQ(kept.size(), before.size());
    EXPECT_EQ(std::memcmp(kept.data(), before.data(), before.size() * sizeof before[0]), 0);

    bench_.write(0xFF8, 0);
    const auto after = bench_.error_log();
    ASSERT_EQ(after.size(), 3u);
    EXPECT_EQ(after[0].serial, 3u);
    EXPECT_EQ(after[0].address, 0xFF8u);
    EXPECT_GT(after[0].time_ns, before[0].time_ns);
    EXPECT_EQ(std::memcmp(&after[1], before.data(), before.size() * sizeof before[0]), 0);
}

TEST_P(ResetOfTheChip, BeginsTheHeartbeatAtZero) {
    // In two spells of READY: the chip adds them up.
    bench_.run_for(20ms);
    bench_.write(spec::at("CC").of(), 0);
    bench_.write(spec::at("CC").of(), 1);
    bench_.run_for(20ms);
    ASSERT_GE(bench_.beats(), 39u);
    bench_.reset(GetParam());
    EXPECT_EQ(bench_.beats(), 0u);
    bench_.run_for(20ms);
    EXPECT_EQ(bench_.beats(), 0u) << "DISABLED";
    bench_.write(spec::at("CC").of(), 1);
    bench_.run();
    EXPECT_EQ(bench_.beats(), 0u);
    bench_.run_for(5ms);
    EXPECT_EQ(bench_.beats(), 5u);
}

INSTANTIATE_TEST_SUITE_P(Both, ResetOfTheChip, ::testing::Bool(),
                         [](const auto& how) { return how.param ? "FunctionLevel" : "Register"; });

}  // namespace
}  // namespace ringside::testing
