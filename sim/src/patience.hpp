// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// How long a thread of ours looks around for work before it sleeps. Waking a thread costs more than
// most work it is woken for, looking around costs a CPU that somebody else may want; so it is done
// where it pays: for longer when sleep turned out short, for less when it was long. Not at all on
// one CPU, where looking keeps the others from running.

#include <algorithm>
#include <chrono>
#include <thread>

namespace ringside::sim {

class Patience {
  public:
    using Clock = std::chrono::steady_clock;

    Clock::duration time() const { return time_; }
    /// It slept so long, after it had looked around for time().
    void slept(Clock::duration asleep) {
        if (longest_ > Clock::duration::zero()) {
            time_ = asleep < longest_ ? std::min(2 * time_, longest_) : std::max(time_ / 2, least);
        }
    }

  private:
    static constexpr Clock::duration least = std::chrono::microseconds(2);

    const Clock::duration longest_ = std::thread::hardware_concurrency() > 1
                                         ? Clock::duration(std::chrono::microseconds(100))
                                         : Clock::duration::zero();
    Clock::duration time_ = std::min(longest_, Clock::duration(std::chrono::microseconds(20)));
};

}  // namespace ringside::sim
