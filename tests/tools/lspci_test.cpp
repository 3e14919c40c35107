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

class Lspci : public ::testing::Test {
  protected:
    void SetUp() override {
        if (access(LSPCI_PROGRAM, X_OK) != 0) {
            GTEST_SKIP() << "lspci is not installed (Debian package pciutils)";
        }
    }
    static std::string decode(const std::string& chip) {
        std::ofstream(CONFIG_DUMP) << run_program({"regs", "--config", "--chip", chip}).out;
        const auto lspci = run_process({LSPCI_PROGRAM, "-vv", "-n", "-F", CONFIG_DUMP});
        EXPECT_EQ(lspci.exit_code, 0) << lspci.err;
        return lspci.out;
    }
};

TEST_F(Lspci, DecodesItAsPinned) {
    std::ostringstream golden;
    golden << std::ifstream(LSPCI_GOLDEN).rdbuf();
    EXPECT_EQ(decode("standard"), golden.str());
}

TEST_F(Lspci, SeesTheLinkThatTheChipHas) {
    struct Link {
        const char* chip;
        const char* trained;
        const char* speeds;
        const char* equalized;
    };
    for (const Link& link : {
             Link{"edge", "Speed 5GT/s, Width x1", "2.5-5GT/s, Crosslink- Retimer-",
                  "EqualizationComplete-"},
             Link{"card", "Speed 8GT/s, Width x8", "2.5-8GT/s, Crosslink- Retimer-",
                  "EqualizationComplete+"},
             Link{"server", "Speed 32GT/s, Width x16", "2.5-32GT/s, Crosslink- Retimer+",
                  "EqualizationComplete+"},
             Link{"slow-slices", "Speed 16GT/s, Width x8", "2.5-16GT/s, Crosslink- Retimer+",
                  "EqualizationComplete+"},
         }) {
        const std::string seen = decode(link.chip);
        for (const char* part : {link.trained, link.speeds, link.equalized}) {
            EXPECT_NE(seen.find(part), std::string::npos) << link.chip << ": " << part << '\n'
                                                          << seen;
        }
    }
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
