// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/sim/scheduler.hpp"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "ringside/base/assert.hpp"

namespace ringside::sim {
namespace {

// SystemC and libcrypto run on the loop's stack; applications on the CPUs'. Only touched pages cost
// memory.
constexpr std::size_t loop_stack_size = std::size_t{1} << 20;
constexpr std::size_t cpu_stack_size = std::size_t{512} << 10;

// In seeded interleaving, how often time passes although a CPU could run: 1 in 8 traps, and not by
// more than a CPU may be slow. A timer far away is waited for only when nobody can run.
constexpr std::uint64_t slow_cpu_odds = 8;
constexpr Duration slow_cpu_limit = std::chrono::microseconds(10);

bool is_readable(int fd) {
    pollfd entry{fd, POLLIN, 0};
    return poll(&entry, 1, 0) > 0;
}

}  // namespace

class Scheduler::Cpu {
  public:
    enum class State : std::uint8_t { ready, blocked, ended };

    Cpu(Scheduler& scheduler, std::uint16_t id, std::string name, std::function<void()> body,
        bool service)
        : owner(scheduler),
          number(id),
          label(std::move(name)),
          work(std::move(body)),
          is_service(service) {
        if (!work) {
            return;  // CPU 0 runs on the thread's own stack
        }
        stack = FibreStack::allocate(cpu_stack_size);
        RINGSIDE_ASSERT(owner.trace_, static_cast<bool>(stack), "no memory for the stack of CPU %s",
                        label.c_str());
        context.start(stack.bottom(), stack.size(), &Cpu::entry, this);
    }

    static void entry(void* self) {
        auto& cpu = *static_cast<Cpu*>(self);
        do {
            cpu.kicked = false;
            cpu.work();
            while (cpu.is_service && !cpu.kicked) {
                cpu.owner.block("a kick");
            }
        } while (cpu.is_service);
        cpu.state = State::ended;
        for (Cpu* joiner : cpu.joiners) {
            cpu.owner.wake(*joiner);
        }
        cpu.context.exit_to(cpu.owner.loop_context_);
    }

