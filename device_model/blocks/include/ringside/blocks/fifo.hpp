// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A queue in a ring that grows: first in, first out, in memory that stays. For what passes through
// a device with each operation, where std::deque would give memory back and ask for it again.

#include <cstddef>
#include <utility>
#include <vector>

namespace ringside::blocks {

template <typename Item>
class Fifo {
  public:
    bool is_empty() const { return first_ == end_; }
    std::size_t size() const { return end_ - first_; }
    /// Entered first, entered last; it must not be empty.
    const Item& front() const { return ring_[first_ & mask_]; }
    const Item& back() const { return ring_[(end_ - 1) & mask_]; }
    void push(Item item) { push() = std::move(item); }
    /// One more, to be filled: by field, if what was just written in pieces is not to be waited
    /// for as a whole.
    Item& push() {
        if (size() > mask_) [[unlikely]] {
            grow();
        }
        return ring_[end_++ & mask_];
    }
    /// It must not be empty.
    Item pop() { return std::move(ring_[first_++ & mask_]); }
    void clear() { first_ = end_; }

  private:
    [[gnu::noinline]] void grow() {
        std::vector<Item> larger(ring_.size() * 2);
        for (std::size_t i = first_; i != end_; ++i) {
            larger[i & (larger.size() - 1)] = std::move(ring_[i & mask_]);
        }
        ring_ = std::move(larger);
        mask_ = ring_.size() - 1;
    }

    std::vector<Item> ring_ = std::vector<Item>(16);  ///< a power of two
    std::size_t mask_ = 15;
    std::size_t first_ = 0;  ///< counts up for ever, as end_ does
    std::size_t end_ = 0;
};

}  // namespace ringside::blocks
