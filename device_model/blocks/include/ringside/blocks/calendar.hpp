// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What a device will do and when: ordered by time, and by order of entry where times are equal, so
// that the same run always unfolds in the same order. Most actions of one kind are entered in the
// order in which they fall due (a stage takes the same for all), and need no search: each kind has
// a lane, first in, first out; only what would come too late there goes into a heap.

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "ringside/base/time.hpp"

namespace ringside::blocks {

/// All in one lane.
template <typename Action>
std::size_t only_lane(const Action& /*action*/) {
    return 0;
}

/// `LaneOf(action)`, below `LaneCount`, changes nothing but the cost.
template <typename Action, std::size_t LaneCount = 1,
          std::size_t (*LaneOf)(const Action&) = only_lane<Action>>
class Calendar {
  public:
    void add(Time time, Action action) {
        const Key key{time, entered_++};
        std::size_t place = LaneOf(action);
        Lane& lane = lanes_[place];
        if (time >= lane.last || lane.is_empty()) [[likely]] {
            lane.last = time;
            lane.push({key, std::move(action)});
        } else {
            place = heap;
            heap_.push_back({key, std::move(action)});
            std::push_heap(heap_.begin(), heap_.end(), later);
        }
        if (key.is_before(fronts_[place])) {
            fronts_[place] = key;
            next_ = key.is_before(fronts_[next_]) ? place : next_;
        }
    }
    std::optional<Time> next() const {
        return fronts_[next_].time == Time::max() ? std::nullopt : std::optional(next_time());
    }
    /// Time::max(): there is none.
    Time next_time() const { return fronts_[next_].time; }
    /// The earliest entry; next() must hold a value.
    Action take() {
        Action action;
        if (next_ != heap) [[likely]] {
            action = lanes_[next_].pop();
            fronts_[next_] = lanes_[next_].front();
        } else {
            std::pop_heap(heap_.begin(), heap_.end(), later);
            action = std::move(heap_.back().action);
            heap_.pop_back();
            fronts_[heap] = heap_.empty() ? Key{} : heap_.front().key;
        }
        find_next();
        return action;
    }

  private:
    static constexpr std::size_t heap = LaneCount;

    struct Key {
        Time time = Time::max();
        std::uint64_t sequence = ~std::uint64_t{0};

        bool is_before(const Key& other) const {
            return time < other.time || (time == other.time && sequence < other.sequence);
        }
    };
    void find_next() {
        next_ = 0;
        Time earliest = fronts_[0].time;
        for (std::size_t place = 1; place <= heap; ++place) {
            const Time time = fronts_[place].time;
            if (time == earliest) [[unlikely]] {
                next_ = fronts_[place].is_before(fronts_[next_]) ? place : next_;
            }
            next_ = time < earliest ? place : next_;
            earliest = time < earliest ? time : earliest;
        }
    }

    struct Entry {
        Key key;
        Action action;
    };
    static bool later(const Entry& a, const Entry& b) { return b.key.is_before(a.key); }

    /// A queue in a ring that grows.
    class Lane {
      public:
        Time last = Time::min();  ///< of what was entered here

        void push(Entry entry) {
            if (end_ - first_ > mask_) {
                grow();
            }
            ring_[end_++ & mask_] = std::move(entry);
        }
        bool is_empty() const { return first_ == end_; }
        Action pop() { return std::move(ring_[first_++ & mask_].action); }
        Key front() const { return first_ == end_ ? Key{} : ring_[first_ & mask_].key; }

      private:
        void grow() {
            std::vector<Entry> larger(ring_.size() * 2);
            for (std::size_t i = first_; i != end_; ++i) {
                larger[i & (larger.size() - 1)] = std::move(ring_[i & mask_]);
            }
            ring_ = std::move(larger);
            mask_ = ring_.size() - 1;
        }

        std::vector<Entry> ring_ = std::vector<Entry>(16);  ///< a power of two
        std::size_t mask_ = 15;
        std::size_t first_ = 0;
        std::size_t end_ = 0;
    };

    std::array<Lane, LaneCount> lanes_;
    std::vector<Entry> heap_;
    std::array<Key, LaneCount + 1> fronts_{};  ///< the earliest of each lane and of the heap
    std::size_t next_ = 0;                     ///< where the earliest of all is
    std::uint64_t entered_ = 0;
};

}  // namespace ringside::blocks
