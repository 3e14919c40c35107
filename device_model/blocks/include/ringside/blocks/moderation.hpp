// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Whether and when a queue pair's interrupt goes out: one-shot, armed by software, and moderated by
// a count of completions and by the time since the first one that nobody was told of. It keeps no
// time: who owns it puts a timer into its calendar and brings it back.

#include <algorithm>
#include <cstdint>
#include <optional>

#include "ringside/base/time.hpp"

namespace ringside::blocks {

class Moderation {
  public:
    struct Limits {
        std::uint32_t count = 0;  ///< fire at so many; 0 and 1: at each
        Duration time{};          ///< fire so long after the first; 0: no limit
    };

    void note_completion() { ++unannounced_; }

    /// Software wants to be told, and has left so many completions unread. True: fire.
    bool arm(std::uint32_t unconsumed) {
        armed_ = true;
        unannounced_ = unconsumed;
        timer_runs_ = false;  // what it ran for has been consumed
        return unannounced_ != 0;
    }
    void disarm() { armed_ = false; }
    bool is_armed() const { return armed_; }

    /// After a completion: when it is to fire, from now; zero: at once. Empty: not for that, or not
    /// before what has been said already. `at_once`: whatever the limits.
    std::optional<Duration> judge(const Limits& limits, bool at_once = false) {
        if (!armed_ || unannounced_ == 0) {
            return std::nullopt;
        }
        const bool now = at_once || unannounced_ >= std::max(limits.count, 1u);
        if (!now && (limits.time == Duration{} || timer_runs_)) {
            return std::nullopt;
        }
        timer_runs_ = true;
        ++timer_;
        return now ? Duration{} : limits.time;
    }
    std::uint32_t timer() const { return timer_; }
    /// The delay that judge() gave with this timer() is over. True: fire.
    bool expired(std::uint32_t timer) const { return timer_runs_ && timer == timer_; }

    void stop_timer() { timer_runs_ = false; }
    void fired() {
        armed_ = false;
        unannounced_ = 0;
        timer_runs_ = false;
    }

  private:
    bool armed_ = false;
    bool timer_runs_ = false;
    std::uint32_t timer_ = 0;
    std::uint32_t unannounced_ = 0;
};

}  // namespace ringside::blocks
