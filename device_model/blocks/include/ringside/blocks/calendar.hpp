// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What a device will do and when: a heap ordered by time, and by order of entry where times are
// equal, so that the same run always unfolds in the same order.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "ringside/base/time.hpp"

namespace ringside::blocks {

template <typename Action>
class Calendar {
  public:
    void add(Time time, const Action& action) {
        heap_.push_back({time, entered_++, action});
        std::push_heap(heap_.begin(), heap_.end(), later);
    }
    std::optional<Time> next() const {
        return heap_.empty() ? std::nullopt : std::optional(heap_.front().time);
    }
    /// The earliest entry; next() must hold a value.
    std::pair<Time, Action> take() {
        std::pop_heap(heap_.begin(), heap_.end(), later);
        const Entry entry = heap_.back();
        heap_.pop_back();
        return {entry.time, entry.action};
    }

  private:
    struct Entry {
        Time time;
        std::uint64_t sequence;
        Action action;
    };
    static bool later(const Entry& a, const Entry& b) {
        return a.time != b.time ? a.time > b.time : a.sequence > b.sequence;
    }

    std::vector<Entry> heap_;
    std::uint64_t entered_ = 0;
};

}  // namespace ringside::blocks
