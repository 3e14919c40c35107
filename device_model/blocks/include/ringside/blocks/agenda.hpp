// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A calendar of functions, with a clock: for a device whose simulation need not be as fast as can
// be (a function may be allocated for each step). A reset forgets all that was to come.

#include <functional>
#include <optional>
#include <utility>

#include "ringside/blocks/calendar.hpp"

namespace ringside::blocks {

class Agenda {
  public:
    Time now() const { return now_; }
    std::optional<Time> next() const { return calendar_.next(); }

    void after(Duration delay, std::function<void()> action) {
        calendar_.add(now_ + delay, std::move(action));
    }
    /// Does all that is due at or before `time`, each at its own now().
    void advance(Time time) {
        while (calendar_.next_time() <= time) {
            now_ = calendar_.next_time();
            calendar_.take()();
        }
        now_ = time;
    }
    void forget() { calendar_ = {}; }

  private:
    Calendar<std::function<void()>> calendar_;
    Time now_{};
};

}  // namespace ringside::blocks
