// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "helpers.hpp"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstring>

namespace ringside::core {
namespace {

using State = Computation::State;

// Waking a thread costs more than most computations: who has nothing to do looks around this long
// before it sleeps. Not where it would keep others from running.
constexpr auto spin_time = std::chrono::microseconds(50);
constexpr int looks_per_clock_read = 64;

void relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/// Whether `found` became true before the time was over.
template <typename Found>
bool spin(Found&& found) {
    const auto give_up = std::chrono::steady_clock::now() + spin_time;
    do {
        for (int look = 0; look < looks_per_clock_read; ++look) {
            if (found()) {
                return true;
            }
            relax();
        }
    } while (std::chrono::steady_clock::now() < give_up);
    return false;
}

/// Whether the caller is the one to compute it, or to forget it.
bool claim(Computation& computation, State becomes) {
    State expected = State::waiting;
    return computation.state.compare_exchange_strong(expected, becomes);
}

}  // namespace

Helpers::Helpers(unsigned count) : may_spin_(std::thread::hardware_concurrency() > count) {
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
    stopping_.store(true);
    calls_.fetch_add(1);
    calls_.notify_all();
    for (std::thread& thread : threads_) {
        thread.join();
    }
}

void Helpers::start(Computation& computation) {
    // What helpers last wrote comes from their caches: all of it at one time, before `entered_`.
    computation.state.store(State::waiting, std::memory_order_release);
    const std::uint64_t place = entered_.load(std::memory_order_relaxed);
    if (place - taken_.load() == capacity) {
        return;  // collect() computes it
    }
    ring_[place % capacity].store(&computation, std::memory_order_release);
    entered_.store(place + 1);
    if (sleepers_.load() != 0) {
        calls_.fetch_add(1);
        calls_.notify_one();
    }
}

void Helpers::collect(Computation& computation) {
    if (claim(computation, State::running)) {
        computation.run(0);
        computation.state.store(State::done);
        return;
    }
    // A helper is at it: rather than wait, do what is next.
    while (computation.state.load() != State::done && compute_one(0)) {
    }
    await(computation);
}

void Helpers::withdraw(Computation& computation) {
    if (!claim(computation, State::done)) {
        await(computation);
    }
}

void Helpers::await(const Computation& computation) {
    const auto is_done = [&] { return computation.state.load() == State::done; };
    if (is_done() || (may_spin_ && spin(is_done))) {
        return;
    }
    for (State state = computation.state.load(); state != State::done;
         state = computation.state.load()) {
        computation.state.wait(state);
    }
}

/// The one that was entered first; null: there is none, or another helper was faster.
Computation* Helpers::take() {
    std::uint64_t place = taken_.load();
    if (place == entered_.load()) {
        return nullptr;
    }
    Computation* const computation = ring_[place % capacity].load();
    return taken_.compare_exchange_strong(place, place + 1) ? computation : nullptr;
}

/// False: there was none.
bool Helpers::compute_one(unsigned worker) {
    while (taken_.load() != entered_.load()) {
        Computation* const computation = take();
        if (computation != nullptr && claim(*computation, State::running)) {
            computation->run(worker);
            computation->state.store(State::done);
            computation->state.notify_one();
            return true;
        }
    }
    return false;
}

void Helpers::serve(unsigned worker) {
    // An application may have pinned itself to one CPU: its helpers are for the others.
    cpu_set_t cpus;
    std::memset(&cpus, 0xFF, sizeof cpus);
    pthread_setaffinity_np(pthread_self(), sizeof cpus, &cpus);
    while (!stopping_.load()) {
        const auto is_called = [this] {
            return stopping_.load() || taken_.load() != entered_.load();
        };
        if (!compute_one(worker) && !(may_spin_ && spin(is_called))) {
            sleep();
        }
    }
}

/// Until start() has entered something, or all is over. Whoever enters it after the last look sees
/// a sleeper.
void Helpers::sleep() {
    const std::uint32_t call = calls_.load();
    sleepers_.fetch_add(1);
    if (!stopping_.load() && taken_.load() == entered_.load()) {
        calls_.wait(call);
    }
    sleepers_.fetch_sub(1);
}

}  // namespace ringside::core
