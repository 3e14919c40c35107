// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Memory for keys and plaintext: a fixed-size byte buffer that overwrites itself before it is
// freed (explicit_bzero(3), which no optimiser removes). Move-only, so that no copy is forgotten.

#include <string.h>

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

namespace ringside {

class CleansedBuffer {
  public:
    CleansedBuffer() = default;
    /// `size` zero bytes.
    explicit CleansedBuffer(std::size_t size)
        : bytes_(std::make_unique<std::byte[]>(size)), size_(size) {}
    /// A copy of `from`.
    explicit CleansedBuffer(std::span<const std::byte> from) : CleansedBuffer(from.size()) {
        if (!from.empty()) {
            memcpy(bytes_.get(), from.data(), from.size());
        }
    }
    CleansedBuffer(CleansedBuffer&& other) noexcept
        : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}
    CleansedBuffer& operator=(CleansedBuffer&& other) noexcept {
        if (this != &other) {
            cleanse();
            bytes_ = std::move(other.bytes_);
            size_ = std::exchange(other.size_, 0);
        }
        return *this;
    }
    CleansedBuffer(const CleansedBuffer&) = delete;
    CleansedBuffer& operator=(const CleansedBuffer&) = delete;
    ~CleansedBuffer() { cleanse(); }

    std::byte* data() { return bytes_.get(); }
    const std::byte* data() const { return bytes_.get(); }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    std::span<std::byte> bytes() { return {bytes_.get(), size_}; }
    std::span<const std::byte> bytes() const { return {bytes_.get(), size_}; }

    /// Overwrites the contents; the size stays.
    void cleanse() {
        if (bytes_) {
            explicit_bzero(bytes_.get(), size_);
        }
    }

  private:
    std::unique_ptr<std::byte[]> bytes_;
    std::size_t size_ = 0;
};

}  // namespace ringside
