// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Bytes as a program: what a fuzzer invents and a test draws, read from front to back. Behind its
// end stand zeros, so that every sequence of bytes is a program.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace ringside::testing {

class Program {
  public:
    explicit Program(std::span<const std::byte> bytes) : bytes_(bytes) {}

    bool at_end() const { return bytes_.empty(); }
    void take(std::span<std::byte> into) {
        const std::size_t count = std::min(into.size(), bytes_.size());
        std::copy_n(bytes_.begin(), count, into.begin());
        bytes_ = bytes_.subspan(count);
    }
    template <typename Number>
    Number take() {
        Number number{};
        take(std::as_writable_bytes(std::span(&number, 1)));
        return number;
    }
    std::uint32_t below(std::uint32_t bound) { return take<std::uint16_t>() % bound; }
    /// The next `count` bytes as a program of their own.
    Program split(std::size_t count) {
        const auto front = bytes_.first(std::min(count, bytes_.size()));
        bytes_ = bytes_.subspan(front.size());
        return Program(front);
    }

  private:
    std::span<const std::byte> bytes_;
};

}  // namespace ringside::testing
