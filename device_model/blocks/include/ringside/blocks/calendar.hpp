// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What a device will do and when: ordered by time, and by order of entry where times are equal, so
// that the same run always unfolds in the same order. Most actions of one kind are entered in the
// order in which they fall due (a stage takes the same for all), and need no search: each kind has
// a lane, first in, first out; only what would come too late there goes into a heap.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "ringside/base/time.hpp"
#include "ringside/blocks/fifo.hpp"

namespace ringside::blocks {

/// For what has none, as it comes in no order.
inline constexpr std::size_t no_lane = ~std::size_t{0};

/// All in one lane.
template <typename Action>
std::size_t only_lane(const Action& /*action*/) {
    return 0;
}

/// `LaneOf(action)`, below `LaneCount` or no_lane, changes nothing but the cost.
template <typename Action, std::size_t LaneCount = 1,
          std::size_t (*LaneOf)(const Action&) = only_lane<Action>>
class Calendar {
  public:
    /// `time` is before Time::max(). Inlined, so that a constant kind of action is a constant lane.
    [[gnu::always_inline]] void add(Time time, Action action) {
        const std::size_t place = LaneOf(action);
        if (place == no_lane ||
            (!lanes_[place].is_empty() && time < lanes_[place].back().key.time)) {
            add_to_heap({{time, entered_++}, std::move(action)});
            return;
        }
        Lane& lane = lanes_[place];
        const bool is_first = lane.is_empty();
        Entry& entry = lane.push();
        entry.key.time = time;
        entry.key.sequence = entered_++;
        entry.action = std::move(action);
        if (is_first) {
            begin_place(place, time);
        }
    }
    std::optional<Time> next() const {
        return next_time() == Time::max() ? std::nullopt : std::optional(next_time());
    }
    /// Time::max(): there is none.
    Time next_time() const { return next_time_; }
    /// The earliest entry; next() must hold a value.
    [[gnu::always_inline]] Action take() {
        if (next_ == heap) [[unlikely]] {
            return take_from_heap();
        }
        const std::size_t place = next_;
        Lane& lane = lanes_[place];
        Action action = lane.pop().action;
        fronts_[place] = lane.is_empty() ? Time::max() : lane.front().key.time;
        find_next();
        return action;
    }

  private:
    static constexpr std::size_t heap = LaneCount;
    static constexpr std::size_t places = LaneCount + 1;

    struct Key {
        Time time;
        std::uint64_t sequence;

        bool is_before(const Key& other) const {
            return time < other.time || (time == other.time && sequence < other.sequence);
        }
    };
    struct Entry {
        Key key;
        Action action;
    };
    using Lane = Fifo<Entry>;
    static bool later(const Entry& a, const Entry& b) { return b.key.is_before(a.key); }

    Key front_of(std::size_t place) const {
        if (fronts_[place] == Time::max()) {
            return {Time::max(), ~std::uint64_t{0}};
        }
        return place == heap ? heap_.front().key : lanes_[place].front().key;
    }
    /// An entry has come before all that its place held. Entered last, it is not before those of
    /// the same time.
    void begin_place(std::size_t place, Time time) {
        fronts_[place] = time;
        next_ = time < next_time_ ? place : next_;
        next_time_ = std::min(next_time_, time);
    }
    /// Without a branch but for equal times: which place is next is as good as random.
    [[gnu::always_inline]] void find_next() { find_next(std::make_index_sequence<places>()); }
    template <std::size_t... Place>
    [[gnu::always_inline]] void find_next(std::index_sequence<Place...> /*all*/) {
        Time earliest = fronts_[0];
        ((earliest = std::min(earliest, fronts_[Place])), ...);
        unsigned later = 0;  // a bit for each place: a comparison that is kept becomes no branch
        ((later = later + later + (earliest < fronts_[places - 1 - Place])), ...);
        const unsigned at_once = ~later;
        next_ = static_cast<std::size_t>(std::countr_zero(at_once));
        next_time_ = earliest;
        constexpr unsigned all = (1u << places) - 1;
        if ((at_once & (at_once - 1) & all) != 0) [[unlikely]] {
            find_first_entered(at_once & all);
        }
    }
    [[gnu::noinline]] void find_first_entered(unsigned at_once) {
        for (unsigned rest = at_once & (at_once - 1); rest != 0; rest &= rest - 1) {
            const auto place = static_cast<std::size_t>(std::countr_zero(rest));
            next_ = front_of(place).is_before(front_of(next_)) ? place : next_;
        }
    }
    [[gnu::noinline]] void add_to_heap(Entry entry) {
        const Time time = entry.key.time;
        heap_.push_back(std::move(entry));
        std::push_heap(heap_.begin(), heap_.end(), later);
        if (time < fronts_[heap]) {
            begin_place(heap, time);
        }
    }
    [[gnu::noinline]] Action take_from_heap() {
        std::pop_heap(heap_.begin(), heap_.end(), later);
        Action action = std::move(heap_.back().action);
        heap_.pop_back();
        fronts_[heap] = heap_.empty() ? Time::max() : heap_.front().key.time;
        find_next();
        return action;
    }
    static constexpr std::array<Time, places> no_fronts() {
        std::array<Time, places> fronts{};
        fronts.fill(Time::max());
        return fronts;
    }

    std::array<Lane, LaneCount> lanes_;
    std::vector<Entry> heap_;
    std::array<Time, places> fronts_ = no_fronts();  ///< the earliest of each lane and of the heap
    std::size_t next_ = 0;                           ///< where the earliest of all is
    Time next_time_ = Time::max();                   ///< its time
    std::uint64_t entered_ = 0;
};

}  // namespace ringside::blocks