    Scheduler& owner;
    const std::uint16_t number;
    const std::string label;
    std::function<void()> work;
    const bool is_service;
    FibreStack stack;
    FibreContext context;
    State state = State::ready;
    bool kicked = false;
    int waits_for_fd = -1;
    const char* reason = "";
    std::vector<Cpu*> joiners;
};

Scheduler::Scheduler(std::uint64_t seed, Interleaving interleaving, Timeline& timeline,
                     Trace& trace)
    : interleaving_(interleaving),
      timeline_(timeline),
      trace_(trace),
      stream_(seed, "schedule"),
      loop_stack_(FibreStack::allocate(loop_stack_size)) {
    RINGSIDE_ASSERT(trace_, static_cast<bool>(loop_stack_), "no memory for the scheduler's stack");
    loop_context_.start(loop_stack_.bottom(), loop_stack_.size(), &Scheduler::loop_entry, this);
    current_ = &add_cpu("main", {}, false);
}

Scheduler::~Scheduler() {
    for (const auto& cpu : cpus_) {
        RINGSIDE_ASSERT(trace_,
                        cpu->number == 0 || cpu->state == Cpu::State::ended || cpu->is_service,
                        "CPU %s has not ended (it waits for %s)", cpu->label.c_str(), cpu->reason);
    }
}

Scheduler::Cpu& Scheduler::add_cpu(std::string name, std::function<void()> body, bool service) {
    cpus_.push_back(std::make_unique<Cpu>(*this, static_cast<std::uint16_t>(cpus_.size()),
                                          std::move(name), std::move(body), service));
    return *cpus_.back();
}

Scheduler::Cpu& Scheduler::spawn(std::string name, std::function<void()> body) {
    return add_cpu(std::move(name), std::move(body), false);
}

Scheduler::Cpu& Scheduler::spawn_service(std::string name, std::function<void()> body) {
    Cpu& cpu = add_cpu(std::move(name), std::move(body), true);
    cpu.state = Cpu::State::blocked;
    cpu.reason = "a kick";
    return cpu;
}

void Scheduler::kick(Cpu& service) {
    service.kicked = true;
    wake(service);
}

void Scheduler::join(Cpu& cpu) {
    if (cpu.state != Cpu::State::ended) {
        cpu.joiners.push_back(current_);
    }
    while (cpu.state != Cpu::State::ended) {
        block("another CPU's end");
    }
}

void Scheduler::trap_erased(void (*call)(void*), void* context) {
    // The others first, then the call: what others do must be able to come before it.
    if (interleaving_ == Interleaving::seeded) {
        enter();
    }
    pending_call_ = call;
    pending_context_ = context;
    enter();
}

void Scheduler::yield() {
    if (interleaving_ == Interleaving::seeded) {
        enter();
    }
}

void Scheduler::block(const char* why) {
    current_->state = Cpu::State::blocked;
    current_->reason = why;
    enter();
}

void Scheduler::block_until_readable(int fd, const char* why) {
    while (!is_readable(fd)) {
        current_->waits_for_fd = fd;
        block(why);
    }
}

void Scheduler::block_until_idle() {
    idle_waiter_ = current_;
    while (idle_waiter_ != nullptr) {
        block("idleness");
    }
}

void Scheduler::wake(Cpu& cpu) {
    if (cpu.state == Cpu::State::blocked) {
        cpu.state = Cpu::State::ready;
        cpu.waits_for_fd = -1;
    }
}

void Scheduler::enter() {
    current_->context.switch_to(loop_context_);
}

void Scheduler::loop_entry(void* self) {
    static_cast<Scheduler*>(self)->loop();
}

void Scheduler::loop() {
    for (;;) {
        if (pending_call_ != nullptr) {
            // The caller goes on after its call, unless the seed prefers another CPU.
            std::exchange(pending_call_, nullptr)(pending_context_);
        }
        Cpu& next = pick();
        if (&next != current_) {
            trace_.record({timeline_.now(), TraceKind::schedule, next.number, current_->number, 0});
            current_ = &next;
        }
        loop_context_.switch_to(next.context);
    }
}

void Scheduler::collect_ready() {
    ready_.clear();
    for (const auto& cpu : cpus_) {
        if (cpu->state == Cpu::State::blocked && cpu->waits_for_fd >= 0 &&
            is_readable(cpu->waits_for_fd)) {
            wake(*cpu);
        }
        if (cpu->state == Cpu::State::ready) {
            ready_.push_back(cpu.get());
        }
    }
}

/// To the next event, if that is no further away than `limit`; without one, until somebody may be
/// ready.
bool Scheduler::let_time_pass(Duration limit) {
    const auto next = timeline_.next_event();
    if (!next || *next - timeline_.now() > limit) {
        return false;
    }
    if (limit == Duration::max()) {
        timeline_.advance_from(*next);
    } else {
        timeline_.advance_to(*next);
    }
    return true;
}

Scheduler::Cpu& Scheduler::pick() {
    const bool seeded = interleaving_ == Interleaving::seeded;
    collect_ready();
    if (seeded && !ready_.empty() && stream_.chance(1, slow_cpu_odds) &&
        let_time_pass(slow_cpu_limit)) {
        collect_ready();
    }
    while (ready_.empty()) {
        if (!let_time_pass(Duration::max())) {
            if (idle_waiter_ != nullptr) {
                wake(*std::exchange(idle_waiter_, nullptr));
            } else if (!timeline_.end_standstill()) {
                report_deadlock();
            }
        }
        collect_ready();
    }
    if (seeded) {
        return *ready_[stream_.below(ready_.size())];
    }
    const bool goes_on = std::find(ready_.begin(), ready_.end(), current_) != ready_.end();
    return goes_on ? *current_ : *ready_.front();
}

void Scheduler::report_deadlock() {
    std::string waits;
    for (const auto& cpu : cpus_) {
        if (cpu->state == Cpu::State::blocked && !cpu->is_service) {
            waits += "\n  CPU " + cpu->label + " waits for " + cpu->reason;
        }
    }
    assertion_failed(&trace_, "somebody can run or something will happen", __FILE__, __LINE__,
                     "deadlock at %lld ps: no device event and no timer is pending, and%s",
                     static_cast<long long>(to_ps(timeline_.now())), waits.c_str());
}

}  // namespace ringside::sim
