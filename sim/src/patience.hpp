// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// How long a thread of ours looks around for work before it sleeps. Waking a thread costs more than
// most work it is woken for, looking around costs a CPU that somebody else may want; so it is done
// where it pays: for longer when work turned out to be near, for less when it was not, and not for
// a while when the kernel gave the CPU to somebody else meanwhile. Nor where there are no CPUs left
// for those who are waited for.

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "ringside/base/spinning_mutex.hpp"

namespace ringside::sim {

class Patience {
  public:
    using Clock = std::chrono::steady_clock;

    /// `busy`: how many other threads have work while this one looks.
    explicit Patience(unsigned busy)
        : longest_(std::thread::hardware_concurrency() > busy ? most : Clock::duration::zero()) {}

    /// Whether `found` became true before patience was at its end; it is asked several times in a
    /// microsecond.
    template <typename Found>
    bool look(Found&& found) {
        Clock::time_point now = Clock::now();
        const Clock::time_point give_up = now < polite_until_ ? now : now + time_;
        while (now < give_up) {
            for (int look = 0; look < looks_per_clock_read; ++look) {
                if (found()) {
                    return true;
                }
                relax();
            }
            const Clock::time_point before = std::exchange(now, Clock::now());
            if (now - before > suspicious && was_preempted()) {
                be_polite(now);
                return false;
            }
        }
        return false;
    }
    /// It had looked, and slept; after so long there was work. How long it then took to wake is no
    /// part of this: where that is long, looking around pays all the more.
    void waited(Clock::duration asleep) {
        if (longest_ > Clock::duration::zero()) {
            time_ = asleep < longest_ ? std::min(2 * time_, longest_) : std::max(time_ / 2, least);
        }
    }

  private:
    /// Whether the kernel has given the CPU to somebody else since it was last asked. A clock alone
    /// does not tell: the host of a virtual machine takes CPUs away, too, and politeness gives it
    /// nothing. Nor is what happened to a thread before it first looked a reason.
    bool was_preempted() {
        rusage usage{};
        getrusage(RUSAGE_THREAD, &usage);
        return std::exchange(preemptions_, usage.ru_nivcsw).value_or(usage.ru_nivcsw) !=
               usage.ru_nivcsw;
    }
    /// For longer each time that it comes soon again.
    void be_polite(Clock::time_point now) {
        const bool soon = now < polite_until_ + 4 * politeness_;
        politeness_ = soon ? std::min(2 * politeness_, most_polite) : least_polite;
        polite_until_ = now + politeness_;
    }

    static constexpr Clock::duration least = std::chrono::microseconds(2);
    static constexpr Clock::duration most = std::chrono::microseconds(100);
    /// Between two readings of the clock: more than any look takes.
    static constexpr Clock::duration suspicious = std::chrono::microseconds(50);
    static constexpr Clock::duration least_polite = std::chrono::milliseconds(1);
    static constexpr Clock::duration most_polite = std::chrono::milliseconds(64);
    static constexpr int looks_per_clock_read = 16;

    const Clock::duration longest_;
    Clock::duration time_ = longest_;
    Clock::duration politeness_ = least_polite;
    Clock::time_point polite_until_{};
    std::optional<long> preemptions_;  ///< of this thread, when it last asked
};

}  // namespace ringside::sim
