// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "helpers.hpp"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <cstring>

namespace ringside::core {

Helpers::Helpers(unsigned count) {
    // Signals are for the application's threads.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned worker = 1; worker <= std::min(count, max_helpers); ++worker) {
        threads_.emplace_back([this, worker] { serve(worker); });
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Helpers::~Helpers() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    work_.notify_all();
    for (std::thread& thread : threads_) {
        thread.join();
    }
}

void Helpers::start(Computation& computation) {
    computation.done.store(false, std::memory_order_relaxed);
    {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(&computation);
    }
    work_.notify_one();
}

void Helpers::collect(Computation& computation) {
    if (take_back(computation)) {
        computation.run(0);
    } else {
        computation.done.wait(false, std::memory_order_acquire);
    }
}

void Helpers::withdraw(Computation& computation) {
    if (!take_back(computation)) {
        computation.done.wait(false, std::memory_order_acquire);
    }
}

bool Helpers::take_back(Computation& computation) {
    if (computation.done.load(std::memory_order_acquire)) {
        return false;
    }
    const std::lock_guard lock(mutex_);
    const auto found = std::find(waiting_.begin(), waiting_.end(), &computation);
    if (found == waiting_.end()) {
        return false;
    }
    waiting_.erase(found);
    return true;
}

void Helpers::serve(unsigned worker) {
    // An application may have pinned itself to one CPU: its helpers are for the others.
    cpu_set_t cpus;
    std::memset(&cpus, 0xFF, sizeof cpus);
    pthread_setaffinity_np(pthread_self(), sizeof cpus, &cpus);
    std::unique_lock lock(mutex_);
    for (;;) {
        work_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
        if (stopping_) {
            return;
        }
        Computation& computation = *waiting_.front();
        waiting_.pop_front();
        lock.unlock();
        computation.run(worker);
        computation.done.store(true, std::memory_order_release);
        computation.done.notify_one();
        lock.lock();
    }
}

}  // namespace ringside::core
