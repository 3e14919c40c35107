// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// `ringside regs --config` in the eyes of lspci (pciutils 3.9, Debian 12), which decodes every
// capability by itself: its output is pinned in lspci.golden.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "program.hpp"

namespace ringside::testing {
namespace {

TEST(ConfigDump, LspciDecodesItAsPinned) {
    if (access(LSPCI_PROGRAM, X_OK) != 0) {
        GTEST_SKIP() << "lspci is not installed (Debian package pciutils)";
    }
    std::ofstream(CONFIG_DUMP) << run_program({"regs", "--config"}).out;
    const auto lspci = run_process({LSPCI_PROGRAM, "-vv", "-n", "-F", CONFIG_DUMP});
    EXPECT_EQ(lspci.exit_code, 0) << lspci.err;
    std::ostringstream golden;
    golden << std::ifstream(LSPCI_GOLDEN).rdbuf();
    EXPECT_EQ(lspci.out, golden.str());
}

TEST(ConfigDump, HoldsAllFourKibibytesInLinesOfSixteen) {
    const auto run = run_program({"regs", "--config"});
    EXPECT_EQ(run.err, "");
    EXPECT_EQ(std::count(run.out.begin(), run.out.end(), '\n'), 1 + 4096 / 16);
    EXPECT_NE(run.out.find("\nff0: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"),
              std::string::npos);
}

TEST(ConfigDump, ComesInNoOtherFormat) {
    const auto run = run_program({"regs", "--config", "--format", "json"});
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_EQ(run.out, "");
}

}  // namespace
}  // namespace ringside::testing
