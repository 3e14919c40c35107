// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What the scenarios have in common: the chip with the driver open on it, callers that sleep until
// it is their turn, and the questions that are asked when nothing is left to do.

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ringside/base/prng.hpp"
#include "ringside/testing/accelerator.hpp"
#include "scenario.hpp"

namespace ringside::testing {

/// Between two things that the chip does, at a guess.
inline constexpr Duration a_moment = std::chrono::microseconds(5);
/// Far more than a turn takes, and before the driver's watchdog looks for what it may have missed.
inline constexpr Duration patience = std::chrono::milliseconds(1);

class World {
  public:
    World(std::uint64_t seed, Verdict& to, const driver::DeviceConfig& config)
        : verdict(to),
          prng(seed, "scenario"),
          machine({.device = {.self_test_scope = core::SelfTestScope::aes}, .seed = seed}, config) {
    }

    driver::QueuePair& queue() { return machine.queue(); }
    driver::Environment& environment() { return machine.environment(); }
    void expect(bool condition, const std::string& problem) const {
        if (!condition) {
            verdict.broken(problem);
        }
    }
    /// Sleeps a while, or not at all.
    void dawdle(Duration most) {
        if (const auto span = prng.below(static_cast<std::uint64_t>(most.count())); span % 2 != 0) {
            sim::sleep_for(environment(), Duration(static_cast<std::int64_t>(span)));
        }
    }
    /// A CPU that comes to the schedule point `name` is slow there, up to so many turns of others.
    void slow_down_at(std::string_view name, std::uint64_t turns) {
        machine.platform->observe_schedule_points([this, name, turns](const char* point) {
            if (point == name && !environment().on_interrupt_executor()) {
                for (auto left = prng.below(turns); left != 0; --left) {
                    machine.platform->scheduler().yield();
                }
            }
        });
    }
    void spawn(std::function<void()> body) {
        const std::string name = "caller " + std::to_string(cpus_.size());
        auto ended = std::make_shared<bool>(false);
        ended_.push_back(ended);
        cpus_.push_back(&machine.platform->scheduler().spawn(name, [body = std::move(body), ended] {
            body();
            *ended = true;
        }));
    }
    /// Lets everything happen that will. Nobody may sleep then, nothing be in flight, and nothing
    /// have needed a second look: the chip has no faults here.
    void expect_all_is_done() {
        machine.platform->run_until_idle();
        const auto counters = queue().counters();
        for (std::size_t i = 0; i < ended_.size(); ++i) {
            expect(*ended_[i], "caller " + std::to_string(i) + " sleeps for ever, with " +
                                   std::to_string(counters.in_flight) + " operations in flight");
        }
        for (auto* const cpu : cpus_) {
            machine.platform->scheduler().join(*cpu);
        }
        expect(counters.in_flight == 0, "operations are in flight, and nothing happens any more");
        expect(counters.waiting + counters.reserved == 0, "somebody still waits for a slot");
        expect(counters.accepted == counters.ok + counters.failed + counters.cancelled,
               "the ledger does not close");
    }
    /// The driver needed no help of its own watchdog.
    void expect_nothing_was_late() const {
        expect(machine.device->recovery_counters().late_checks == 0,
               "operations stood in the ring and the device was not told");
    }

    Verdict& verdict;
    Prng prng;
    Accelerator machine;
    std::uint64_t wakeups = 0;    ///< slot_ready() calls
    std::uint64_t completed = 0;  ///< slots that became free
    std::uint64_t futile = 0;     ///< submits of who was told, that found the ring full

  private:
    std::vector<sim::Scheduler::Cpu*> cpus_;
    std::vector<std::shared_ptr<bool>> ended_;
};

/// A blocking caller: waits its turn, submits, waits for the end.
class Caller final : public driver::SlotWaiter {
  public:
    explicit Caller(World& world)
        : SlotWaiter(Kind::reserving), world_(world), parker_(world.environment().make_parker()) {}

    void slot_ready() noexcept override {
        ++world_.wakeups;
        parker_->unpark();
    }
    /// Takes up to `slowness` between being told and coming.
    void call(const spec::SubmissionEntry& request, Duration slowness = {}) {
        RecordedOperation operation(world_.environment());
        while (const auto refusal = submit(request, operation)) {
            world_.expect(refusal == driver::Errc::again, "refused: " + refusal.message());
            const Time since = world_.environment().now();
            parker_->park();
            world_.expect(world_.environment().now() - since < patience,
                          "a caller slept long after a slot was free");
            if (slowness != Duration{}) {
                world_.dawdle(slowness);
            }
            told_ = true;
        }
        told_ = false;
        operation.wait();
        ++world_.completed;
        world_.expect(operation.completions() == 1, "an operation completed twice");
    }

  private:
    driver::error_code submit(const spec::SubmissionEntry& request, RecordedOperation& operation) {
        const auto accepted = world_.queue().submit(request, operation, this);
        world_.futile += !accepted && told_ ? 1 : 0;
        return accepted ? driver::error_code() : accepted.error();
    }

    World& world_;
    std::unique_ptr<driver::Parker> parker_;
    bool told_ = false;
};

}  // namespace ringside::testing
