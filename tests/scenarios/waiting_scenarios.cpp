// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Bugs 1 to 4 and 9: who waits for a slot.

#include <deque>

#include "scenarios.hpp"
#include "world.hpp"

namespace ringside::testing {
namespace {

const spec::SubmissionEntry nop;

/// Callers come at any time, more than there are slots, `rounds` times each at the most.
std::uint64_t run_callers(World& world, std::uint32_t rounds, Duration slowness) {
    std::deque<Caller> callers;
    const auto count = world.queue().capacity() + 1 + world.prng.below(2);
    for (std::uint64_t i = 0; i < count; ++i) {
        Caller& caller = callers.emplace_back(world);
        const std::uint64_t times = 1 + world.prng.below(rounds);
        world.spawn([&world, &caller, times, slowness] {
            for (std::uint64_t round = 0; round < times; ++round) {
                world.dawdle(a_moment);
                caller.call(nop, slowness);
            }
        });
    }
    world.expect_all_is_done();
    world.expect_nothing_was_late();
    return world.queue().counters().eagain;
}

/// Asks for a slot in callback mode, and does nothing but submit when it is told of one.
class Sleeper final : public driver::Operation, public driver::SlotWaiter {
  public:
    Sleeper(World& world, std::uint64_t times)
        : SlotWaiter(Kind::notify_only), world_(world), left_(times) {}

    void submit() {
        const auto accepted = world_.queue().submit(nop, *this, this);
        if (!accepted && told_) {
            ++world_.futile;
        }
        told_ = false;
    }
    void slot_ready() noexcept override {
        ++world_.wakeups;
        told_ = true;
        world_.expect(world_.wakeups <= world_.completed, "a freed slot woke more than one");
        submit();
        world_.expect(world_.futile <= world_.completed, "retries in vain: a spin");
    }
    void complete(const driver::Completion& /*completion*/) noexcept override {
        ++world_.completed;
        if (--left_ != 0) {
            submit();
        }
    }
    bool is_done() const { return left_ == 0; }

  private:
    World& world_;
    std::uint64_t left_;
    bool told_ = false;
};

/// Sleepers in callback mode on a ring that is too small for them.
std::uint64_t run_sleepers(World& world) {
    std::deque<Sleeper> sleepers;
    const auto count = world.queue().capacity() + 2 + world.prng.below(4);
    for (std::uint64_t i = 0; i < count; ++i) {
        sleepers.emplace_back(world, 1 + world.prng.below(4));
    }
    world.spawn([&] {
        for (Sleeper& sleeper : sleepers) {
            sleeper.submit();
        }
    });
    world.expect_all_is_done();
    for (const Sleeper& sleeper : sleepers) {
        world.expect(sleeper.is_done(), "a sleeper was never told");
    }
    return world.wakeups;
}

std::uint32_t small_ring(std::uint64_t seed) {
    return 2u << seed % 2;
}

}  // namespace

std::uint64_t run_lost_wakeup(std::uint64_t seed, Verdict& verdict) {
    World world(seed, verdict, {.ring_entries = small_ring(seed)});
    world.slow_down_at("queue_pair.submit.full", 40);
    return run_callers(world, 1, {});  // the last one has nobody whose completion could help
}

std::uint64_t run_last_waiter_stall(std::uint64_t seed, Verdict& verdict) {
    constexpr Duration lapse = 2 * a_moment;
    World world(seed, verdict, {.ring_entries = 2, .reservation_lapse = lapse});
    run_callers(world, 2, 3 * lapse);
    return world.futile;
}

std::uint64_t run_retry_spin(std::uint64_t seed, Verdict& verdict) {
    World world(seed, verdict, {.ring_entries = small_ring(seed)});
    return run_sleepers(world);
}

std::uint64_t run_eagain_taken_for_queued(std::uint64_t seed, Verdict& verdict) {
    World world(seed, verdict, {.ring_entries = small_ring(seed)});
    return run_callers(world, 5, {});
}

/// Callers who wait, and one who comes by without waiting, again and again: whoever was told comes
/// long before the reservation lapses, and must find it. Then the same ring in callback mode.
std::uint64_t run_starvation_or_herd(std::uint64_t seed, Verdict& verdict) {
    World world(seed, verdict, {.ring_entries = small_ring(seed)});
    if (world.prng.below(2) != 0) {
        return run_sleepers(world);
    }
    std::deque<RecordedOperation> operations;
    world.spawn([&] {
        for (int i = 0; i < 20; ++i) {
            RecordedOperation& operation = operations.emplace_back(world.environment());
            if (!world.queue().submit(nop, operation)) {
                operations.pop_back();
            }
            world.dawdle(a_moment);
        }
    });
    run_callers(world, 3, {});
    world.expect(world.futile == 0, "a newcomer took the slot of one who was told");
    return world.wakeups;
}

}  // namespace ringside::testing
