// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The file of a recording: what is written is read again, and what is cut off, damaged or foreign
// is told apart and named with its place.

#include "ringside/recording/recording.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <optional>

#include "recording_file.hpp"
#include "ringside/base/trace.hpp"
#include "ringside/recording/player.hpp"
#include "ringside/recording/recorder.hpp"

namespace ringside::recording {
namespace {

using testing::RecordingFile;

constexpr std::array<std::byte, 3> payload = {std::byte{1}, std::byte{2}, std::byte{3}};

class RecordingTest : public ::testing::Test {
  protected:
    /// Three records: a write, a DMA read of `payload`, a message.
    void record(Contents contents = Contents::full) {
        const Info info{.contents = contents,
                        .time = TimeKind::live,
                        .seed = 77,
                        .metadata = {{"ring", "8"}, {"what", "a=b"}}};
        auto recorder = Recorder::create(file.path(), info).value();
        recorder->write(
            {.kind = Kind::mmio_write, .time = time_from_ps(5), .address = 0x101000, .value = 1});
        recorder->write({.kind = Kind::dma_read,
                         .time = time_from_ps(7),
                         .address = 0x123456789A,
                         .value = payload.size(),
                         .bytes = payload});
        recorder->write({.kind = Kind::message, .time = time_from_ps(9), .address = 2});
        ASSERT_FALSE(recorder->finish());
    }
    RecordingFile file;
};

TEST_F(RecordingTest, GivesBackWhatWasWritten) {
    record();
    const Recording recording = file.load();
    EXPECT_EQ(recording.info().contents, Contents::full);
    EXPECT_EQ(recording.info().time, TimeKind::live);
    EXPECT_EQ(recording.info().seed, 77u);
    EXPECT_EQ(recording.info().metadata.at("ring"), "8");
    EXPECT_EQ(recording.info().metadata.at("what"), "a=b");
    EXPECT_EQ(recording.record_count(), 3u);
    Recording::Cursor cursor(recording);
    EXPECT_EQ(to_string(cursor.record()), "mmio_write 0x101000 = 0x1");
    EXPECT_EQ(to_ps(cursor.record().time), 5);
    cursor.advance();
    EXPECT_EQ(to_string(cursor.record()), "dma_read of 3 bytes at 0x123456789a");
    EXPECT_TRUE(std::equal(payload.begin(), payload.end(), cursor.record().bytes.begin(),
                           cursor.record().bytes.end()));
    EXPECT_EQ(cursor.record().number, 1u);
    cursor.advance();
    EXPECT_EQ(to_string(cursor.record()), "message 0x2");
    cursor.advance();
    EXPECT_EQ(cursor.record().kind, Kind::end);
    cursor.advance();
    EXPECT_EQ(cursor.record().kind, Kind::end);
}

TEST_F(RecordingTest, IsReadableToItsOwnerOnlyEvenInPlaceOfAnotherFile) {
    file.write("something else");
    ASSERT_EQ(::chmod(file.path().c_str(), 0644), 0);
    record();
    struct stat status {};
    ASSERT_EQ(::stat(file.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(RecordingTest, HoldsDigestsInPlaceOfWhatTheDeviceReadUnlessAskedForMore) {
    record(Contents::digests);
    const std::string secret(reinterpret_cast<const char*>(payload.data()), payload.size());
    EXPECT_EQ(file.bytes().find(secret), std::string::npos);
    const Recording recording = file.load();
    Recording::Cursor cursor(recording);
    cursor.advance();
    EXPECT_TRUE(cursor.record().is_digest);
    EXPECT_EQ(cursor.record().value, payload.size());

    Player player(recording);
    player.skip();
    const Record expected = player.next();
    player.compare_bytes(expected, payload);
    EXPECT_FALSE(player.divergence());
    auto other = payload;
    other[1] ^= std::byte{0x10};
    player.compare_bytes(expected, other);
    ASSERT_TRUE(player.divergence());
    EXPECT_EQ(player.divergence()->record, 1u);
}

TEST_F(RecordingTest, EveryCutIsNoticed) {
    record();
    const std::string whole = file.bytes();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        file.write(whole.substr(0, size));
        const auto failure = file.failure();
        EXPECT_EQ(failure.code, size < 8 ? Errc::not_a_recording : Errc::truncated) << size;
    }
    file.write(whole + "x");
    EXPECT_EQ(file.failure().code, Errc::damaged);
}

TEST_F(RecordingTest, EveryFlippedByteIsNoticed) {
    record();
    const std::string whole = file.bytes();
    for (std::size_t offset = 0; offset < whole.size(); ++offset) {
        file.write(whole);
        file.flip(offset);
        const bool minor_version = offset == 10 || offset == 11;  // a newer one may be read
        EXPECT_EQ(Recording::load(file.path()).has_value(), minor_version) << offset;
    }
}

TEST_F(RecordingTest, DamageIsNamedWithItsPlace) {
    record();
    const std::size_t second = file.offset_of(1);
    file.flip(second + RecordingFile::record_header_size + 2);
    const auto failure = file.failure();
    EXPECT_EQ(failure.code, Errc::damaged);
    EXPECT_EQ(failure.record, 1u);
    EXPECT_EQ(failure.offset, second);
    EXPECT_EQ(failure.to_string(),
              "the recording is damaged (record 1, offset " + std::to_string(second) + ")");
}

TEST_F(RecordingTest, AMissingRecordIsNoticedThoughItsNeighboursAreWhole) {
    record();
    const std::string whole = file.bytes();
    const std::size_t second = file.offset_of(1);
    const std::size_t third = file.offset_of(2);
    file.write(whole.substr(0, second) + whole.substr(third));
    EXPECT_EQ(file.failure().code, Errc::damaged);
    EXPECT_EQ(file.failure().record, 1u);
}

TEST_F(RecordingTest, OtherFilesAndOtherVersionsAreRefused) {
    file.write("#!/bin/sh\necho this is no recording, but it is long enough to be one\n");
    EXPECT_EQ(file.failure().code, Errc::not_a_recording);
    record();
    file.flip(8);
    EXPECT_EQ(file.failure().code, Errc::unsupported_version);
    const auto missing = Recording::load(file.path() + ".missing");
    EXPECT_EQ(missing.error().code, boost::system::errc::no_such_file_or_directory);
}

TEST_F(RecordingTest, AFullDiskAndBadMetadataAreErrors) {
    auto recorder = Recorder::create("/dev/full", {}).value();
    EXPECT_EQ(recorder->finish(), boost::system::errc::no_space_on_device);
    EXPECT_EQ(Recorder::create(file.path(), {.metadata = {{"a=b", "c"}}}).error(),
              Errc::bad_metadata);
    EXPECT_EQ(Recorder::create(file.path(), {.metadata = {{"a", "b\nc"}}}).error(),
              Errc::bad_metadata);
}

TEST_F(RecordingTest, APlayerNamesTheFirstDifferenceAndNoLaterOne) {
    record();
    const Recording recording = file.load();
    Player player(recording);
    int told = 0;
    player.on_divergence([&told] { ++told; });
    EXPECT_TRUE(player.take({.kind = Kind::mmio_write, .address = 0x101000, .value = 1}));
    EXPECT_FALSE(player.take(
        {.kind = Kind::dma_read, .address = 0x123456789A, .value = payload.size() + 1}));
    EXPECT_FALSE(player.take({.kind = Kind::message, .address = 2}));
    ASSERT_TRUE(player.divergence());
    EXPECT_EQ(player.divergence()->to_string(),
              "record 1, at 0.000007 us: expected dma_read of 3 bytes at 0x123456789a, came "
              "dma_read of 4 bytes at 0x123456789a");
    EXPECT_EQ(told, 1);
    EXPECT_EQ(player.next().kind, Kind::end);
}

TEST_F(RecordingTest, APlayerNamesTheByteThatDiffers) {
    record();
    const Recording recording = file.load();
    Player player(recording);
    player.skip();
    const auto taken =
        player.take({.kind = Kind::dma_read, .address = 0x123456789A, .value = payload.size()});
    ASSERT_TRUE(taken);
    auto other = payload;
    other[2] = std::byte{0xFF};
    player.compare_bytes(*taken, other);
    ASSERT_TRUE(player.divergence());
    EXPECT_EQ(player.divergence()->record, 1u);
    EXPECT_EQ(player.divergence()->expected,
              "byte 2 of dma_read of 3 bytes at 0x123456789a to be 03");
    EXPECT_EQ(player.divergence()->came, "ff");
}

}  // namespace
}  // namespace ringside::recording
