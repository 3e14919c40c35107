// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "helpers.hpp"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "ringside/base/bus_copy.hpp"

namespace ringside::core {
namespace {

using Phase = Computation::Phase;

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

}  // namespace

bool ErrandQueue::put(const Errand& errand) {
    if (put_ - known_taken_ == capacity) {
        known_taken_ = taken_.load();
        if (put_ - known_taken_ == capacity) {
            return false;
        }
    }
    Place& place = places_[put_ % capacity];
    place.computation.store(errand.computation, std::memory_order_relaxed);
    place.target.store(errand.target, std::memory_order_relaxed);
    place.number.store(++put_, std::memory_order_release);
    return true;
}

bool ErrandQueue::take(Errand& errand) {
    std::uint64_t number = taken_.load();
    const Place& place = places_[number % capacity];
    if (!has(number)) {
        return false;
    }
    errand.computation = place.computation.load(std::memory_order_relaxed);
    errand.target = place.target.load(std::memory_order_relaxed);
    return taken_.compare_exchange_strong(number, number + 1);
}

void ErrandQueue::read_ahead() {
    for (looked_at_ = std::max(looked_at_, taken_.load()); has(looked_at_); ++looked_at_) {
        places_[looked_at_ % capacity].computation.load(std::memory_order_relaxed)->read_ahead();
    }
}

bool Helpers::Desk::deliver_one() {
    ErrandQueue::Errand errand;
    if (!deliveries.take(errand)) {
        return false;
    }
    const std::span<std::byte> output = errand.computation->task().output;
    bus_write(errand.target, output);
    explicit_bzero(output.data(), output.size());
    delivered.fetch_add(1, std::memory_order_release);
    return true;
}

void Helpers::Desk::sleep(const std::atomic<bool>& stopping) {
    const std::uint32_t call = calls.load();
    is_asleep.store(true);
    if (!stopping.load() && is_empty()) {
        calls.wait(call);
    }
    is_asleep.store(false);
}

/// Without a fence a helper that falls asleep just now is missed. It is called for the next errand,
/// and this one does not wait: the chip's thread does it.
void Helpers::Desk::call_if_asleep() {
    if (is_asleep.load(std::memory_order_relaxed)) {
        call();
    }
}

void Helpers::Desk::call() {
    calls.fetch_add(1);
    calls.notify_one();
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
    Desk& desk = *desks_[computation.keeping.desk];
    computation.offer();
    // What finds no room is no harm, nor is what nobody waits for any more when it is taken.
    desk.computations.put({&computation});
    desk.call_if_asleep();
}

void Helpers::collect(Computation& computation) {
    const auto is_done = [&] { return computation.has_come_to(Phase::done); };
    if (is_done()) {
        return;
    }
    if (claim(computation)) {
        computation.perform(0);
        return;
    }
    // A helper is at it: rather than wait, do what is next.
    while (!is_done() && do_one(0)) {
    }
    if (!spin_until(is_done)) {
        computation.wait();
    }
}

void Helpers::withdraw(Computation& computation) {
    if (claim(computation)) {
        computation.take_back();
    } else if (!spin_until([&] { return computation.has_come_to(Phase::done); })) {
        computation.wait();
    }
}

/// False: somebody else has, to compute it.
bool Helpers::claim(Computation& computation) const {
    if (computation.claim()) {
        return true;
    }
    await_read(computation);
    return computation.claim();
}

void Helpers::await_read(const Computation& computation) const {
    while (!spin_until([&] { return computation.has_come_to(Phase::read); })) {
        std::this_thread::yield();  // who copies is soon done
    }
}

void Helpers::deliver(Computation& computation, std::byte* target) {
    Desk& desk = *desks_[computation.keeping.desk];
    ++desk.to_deliver;
    while (!desk.deliveries.put({&computation, target})) {
        desk.deliver_one();
    }
    desk.call_if_asleep();
}

void Helpers::finish_deliveries() {
    for (const auto& desk : desks_) {
        const auto has_delivered = [&] { return desk->has_delivered(); };
        // A helper has what it delivers at hand, but may be at something long.
        if (may_spin_ && look(has_delivered)) {
            continue;
        }
        while (desk->deliver_one()) {
        }
        while (!spin_until(has_delivered)) {
            std::this_thread::yield();  // one is under way, which never takes long
        }
    }
}

/// False: not yet, and it is time to sleep.
template <typename Reached>
bool Helpers::spin_until(Reached&& reached) const {
    if (reached()) {
        return true;
    }
    const auto give_up = std::chrono::steady_clock::now() + spin_time;
    while (may_spin_ && std::chrono::steady_clock::now() < give_up) {
        if (look(reached)) {
            return true;
        }
    }
    return reached();
}

/// A helper from its own desk first; the chip leaves deliveries to them. False: nobody has
/// anything.
bool Helpers::do_one(unsigned worker) {
    const std::size_t first = worker != 0 ? worker - 1 : 0;
    if (worker != 0) {
        if (desks_[first]->deliver_one()) {
            return true;
        }
        desks_[first]->computations.read_ahead();
    }
    for (std::size_t i = 0; i < desks_.size(); ++i) {
        ErrandQueue& computations = desks_[(first + i) % desks_.size()]->computations;
        ErrandQueue::Errand errand;
        while (!computations.is_empty()) {
            if (computations.take(errand) && errand.computation->claim()) {
                errand.computation->perform(worker);
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
        if (do_one(worker)) {
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
