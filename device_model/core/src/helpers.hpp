// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Threads that compute what the slices are given, between the simulated start and end of their
// service, and bring away what came out. The chip hands it out and takes it back when its time has
// come; the helpers decide nothing, so the chip does the same with any number of them.

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "desk.hpp"
#include "ringside/core/device.hpp"

namespace ringside::core {

class Helpers {
  public:
    explicit Helpers(unsigned count);
    /// Finishes what has begun, and forgets the rest.
    ~Helpers();
    Helpers(const Helpers&) = delete;
    Helpers& operator=(const Helpers&) = delete;

    unsigned count() const { return count_; }

    // ---- the chip's thread; what was started lives as long as the helpers ----

    /// The helper of its desk will work on it, or collect() will; of two chains at one time. What
    /// may wait is told of with the next ones, or before somebody waits for it. True: the next one
    /// should be another desk's.
    bool start(Computation& computation, bool may_wait);
    /// Of one that was not done just now: waits until it is, does it here if no helper has begun,
    /// and others rather than wait.
    void collect(Computation& computation);
    /// Waits until nobody works on it; nobody will, if no helper has begun.
    void withdraw(Computation& computation);
    /// The helper of its desk will bring its output to `target`, or finish_copies() will. It is
    /// overwritten if it could have failed.
    void deliver(Computation& computation, std::byte* target);
    /// Waits until outputs have been brought away, and no source need stay any more.
    void finish_copies();

  private:
    void serve(unsigned worker);
    bool do_one(unsigned worker);
    bool take_and_perform(Desk& desk, unsigned worker);
    void announce(Desk& desk);
    void await_read(const Computation& computation);
    void await_done(const Computation& computation);
    template <typename Reached>
    bool spin_until(Reached&& reached) const;

    std::span<Desk> desks() const { return {desks_.get(), count_}; }

    const unsigned count_;
    const std::unique_ptr<Desk[]> desks_;
    std::atomic<bool> stopping_{false};
    const bool may_spin_;
    std::vector<std::thread> threads_;
};

}  // namespace ringside::core
