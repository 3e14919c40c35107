// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The module in a SystemC simulation of somebody else's does exactly what it does on our virtual
// platform: the same seeded work, and every completion and message arrives at the same picosecond.

#include <gtest/gtest.h>

#include <sstream>

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

TEST(ForeignSimulation, SeesEveryCompletionAndMessageAtThePlatformsTimes) {
    const auto foreign = run_process({FOREIGN_SIMULATION, std::to_string(seed())});
    ASSERT_EQ(foreign.exit_code, 0) << foreign.err;
    PlatformHost host;
    Workload(host, seed()).run();

    auto expected = host.log.completions;
    EXPECT_GT(expected.size(), 500u);
    EXPECT_GT(host.log.messages.size(), 50u);
    expected.insert(expected.end(), host.log.messages.begin(), host.log.messages.end());
    const auto seen = lines_of(foreign.out);
    ASSERT_EQ(seen.size(), expected.size());
    for (std::size_t i = 0; i < seen.size(); ++i) {
        ASSERT_EQ(seen[i], expected[i]);
    }
}

}  // namespace
}  // namespace ringside::testing
