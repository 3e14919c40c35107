// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The module in a SystemC simulation of somebody else's does exactly what it does on our virtual
// platform: the same seeded work, and every completion and message arrives at the same picosecond.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "ringside/testing/process.hpp"
#include "ringside/testing/seed.hpp"
#include "shell_platform.hpp"
#include "shell_workload.hpp"

namespace ringside::testing {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(line);
    }
    return lines;
}

/// All lines of the workload on our platform.
std::vector<std::string> lines_of_platform() {
    PlatformHost host;
    Workload(host, seed()).run();
    auto lines = host.log.completions;
    EXPECT_GT(lines.size(), 500u);
    EXPECT_GT(host.log.messages.size(), 50u);
    lines.insert(lines.end(), host.log.messages.begin(), host.log.messages.end());
    return lines;
}

void expect_lines_of_platform(const ProcessResult& foreign) {
    ASSERT_EQ(foreign.exit_code, 0) << foreign.err;
    const auto expected = lines_of_platform();
    const auto seen = lines_of(foreign.out);
    ASSERT_EQ(seen.size(), expected.size());
    for (std::size_t i = 0; i < seen.size(); ++i) {
        ASSERT_EQ(seen[i], expected[i]);
    }
}

TEST(ForeignSimulation, SeesEveryCompletionAndMessageAtThePlatformsTimes) {
    expect_lines_of_platform(run_process({FOREIGN_SIMULATION, std::to_string(seed())}));
}

TEST(ForeignSimulation, SeesThemAtTheSameTimesWhereTheKernelsResolutionIsFiner) {
    for (const char* const femtoseconds : {"1", "100"}) {
        SCOPED_TRACE(femtoseconds);
        expect_lines_of_platform(
            run_process({FOREIGN_SIMULATION, std::to_string(seed()), femtoseconds}));
    }
}

TEST(ForeignSimulation, IsRefusedTheModuleWhereTheKernelsResolutionIsCoarser) {
    for (const auto& [femtoseconds, text] :
         {std::pair("10000", "10 ps"), std::pair("1000000", "1 ns")}) {
        const auto foreign =
            run_process({FOREIGN_SIMULATION, std::to_string(seed()), femtoseconds});
        EXPECT_NE(foreign.exit_code, 0);
        EXPECT_THAT(foreign.err + foreign.out,
                    ::testing::HasSubstr("the time resolution is " + std::string(text)));
    }
}

}  // namespace
}  // namespace ringside::testing
