// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// How a device's DMA moves bytes in memory that other threads look at: naturally aligned accesses
// of 2, 4 or 8 bytes are atomic, reads acquire and writes release. What PCIe promises, and what
// lets a driver poll a completion's last word.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace ringside {

/// Whether an access of `size` bytes at `address` is one of a whole, aligned Word.
template <typename Word>
bool is_bus_word(const std::byte* address, std::size_t size) {
    return size == sizeof(Word) && reinterpret_cast<std::uintptr_t>(address) % sizeof(Word) == 0;
}

template <typename Word>
void bus_load(std::byte* into, const std::byte* from) {
    const Word word = __atomic_load_n(reinterpret_cast<const Word*>(from), __ATOMIC_ACQUIRE);
    std::memcpy(into, &word, sizeof word);
}

template <typename Word>
void bus_store(std::byte* into, const std::byte* from) {
    Word word;
    std::memcpy(&word, from, sizeof word);
    __atomic_store_n(reinterpret_cast<Word*>(into), word, __ATOMIC_RELEASE);
}

inline void bus_read(std::span<std::byte> into, const std::byte* from) {
    if (into.size() <= sizeof(std::uint64_t)) [[unlikely]] {
        if (is_bus_word<std::uint64_t>(from, into.size())) {
            return bus_load<std::uint64_t>(into.data(), from);
        }
        if (is_bus_word<std::uint32_t>(from, into.size())) {
            return bus_load<std::uint32_t>(into.data(), from);
        }
        if (is_bus_word<std::uint16_t>(from, into.size())) {
            return bus_load<std::uint16_t>(into.data(), from);
        }
    }
    std::memcpy(into.data(), from, into.size());
}

inline void bus_write(std::byte* into, std::span<const std::byte> from) {
    if (from.size() <= sizeof(std::uint64_t)) [[unlikely]] {
        if (is_bus_word<std::uint64_t>(into, from.size())) {
            return bus_store<std::uint64_t>(into, from.data());
        }
        if (is_bus_word<std::uint32_t>(into, from.size())) {
            return bus_store<std::uint32_t>(into, from.data());
        }
        if (is_bus_word<std::uint16_t>(into, from.size())) {
            return bus_store<std::uint16_t>(into, from.data());
        }
    }
    std::memcpy(into, from.data(), from.size());
}

}  // namespace ringside
