// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A mutex for critical sections that are shorter than a system call: who finds it taken looks again
// for a few microseconds before sleeping, as waking up takes longer than that. On one CPU, where
// the owner cannot go on meanwhile, it sleeps at once. Not std::mutex, which has no way to look
// without writing: several who try take the cache line from its owner, and from each other.

#include <atomic>
#include <cstdint>
#include <thread>

namespace ringside {

/// Tells the CPU that its thread spins.
inline void relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

class SpinningMutex {
  public:
    void lock() {
        if (!try_lock()) {
            lock_contended();
        }
    }
    bool try_lock() {
        State free = State::free;
        return state_.compare_exchange_strong(free, State::taken, std::memory_order_acquire,
                                              std::memory_order_relaxed);
    }
    void unlock() {
        if (state_.exchange(State::free, std::memory_order_release) == State::awaited) {
            state_.notify_one();
        }
    }

  private:
    enum class State : std::uint32_t {
        free,
        taken,
        awaited,  ///< taken, and somebody may sleep
    };
    static constexpr int looks = 100;

    void lock_contended() {
        static const bool may_spin = std::thread::hardware_concurrency() > 1;
        for (int look = 0; may_spin && look < looks; ++look) {
            relax();
            if (state_.load(std::memory_order_relaxed) == State::free && try_lock()) {
                return;
            }
        }
        while (state_.exchange(State::awaited, std::memory_order_acquire) != State::free) {
            state_.wait(State::awaited, std::memory_order_relaxed);
        }
    }

    std::atomic<State> state_{State::free};
};

}  // namespace ringside
