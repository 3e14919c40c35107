// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The protocol checker as its user meets it: a program that misuses the ASYNC API in one way is
// told so and where, the same program put right is not, and switched off nothing is told.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <string>

#include "ringside/testing/process.hpp"

namespace ringside::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

ProcessResult run_case(const char* which, const std::string& kind, const char* check) {
    return run_process({CHECKER_PROGRAM, which, kind},
                       {std::string("RINGSIDE_ASYNC_CHECK=") + check,
                        "ASAN_OPTIONS=detect_leaks=0"});  // an abandoned job is one
}

class CheckerTest : public ::testing::TestWithParam<const char*> {};

TEST_P(CheckerTest, TellsTheMisuseWithItsPlaces) {
    const auto run = run_case("wrong", GetParam(), "report,callback_ms=50");
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.err, HasSubstr("ringside async check: [" + std::string(GetParam()) + "]"));
    EXPECT_THAT(run.err, HasSubstr("\n    at "));
    EXPECT_THAT(run.err, HasSubstr("checker_program+0x"));
}

TEST_P(CheckerTest, SaysNothingOfTheRightProgram) {
    const auto run = run_case("right", GetParam(), "report,callback_ms=60000");
    EXPECT_EQ(run.exit_code, 0);
    EXPECT_EQ(run.err, "");
}

TEST_P(CheckerTest, SwitchedOffItTellsNothing) {
    const auto run = run_case("wrong", GetParam(), "");
    EXPECT_EQ(run.exit_code, 0);
    EXPECT_THAT(run.err, Not(HasSubstr("async check")));
}

TEST_P(CheckerTest, AbortsAtTheFirstMisuseIfTold) {
    const auto run = run_case("wrong", GetParam(), "abort,callback_ms=50");
    EXPECT_EQ(run.exit_code, 128 + SIGABRT);
    EXPECT_THAT(run.err, HasSubstr("[" + std::string(GetParam()) + "]"));
}

INSTANTIATE_TEST_SUITE_P(Kinds, CheckerTest,
                         ::testing::Values("fd-closed", "changes-not-collected", "callback-blocks",
                                           "eagain-not-retried", "job-abandoned", "ctx-shared",
                                           "fds-pile-up", "wrong-thread"),
                         [](const auto& parameter) {
                             std::string name = parameter.param;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

TEST(CheckerSetting, WhatIsNotAllowedIsNamed) {
    for (const char* setting : {"yes", "report,callback_ms=0", "report,callback_ms=5x",
                                "abort,bound=3", "report,", "report,callback_ms=60001"}) {
        const auto run = run_case("right", "fd-closed", setting);
        EXPECT_EQ(run.exit_code, 2);
        EXPECT_THAT(run.err, AllOf(HasSubstr("RINGSIDE_ASYNC_CHECK = '" + std::string(setting)),
                                   HasSubstr("report or abort")));
    }
}

}  // namespace
}  // namespace ringside::testing
