// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The file's layout, as docs/recording.md gives it, for Recorder and Recording. Little endian;
// bytes are copied in and out of these structs, never cast.

#include <array>
#include <bit>
#include <boost/crc.hpp>
#include <cstddef>
#include <cstdint>
#include <span>

namespace ringside::recording::format {

static_assert(std::endian::native == std::endian::little,
              "a big-endian host needs conversions here");

/// The first byte is no text, the last two survive no conversion of line ends.
inline constexpr std::array<char, 8> magic = {'\x89', 'R', 'S', 'R', 'E', 'C', '\r', '\n'};
inline constexpr std::uint16_t major_version = 1;
inline constexpr std::uint16_t minor_version = 0;

struct FileHeader {
    std::array<char, 8> magic{};
    std::uint16_t major = 0;
    std::uint16_t minor = 0;
    std::uint32_t crc = 0;  ///< of what follows, metadata included
    std::uint64_t seed = 0;
    std::uint32_t metadata_size = 0;
    std::uint8_t contents = 0;
    std::uint8_t time = 0;
    std::uint16_t reserved = 0;
};
static_assert(sizeof(FileHeader) == 32);

inline constexpr std::uint8_t flag_refused = 1;
inline constexpr std::uint8_t flag_digest = 2;

struct RecordHeader {
    std::uint32_t crc = 0;     ///< of what follows, bytes included
    std::uint32_t length = 0;  ///< bytes behind this header
    std::uint32_t number = 0;  ///< counts records from 0: one that is missing shows
    std::uint8_t kind = 0;
    std::uint8_t detail = 0;
    std::uint8_t flags = 0;
    std::uint8_t reserved = 0;
    std::int64_t time_ps = 0;
    std::uint64_t address = 0;
    std::uint64_t value = 0;
};
static_assert(sizeof(RecordHeader) == 40);

/// CRC-32 (ISO-HDLC, that of zlib) over a struct behind its member `crc` and `bytes`.
template <typename Header>
std::uint32_t checksum(const Header& header, std::span<const std::byte> bytes) {
    constexpr std::size_t covered = offsetof(Header, crc) + sizeof header.crc;
    boost::crc_32_type crc;
    crc.process_bytes(reinterpret_cast<const std::byte*>(&header) + covered,
                      sizeof header - covered);
    crc.process_bytes(bytes.data(), bytes.size());
    return crc.checksum();
}

}  // namespace ringside::recording::format
