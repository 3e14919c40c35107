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

// Waking a thread costs more than most computations: who has nothing to do looks around this long
// before it sleeps. Not where it would keep others from running.
constexpr auto spin_time = std::chrono::microseconds(100);
constexpr int looks_per_clock_read = 64;

// Each announcement waits for the helper's processor to let go of what it looks at: less often
// costs less, until somebody waits for what is to be copied.
constexpr std::size_t read_together = std::size_t{16} * 1024;
constexpr std::size_t delivered_together = std::size_t{8} * 1024;
// Two chains are taken together.
constexpr std::uint64_t laid_down_together = 2;

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

Helpers::Helpers(unsigned count)
    : count_(std::min(count, max_helpers)),
      desks_(std::make_unique<Desk[]>(count_)),
      may_spin_(std::thread::hardware_concurrency() > count_) {
    // Signals are for the application's threads.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned worker = 1; worker <= count_; ++worker) {
        threads_.emplace_back([this, worker] { serve(worker); });
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Helpers::~Helpers() {
    stopping_.store(true);
    for (Desk& desk : desks()) {
        desk.call();
    }
    for (std::thread& thread : threads_) {
        thread.join();
    }
}

void Helpers::announce(Desk& desk) {
    desk.announce();
    desk.call_if_asleep();
}

bool Helpers::start(Computation& computation, bool may_wait) {
    Desk& desk = desks_[computation.desk];
    while (!desk.has_room()) {
        announce(desk);
        desk.copy();
        take_and_perform(desk, 0);
    }
    desk.put(computation);
    if (!may_wait || desk.unannounced_to_read() >= read_together) {
        announce(desk);
    }
    return desk.unannounced() % laid_down_together == 0;
}

void Helpers::collect(Computation& computation) {
    await_read(computation);
    if (computation.result->claim(computation.offer)) {
        computation.errand->perform(0);
        return;
    }
    // A helper is at it: rather than wait, do what is next.
    while (!computation.is_done() && do_one(0)) {
    }
    await_done(computation);
}

void Helpers::withdraw(Computation& computation) {
    if (computation.is_done()) {
        return;
    }
    await_read(computation);
    if (computation.result->claim(computation.offer)) {
        computation.errand->take_back();
    } else {
        await_done(computation);
    }
}

void Helpers::await_done(const Computation& computation) {
    const auto is_done = [&] { return computation.is_done(); };
    while (!spin_until(is_done)) {
        if (computation.is_long) {
            computation.result->wait(computation.offer);
        } else {
            std::this_thread::yield();
        }
    }
}

/// Nobody copies its source any more, whoever claims it then.
void Helpers::await_read(const Computation& computation) {
    Desk& desk = desks_[computation.desk];
    const auto is_read = [&] { return desk.has_read(computation); };
    if (is_read()) {
        return;
    }
    announce(desk);
    while (!desk.copy() && !spin_until(is_read)) {
        std::this_thread::yield();  // who copies is soon done
    }
}

void Helpers::deliver(Computation& computation, std::byte* target) {
    Desk& desk = desks_[computation.desk];
    while (!desk.put_delivery(computation.output, target, !computation.nature.may_fail)) {
        announce(desk);
        desk.copy();
    }
    if (desk.unannounced_to_deliver() >= delivered_together) {
        announce(desk);
    }
}

void Helpers::finish_copies() {
    for (Desk& desk : desks()) {
        announce(desk);
    }
    for (Desk& desk : desks()) {
        const auto has_copied = [&] { return desk.has_copied(); };
        // A helper has what it delivers at hand, but may be at something long.
        if (may_spin_ && look(has_copied)) {
            continue;
        }
        while (!has_copied() && !desk.copy() && !spin_until(has_copied)) {
            std::this_thread::yield();  // who copies is soon done
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

bool Helpers::take_and_perform(Desk& desk, unsigned worker) {
    const auto [first, second] = desk.take();
    if (first == nullptr) {
        return false;
    }
    if (second != nullptr) {
        Errand::perform_both(*first, *second, worker, [&] { desk.copy(); });
    } else {
        first->perform(worker);
    }
    return true;
}

/// A helper from its own desk first; the chip leaves copies to them. False: nobody has anything.
bool Helpers::do_one(unsigned worker) {
    const std::size_t first = worker != 0 ? worker - 1 : 0;
    if (worker != 0) {
        desks_[first].copy();
    }
    for (std::size_t i = 0; i < count_; ++i) {
        if (take_and_perform(desks_[(first + i) % count_], worker)) {
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
    Desk& desk = desks_[worker - 1];
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
