// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A mutex for critical sections that are shorter than a system call: who finds it taken looks again
// for a few microseconds before sleeping, as waking up takes longer than that. On one CPU, where
// the owner cannot go on meanwhile, it is a plain mutex.

#include <mutex>
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
        if (!mutex_.try_lock()) {
            lock_contended();
        }
    }
    bool try_lock() { return mutex_.try_lock(); }
    void unlock() { mutex_.unlock(); }

  private:
    static constexpr int looks = 100;

    void lock_contended() {
        static const bool may_spin = std::thread::hardware_concurrency() > 1;
        for (int look = 0; may_spin && look < looks; ++look) {
            relax();
            if (mutex_.try_lock()) {
                return;
            }
        }
        mutex_.lock();
    }

    std::mutex mutex_;
};

}  // namespace ringside
