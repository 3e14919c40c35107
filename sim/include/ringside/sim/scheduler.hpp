// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Virtual time: logical CPUs as fibres on one thread, and a seeded choice of who runs next. A CPU
// runs until it traps, that is, until it makes a link call, reaches a schedule point or waits; then
// the scheduler, on a stack of its own, picks another CPU or lets simulated time pass. So one seed
// is one interleaving, and a race that a seed shows is shown again by the same seed.
//
// The thread that builds the scheduler is CPU 0. It may be deep inside an ASYNC job when it traps:
// only the stack pointer is exchanged.

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ringside/base/fibre.hpp"
#include "ringside/base/prng.hpp"
#include "ringside/base/time.hpp"
#include "ringside/base/trace.hpp"

namespace ringside::sim {

/// The time line that a scheduler drives: what happens without any CPU (device events, timers).
class Timeline {
  public:
    virtual ~Timeline() = default;
    virtual Time now() const = 0;
    /// The next instant at which something happens; empty: never.
    virtual std::optional<Time> next_event() const = 0;
    /// Lets it happen. Runs on the scheduler's stack.
    virtual void advance_to(Time time) = 0;
    /// Lets what happens at `next`, which is next_event(), happen, and what comes after it, until
    /// somebody may have been woken. For when nobody can run.
    virtual void advance_from(Time next) { advance_to(next); }
    /// Before a deadlock is reported: the last chance to make somebody ready. True: look again.
    virtual bool end_standstill() { return false; }
};

/// How freely CPUs and time interleave.
enum class Interleaving : std::uint8_t {
    /// A CPU runs until it waits, and time passes only when all wait: latencies are the model's
    /// alone.
    cooperative,
    /// At every trap the seed decides who goes on, and now and then time passes first, as if the
    /// CPU
    /// had been slow: this is how races show.
    seeded,
};

class Scheduler {
  public:
    /// Errors of construction (no memory for the stack) abort: there is nothing to fall back to.
    Scheduler(std::uint64_t seed, Interleaving interleaving, Timeline& timeline, Trace& trace);
    /// All CPUs but 0 must have ended or be waiting in a service loop (see spawn_service()).
    ~Scheduler();
    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;

    class Cpu;

    /// A further logical CPU that runs `body` once. `body` must not throw.
    Cpu& spawn(std::string name, std::function<void()> body);
    /// A CPU that runs `body` each time that kick() was called since it last began, and is never
    /// waited for: an interrupt handler.
    Cpu& spawn_service(std::string name, std::function<void()> body);
    void kick(Cpu& service);

    /// Waits, as the current CPU, until `cpu` has ended.
    void join(Cpu& cpu);

    Cpu& current() const { return *current_; }

    // ---- traps: only from a CPU ----

    /// Runs `call` on the scheduler's stack; a point where others may run first and afterwards.
    template <typename Call>
    void trap(Call&& call) {
        trap_erased(
            [](void* context) { (*static_cast<std::remove_reference_t<Call>*>(context))(); },
            &call);
    }
    /// Only a point where others may run.
    void yield();
    /// Waits until somebody wakes this CPU. `why` (a literal) names the wait in a deadlock report.
    void block(const char* why);
    /// Waits until `fd` (an epoll instance, an eventfd) is readable.
    void block_until_readable(int fd, const char* why);
    /// Waits until nothing is left to do: no other CPU is ready, no event is due. Waits of others
    /// that only this CPU can end are then no deadlock. One CPU at a time.
    void block_until_idle();
    /// Makes a blocked CPU ready; no effect on others. From CPUs and from Timeline::advance_to().
    void wake(Cpu& cpu);

  private:
    void trap_erased(void (*call)(void*), void* context);
    void enter();
    static void loop_entry(void* self);
    [[noreturn]] void loop();
    Cpu& pick();
    void collect_ready();
    bool let_time_pass(Duration limit);
    [[noreturn]] void report_deadlock();
    Cpu& add_cpu(std::string name, std::function<void()> body, bool service);

    Interleaving interleaving_;
    Timeline& timeline_;
    Trace& trace_;
    Prng stream_;
    FibreStack loop_stack_;
    FibreContext loop_context_;
    std::deque<std::unique_ptr<Cpu>> cpus_;
    Cpu* current_ = nullptr;
    Cpu* idle_waiter_ = nullptr;
    std::vector<Cpu*> ready_;  ///< scratch of pick()
    void (*pending_call_)(void*) = nullptr;
    void* pending_context_ = nullptr;
};

}  // namespace ringside::sim
