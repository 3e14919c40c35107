// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A run as it passed the link: a file of records, one for each register access, mapping, transfer
// and interrupt, in the order in which they happened. Here is what a record means, and the reader;
// the Recorder writes. The file's format is described in docs/recording.md. A loaded Recording has
// been checked from the first byte to the last: whoever walks through it needs no further checks.

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringside/base/time.hpp"
#include "ringside/recording/error.hpp"

namespace ringside::recording {

/// Values stand in the file: they never change their meaning.
enum class Kind : std::uint8_t {
    end = 0,  ///< the last record; value: records before it
    // what was done to the device
    mmio_read = 1,       ///< address: BAR0 offset; value: the answer
    mmio_write = 2,      ///< address: BAR0 offset
    mask_vector = 3,     ///< address: vector; value: 1 masked, 0 not
    reset_function = 4,  ///< a function-level reset
    advance = 5,         ///< the device did all that was due up to `time`
    next_event = 6,      ///< when it next has something to do; value: ps, or never
    // what the device did; bytes: what was moved
    dma_read = 16,   ///< address: I/O virtual; value: bytes
    dma_write = 17,  ///< address: I/O virtual; value: bytes
    message = 18,    ///< address: the vector that it interrupted
    // what else the driver did
    dma_map = 32,          ///< address: the result; value: bytes; detail: DmaDirection
    dma_unmap = 33,        ///< address: I/O virtual
    sync_for_device = 34,  ///< address: I/O virtual; value: bytes
    sync_for_cpu = 35,     ///< address: I/O virtual; value: bytes
    wait_vector = 36,      ///< address: vector
    cancel_wait = 37,      ///< address: vector
    interrupt = 38,        ///< address: vector; value: 0 it came, 1 the wait was withdrawn
};

std::string_view to_string(Kind kind);

/// What a device does on its own, between or during what is done to it.
constexpr bool is_output(Kind kind) {
    return kind == Kind::dma_read || kind == Kind::dma_write || kind == Kind::message;
}

/// What concerns the device: in live time, what the driver does meanwhile stands anywhere between.
constexpr bool is_at_the_device(Kind kind) {
    return kind < Kind::dma_map && kind != Kind::next_event;
}

/// Kind::next_event: the device does nothing more by itself.
inline constexpr std::uint64_t never = ~std::uint64_t{0};

struct Record {
    Kind kind = Kind::end;
    std::uint8_t detail = 0;
    bool refused = false;    ///< the transfer faulted, or the mapping failed: nothing was moved
    bool is_digest = false;  ///< `bytes` is their 64-bit digest (trace.hpp), little endian
    Time time{};
    std::uint64_t address = 0;
    std::uint64_t value = 0;
    std::span<const std::byte> bytes;
    std::uint64_t number = 0;  ///< of a record read from a file, counted from 0
};

/// For people, without the time: "mmio_write 0x101008 = 0x80000001".
std::string to_string(const Record& record);

/// How much of memory a recording holds. Keys pass through DMA memory.
enum class Contents : std::uint8_t {
    digests = 0,  ///< what the device reads only as digests: enough to replay against a driver
    full = 1,     ///< everything; only where every key comes from the run's seed
};

enum class TimeKind : std::uint8_t { virtual_time = 0, live = 1 };

/// The header.
struct Info {
    Contents contents = Contents::digests;
    TimeKind time = TimeKind::virtual_time;
    std::uint64_t seed = 0;
    /// What a replay wants to know of the run. Keys and values without newlines, keys without '=';
    /// together at most max_metadata bytes.
    std::map<std::string, std::string> metadata;
};

inline constexpr std::size_t max_metadata = 64 * 1024;
inline constexpr std::size_t max_payload = std::size_t{4} << 20;  ///< bytes of one transfer
inline constexpr std::size_t max_file_size = std::size_t{4} << 30;

/// Why a file is no recording, and where.
struct Failure {
    boost::system::error_code code;
    std::uint64_t record = 0;  ///< counted from 0
    std::uint64_t offset = 0;  ///< in the file
    std::string to_string() const;
};

/// What result::value() throws.
[[noreturn]] void throw_exception_from_error(const Failure& failure,
                                             const boost::source_location& where);

class Recording {
  public:
    /// Reads and checks the whole file.
    static boost::system::result<Recording, Failure> load(const std::string& path);

    const Info& info() const { return info_; }
    std::uint64_t record_count() const { return count_; }  ///< without Kind::end

    /// A place in the recording.
    class Cursor {
      public:
        explicit Cursor(const Recording& recording);
        /// Kind::end behind the last one. Valid as long as the recording.
        const Record& record() const { return record_; }
        void advance();

      private:
        const Recording* recording_;
        std::size_t next_;
        Record record_;
    };

  private:
    friend class Cursor;
    Recording() = default;
    boost::system::error_code parse_header();
    boost::system::error_code check_record(std::size_t offset, std::uint64_t number) const;
    Record record_at(std::size_t offset) const;
    std::size_t behind(std::size_t offset) const;

    Info info_;
    std::vector<std::byte> file_;
    std::size_t first_ = 0;
    std::uint64_t count_ = 0;
};

}  // namespace ringside::recording
