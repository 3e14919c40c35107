// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Memory of an operation in the chip, for one payload after another: it grows and stays, and what
// is not in use is zero, so that a payload leaves nothing to the next one and costs no filling.

#include <string.h>

#include <cstddef>
#include <span>
#include <vector>

namespace ringside::core {

class Scratch {
  public:
    std::byte* data() { return reinterpret_cast<std::byte*>(memory_.data()); }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    operator std::span<std::byte>() { return {data(), size_}; }
    operator std::span<const std::byte>() const {
        return {reinterpret_cast<const std::byte*>(memory_.data()), size_};
    }
    std::byte& operator[](std::size_t i) { return data()[i]; }

    /// So many zero bytes. What was there must have been cleansed.
    void begin(std::size_t size) {
        if (size > memory_.size() * sizeof(CacheLine)) {
            memory_.resize((size + sizeof(CacheLine) - 1) / sizeof(CacheLine));
        }
        size_ = size;
    }
    /// Of no bytes again; none has been written.
    void forget() { size_ = 0; }
    /// Overwrites what follows the first `size` bytes, and shortens to these.
    void cleanse_from(std::size_t size) {
        if (size < size_) {
            explicit_bzero(data() + size, size_ - size);
            size_ = size;
        }
    }

  private:
    /// Wide accesses would otherwise lie across two of them.
    struct alignas(64) CacheLine {
        std::byte bytes[64];
    };

    std::vector<CacheLine> memory_;
    std::size_t size_ = 0;
};

}  // namespace ringside::core
