// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// `ringside run --record` and `ringside replay` as a user runs them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "program.hpp"
#include "recording_file.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::testing {
namespace {

using recording::Kind;
using ::testing::HasSubstr;

class ReplayCommand : public ::testing::Test {
  protected:
    ReplayCommand() { input.write(std::string(50'000, 'r')); }

    void record(const std::vector<std::string>& further) {
        std::vector<std::string> arguments = {
            "run",        "--record", file.path(),           "--file",
            input.path(), "--seed",   std::to_string(seed())};
        arguments.insert(arguments.end(), further.begin(), further.end());
        const auto run = run_program(arguments);
        ASSERT_EQ(run.exit_code, 0) << run.err;
    }
    ProcessResult replay(const std::string& against) {
        return run_program({"replay", file.path(), "--against", against});
    }
    /// The number of the last record of a kind.
    std::uint64_t last(Kind kind) {
        const auto recording = file.load();
        std::uint64_t found = 0;
        for (recording::Recording::Cursor cursor(recording); cursor.record().kind != Kind::end;
             cursor.advance()) {
            found = cursor.record().kind == kind ? cursor.record().number : found;
        }
        return found;
    }
    static std::string place(std::uint64_t number) {
        return "differs at record " + std::to_string(number) + ",";
    }

    RecordingFile file;
    RecordingFile input;
};

TEST_F(ReplayCommand, ARunInVirtualTimeIsTheSameAgainstBoth) {
    for (const char* notify : {"fd", "callback"}) {
        record({"--notify", notify, "--ring-size", "4"});
        const auto replayed = replay("both");
        EXPECT_EQ(replayed.exit_code, 0) << replayed.err;
        EXPECT_THAT(replayed.out, HasSubstr("against the device: no difference"));
        EXPECT_THAT(replayed.out, HasSubstr("against the driver: no difference"));
    }
}

TEST_F(ReplayCommand, TheDeviceIsTheRunsOwnWithItsFaults) {
    record({"--chip", "card", "--faults", "drop_interrupt,queue=1,after=9"});
    const auto replayed = replay("both");
    EXPECT_EQ(replayed.exit_code, 0) << replayed.err;
    EXPECT_THAT(replayed.out, HasSubstr("against the device: no difference"));
}

TEST_F(ReplayCommand, ARunInLiveTimeIsTheSameAgainstTheDevice) {
    record({"--time", "live"});
    const auto replayed = run_program({"replay", file.path()});
    EXPECT_EQ(replayed.exit_code, 0) << replayed.err;
    EXPECT_THAT(replayed.out, HasSubstr("against the device: no difference"));
    const auto refused = replay("driver");
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_THAT(refused.err, HasSubstr("live time"));
}

TEST_F(ReplayCommand, AnotherDoorbellIsNamedWithItsRegister) {
    record({});
    const std::uint64_t write = last(Kind::mmio_write);
    file.forge(write, RecordingFile::value_in_header);
    const auto replayed = replay("driver");
    EXPECT_EQ(replayed.exit_code, 1);
    EXPECT_EQ(replayed.out, "");
    EXPECT_THAT(replayed.err, HasSubstr(place(write)));
    EXPECT_THAT(replayed.err, HasSubstr("expected mmio_write 0x38 = 0x52535420"));
    EXPECT_THAT(replayed.err, HasSubstr("(RESET)"));
}

TEST_F(ReplayCommand, AnotherByteOfOutputIsNamedByTheDevice) {
    record({});
    const std::uint64_t write = last(Kind::dma_write);
    file.forge(write, RecordingFile::record_header_size);
    const auto replayed = replay("device");
    EXPECT_EQ(replayed.exit_code, 1);
    EXPECT_THAT(replayed.err, HasSubstr(place(write)));
    EXPECT_THAT(replayed.err, HasSubstr("expected byte 0 of dma_write of "));
}

TEST_F(ReplayCommand, ADamagedOrCutOffFileIsRefusedWithThePlace) {
    record({});
    const std::string whole = file.bytes();
    file.flip(file.offset_of(100) + RecordingFile::value_in_header);
    auto replayed = replay("both");
    EXPECT_EQ(replayed.exit_code, 2);
    EXPECT_THAT(replayed.err, HasSubstr("damaged (record 100,"));
    file.write(whole.substr(0, whole.size() / 2));
    replayed = replay("both");
    EXPECT_EQ(replayed.exit_code, 2);
    EXPECT_THAT(replayed.err, HasSubstr("cut off (record "));
}

TEST_F(ReplayCommand, TheDriverNeedsTheFileOfTheRun) {
    record({});
    input.flip(17);
    EXPECT_EQ(replay("device").exit_code, 0);
    const auto replayed = replay("driver");
    EXPECT_EQ(replayed.exit_code, 2);
    EXPECT_THAT(replayed.err, HasSubstr(input.path()));
}

TEST_F(ReplayCommand, WhatIsNoRecordingOrCannotBeWrittenIsNamed) {
    file.write("no recording");
    EXPECT_EQ(replay("both").exit_code, 2);
    EXPECT_THAT(replay("both").err, HasSubstr(file.path() + ": not a recording\n"));
    EXPECT_EQ(run_program({"replay", "/nonexistent"}).exit_code, 2);
    EXPECT_EQ(run_program({"replay"}).exit_code, 2);
    for (const char* path : {"/dev/full", "/nonexistent/recording"}) {
        const auto run = run_program({"run", "--record", path});
        EXPECT_EQ(run.exit_code, 2);
        EXPECT_THAT(run.err, HasSubstr(path));
    }
}

}  // namespace
}  // namespace ringside::testing
