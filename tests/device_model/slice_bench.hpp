// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The chip's test bench with its cipher slices in reach: bytes go in by a CIPHER descriptor and
// DMA, and come out the same way. Destinations begin filled, so that an untouched one is known.

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "chip_bench.hpp"
#include "ringside/testing/bytes.hpp"

namespace ringside::testing {

inline Bytes operator+(Bytes left, const Bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

inline spec::SubmissionEntry descriptor(spec::Opcode opcode) {
    spec::SubmissionEntry entry;
    entry.opcode = static_cast<std::uint8_t>(opcode);
    return entry;
}

/// Besides the admin queue it has one I/O queue.
class SliceBench : public Bench {
  public:
    static constexpr std::uint32_t admin = 0;
    static constexpr std::uint32_t io = 1;
    static constexpr std::byte untouched{0xA5};

    explicit SliceBench(const core::DeviceConfig& config = {}) : Bench(config) {
        enable_queue(admin, 16);
        enable_queue(io, 64);
    }

    /// A CIPHER descriptor over a copy of `source`, with room for `dst_len` bytes.
    spec::SubmissionEntry cipher(std::uint32_t session, const Bytes& iv, const Bytes& source,
                                 std::size_t dst_len) {
        spec::SubmissionEntry entry = descriptor(spec::Opcode::cipher);
        entry.session = session;
        entry.src = place(source);
        entry.dst = place(Bytes(dst_len, untouched));
        entry.src_len = static_cast<std::uint32_t>(source.size());
        entry.dst_len = static_cast<std::uint32_t>(dst_len);
        entry.iv_len = static_cast<std::uint8_t>(iv.size());
        std::transform(iv.begin(), iv.begin() + std::min<std::ptrdiff_t>(entry.iv_len, 16),
                       entry.iv,
                       [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
        return entry;
    }
    /// What stands at a descriptor's destination.
    Bytes output(const spec::SubmissionEntry& entry) {
        const auto bytes = memory.at(entry.dst, entry.dst_len);
        return {bytes.begin(), bytes.end()};
    }
    std::uint64_t place(const Bytes& bytes) {
        const std::uint64_t address = memory.allocate(bytes.size());
        std::copy(bytes.begin(), bytes.end(), memory.at(address, bytes.size()).begin());
        return address;
    }
    spec::Status execute_status(std::uint32_t queue, const spec::SubmissionEntry& entry) {
        return status_of(execute(queue, entry));
    }
};

}  // namespace ringside::testing
