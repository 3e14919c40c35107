// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Memory of an operation in the chip, for one payload after another: it grows and stays. Who gets
// it finds zeros, or has to write every byte, so that a payload leaves nothing to the next one.

#include <string.h>

#include <algorithm>
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

    /// So many zero bytes, from no bytes.
    void begin(std::size_t size) {
        cleanse();
        begin_to_fill(size);
    }
    /// So many bytes, from no bytes, for who writes every one before anybody reads it.
    void begin_to_fill(std::size_t size) {
        if (size > memory_.size() * sizeof(CacheLine)) [[unlikely]] {
            cleanse();
            memory_.resize((size + sizeof(CacheLine) - 1) / sizeof(CacheLine));
        }
        size_ = size;
    }
    /// Of no bytes again; none has been written.
    void forget() { size_ = 0; }
    /// Overwrites what follows the first `size` bytes, and shortens to these.
    void cleanse_from(std::size_t size) {
        if (size < size_) {
            overwrite(data() + size, size_ - size);
            size_ = size;
        }
    }
    /// Of no bytes again. What has been written stays, for nobody, until something else is written
    /// there or cleanse().
    void leave() {
        left_ = std::max(left_, size_);
        size_ = 0;
    }
    /// Overwrites what was left. It must be of no bytes.
    void cleanse() {
        if (left_ != 0) {
            overwrite(data(), left_);
            left_ = 0;
        }
    }

  private:
    /// Wide accesses would otherwise lie across two of them.
    struct alignas(64) CacheLine {
        std::byte bytes[64];
    };

    [[gnu::noinline]] static void overwrite(std::byte* at, std::size_t size) {
        explicit_bzero(at, size);
    }

    std::vector<CacheLine> memory_;  ///< zero beyond the greater of the two
    std::size_t size_ = 0;
    std::size_t left_ = 0;
};

}  // namespace ringside::core
