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

/// Whether `found` became true in some looks.
template <typename Found>
bool look(Found&& found) {
    for (int i = 0; i < looks_per_clock_read; ++i) {
        if (found()) {
            return true;
        }
        relax();
    }
    return false;
}

/// Whether the caller is the one to compute it, or to forget it.
bool claim(Computation& computation, State becomes) {
    State expected = State::waiting;
    return computation.state.compare_exchange_strong(expected, becomes);
}

}  // namespace

void Helpers::Desk::lay(Computation& computation) {
    const std::uint64_t place = entered_.load(std::memory_order_relaxed);
    if (place - known_taken_ == capacity) {
        known_taken_ = taken_.load();
        if (place - known_taken_ == capacity) {
            return;
        }
    }
    ring_[place % capacity].store(&computation, std::memory_order_relaxed);
    entered_.store(place + 1, std::memory_order_release);
    // Without a fence a helper that falls asleep just now is missed. It is called for the next one,
    // and this one does not wait: who collects it computes it.
    if (is_asleep_.load(std::memory_order_relaxed)) {
        call();
    }
}

Computation* Helpers::Desk::take() {
    std::uint64_t place = taken_.load();
    if (place == entered_.load(std::memory_order_acquire)) {
        return nullptr;
    }
    Computation* const computation = ring_[place % capacity].load(std::memory_order_relaxed);
    return taken_.compare_exchange_strong(place, place + 1) ? computation : nullptr;
}

void Helpers::Desk::sleep(const std::atomic<bool>& stopping) {
    const std::uint32_t call = calls_.load();
    is_asleep_.store(true);
    if (!stopping.load() && is_empty()) {
        calls_.wait(call);
    }
    is_asleep_.store(false);
}

void Helpers::Desk::call() {
    calls_.fetch_add(1);
    calls_.notify_one();
}

Helpers::Helpers(unsigned count) : may_spin_(std::thread::hardware_concurrency() > count) {
    count = std::min(count, max_helpers);
    for (unsigned i = 0; i < count; ++i) {
        desks_.push_back(std::make_unique<Desk>());
    }
    // Signals are for the application's threads.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned worker = 1; worker <= count; ++worker) {
        threads_.emplace_back([this, worker] { serve(worker); });
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Helpers::~Helpers() {
    stopping_.store(true);
    for (const auto& desk : desks_) {
        desk->call();
    }
    for (std::thread& thread : threads_) {
        thread.join();
    }
}

void Helpers::start(Computation& computation) {
    computation.state.store(State::waiting, std::memory_order_release);
    desks_[next_desk_]->lay(computation);
    next_desk_ = next_desk_ + 1 == desks_.size() ? 0 : next_desk_ + 1;
}

void Helpers::collect(Computation& computation) {
    const auto is_done = [&] {
        return computation.state.load(std::memory_order_acquire) == State::done;
    };
    if (is_done()) {
        return;
    }
    if (claim(computation, State::running)) {
        computation.run(0);
        computation.state.store(State::done);
        return;
    }
    // A helper is at it: rather than wait, do what is next.
    while (!is_done() && compute_one(0)) {
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
    const auto give_up = std::chrono::steady_clock::now() + spin_time;
    while (may_spin_ && std::chrono::steady_clock::now() < give_up) {
        if (look(is_done)) {
            return;
        }
    }
    for (State state = computation.state.load(); state != State::done;
         state = computation.state.load()) {
        computation.state.wait(state);
    }
}

/// A helper from its own desk first, the chip from the one whose turn it is. False: nobody has
/// anything.
bool Helpers::compute_one(unsigned worker) {
    const std::size_t first = worker != 0 ? worker - 1 : next_desk_;
    for (std::size_t i = 0; i < desks_.size(); ++i) {
        Desk& desk = *desks_[(first + i) % desks_.size()];
        while (!desk.is_empty()) {
            Computation* const computation = desk.take();
            if (computation != nullptr && claim(*computation, State::running)) {
                computation->run(worker);
                computation->state.store(State::done);
                computation->state.notify_one();
                return true;
            }
        }
    }
    return false;
}

void Helpers::serve(unsigned worker) {
    // An application may have pinned itself to one CPU: its helpers are for the others.
    cpu_set_t cpus;
    std::memset(&cpus, 0xFF, sizeof cpus);
    pthread_setaffinity_np(pthread_self(), sizeof cpus, &cpus);
    Desk& desk = *desks_[worker - 1];
    const auto is_called = [&] { return stopping_.load() || !desk.is_empty(); };
    auto idle_since = std::chrono::steady_clock::now();
    while (!stopping_.load()) {
        if (compute_one(worker)) {
            idle_since = std::chrono::steady_clock::now();
        } else if (may_spin_ && std::chrono::steady_clock::now() - idle_since < spin_time) {
            look(is_called);
        } else {
            desk.sleep(stopping_);
            idle_since = std::chrono::steady_clock::now();
        }
    }
}

}  // namespace ringside::core
