// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The driver as it is shipped passes every scenario, in thousands of interleavings. A failure names
// its seed; --seed N begins there.

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "ringside/testing/seed.hpp"
#include "scenario.hpp"

namespace ringside::testing {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr std::uint64_t seeds = 100;
#else
constexpr std::uint64_t seeds = 2000;
#endif

class Failure final : public Verdict {
  public:
    void broken(const std::string& problem) override { ADD_FAILURE() << problem; }
};

struct ShippedDriver : ::testing::TestWithParam<Scenario> {};

TEST_P(ShippedDriver, PassesInEveryInterleaving) {
    std::uint64_t reached = 0;
    for (std::uint64_t i = 0; i < seeds && !HasFailure(); ++i) {
        SCOPED_TRACE("seed " + std::to_string(seed() + i));
        Failure failure;
        reached += GetParam().run(seed() + i, failure);
    }
    EXPECT_GT(reached, seeds / 10) << "the moment in which the bug would bite is too rare";
}

INSTANTIATE_TEST_SUITE_P(RingFull, ShippedDriver,
                         ::testing::ValuesIn(scenarios().begin(), scenarios().end()),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(ScenarioTable, IsInTheDocumentation) {
    std::ifstream page(RINGSIDE_DRIVER_PAGE);
    const std::string text(std::istreambuf_iterator<char>(page), {});
    for (const Scenario& each : scenarios()) {
        const std::string row = "| " + std::to_string(each.bug) + " | `" + std::string(each.name) +
                                "` | " + std::to_string(each.seeds) + " |";
        EXPECT_NE(text.find(row), std::string::npos) << row;
    }
}

}  // namespace
}  // namespace ringside::testing
