// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Data that arrives piece by piece and is kept until the device gets it whole.

#include <openssl/crypto.h>

#include <algorithm>
#include <span>
#include <utility>

#include "ringside/base/cleansed_buffer.hpp"

namespace ringside::frontends {

using Octets = std::span<const unsigned char>;

/// Overwritten when dropped, and when it moves to grow.
class CollectedOctets {
  public:
    CollectedOctets() = default;
    CollectedOctets(const CollectedOctets& other) { append(other.octets()); }
    CollectedOctets& operator=(const CollectedOctets&) = delete;

    void append(Octets octets) {
        const auto more = std::as_bytes(octets);
        if (more.size() > memory_.size() - size_) {
            CleansedBuffer larger(std::max(size_ + more.size(), 2 * memory_.size()));
            std::copy_n(memory_.bytes().begin(), size_, larger.bytes().begin());
            memory_ = std::move(larger);
        }
        std::copy(more.begin(), more.end(),
                  memory_.bytes().begin() + static_cast<std::ptrdiff_t>(size_));
        size_ += more.size();
    }
    void clear() {
        if (size_ != 0) {
            OPENSSL_cleanse(memory_.data(), size_);
            size_ = 0;
        }
    }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    Octets octets() const {
        return {reinterpret_cast<const unsigned char*>(memory_.data()), size_};
    }

  private:
    CleansedBuffer memory_;
    std::size_t size_ = 0;
};

}  // namespace ringside::frontends
