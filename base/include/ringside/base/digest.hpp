// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Digests for telling payloads apart in traces and recordings, not for security. They are compared
// between machines: every host computes the same value, with or without instructions for it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace ringside {

/// Depends on every bit, on the order and on the length.
std::uint64_t digest_of(std::span<const std::byte> bytes);

/// digest_of(from), which then is at `into`, too. They do not overlap.
std::uint64_t digest_and_copy(std::byte* into, std::span<const std::byte> from);

/// Of records of one size, added one after another: depends on every bit and on the order, not on
/// how many are added at a time.
class RecordDigest {
  public:
    static constexpr std::size_t record_size = 32;

    /// Whole records.
    void add(std::span<const std::byte> records);
    std::uint64_t value() const;

  private:
    std::array<std::uint64_t, 2> state_{0x72696E6773696465u,
                                        0x7265636F72647321u};  // "ringsiderecords!"
};

}  // namespace ringside
