// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A recording's file in a test: gone at its end, and with bytes that a test changes, with or
// without making the checksum right again.

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/crc.hpp>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "ringside/recording/recording.hpp"

namespace ringside::testing {

class RecordingFile {
  public:
    static constexpr std::size_t file_header_size = 32;
    static constexpr std::size_t record_header_size = 40;
    static constexpr std::size_t detail_in_header = 13;
    static constexpr std::size_t flags_in_header = 14;
    static constexpr std::size_t address_in_header = 24;
    static constexpr std::size_t value_in_header = 32;

    RecordingFile() {
        static int files = 0;
        path_ = ::testing::TempDir() + "ringside_recording_" + std::to_string(::getpid()) + "_" +
                std::to_string(++files);
    }
    RecordingFile(const RecordingFile&) = delete;
    RecordingFile& operator=(const RecordingFile&) = delete;
    ~RecordingFile() { std::remove(path_.c_str()); }

    const std::string& path() const { return path_; }
    recording::Recording load() const { return recording::Recording::load(path_).value(); }
    recording::Failure failure() const { return recording::Recording::load(path_).error(); }

    std::string bytes() const {
        std::ifstream file(path_, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    void write(const std::string& bytes) const {
        std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
    }
    void flip(std::size_t offset) const {
        std::string all = bytes();
        all.at(offset) = static_cast<char>(all.at(offset) ^ 1);
        write(all);
    }

    /// Where the record stands in the file.
    std::size_t offset_of(std::uint64_t record) const {
        const std::string all = bytes();
        std::uint32_t length = 0;
        std::memcpy(&length, all.data() + 16 + 8, sizeof length);  // of the metadata
        std::size_t offset = file_header_size + length;
        for (; record != 0; --record) {
            std::memcpy(&length, all.data() + offset + 4, sizeof length);
            offset += record_header_size + length;
        }
        return offset;
    }
    /// Flips a bit of the record, `at` bytes from its beginning, and puts its checksum right: not
    /// damaged, but another recording.
    void forge(std::uint64_t record, std::size_t at) const {
        std::string all = bytes();
        const std::size_t offset = offset_of(record);
        all.at(offset + at) = static_cast<char>(all.at(offset + at) ^ 1);
        std::uint32_t length = 0;
        std::memcpy(&length, all.data() + offset + 4, sizeof length);
        boost::crc_32_type crc;
        crc.process_bytes(all.data() + offset + 4, record_header_size - 4 + length);
        const std::uint32_t checksum = crc.checksum();
        std::memcpy(all.data() + offset, &checksum, sizeof checksum);
        write(all);
    }

  private:
    std::string path_;
};

}  // namespace ringside::testing
