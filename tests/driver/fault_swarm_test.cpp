// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Faults in swarms: each seed takes a few of them, at random places and rates, and a ring size.
// First many operations run into them, then the faults stop and the device must work, or be dead.
// Marks at the end prove that the swarm reached the rare paths.

#include <gtest/gtest.h>

#include <vector>

#include "faulty_chip.hpp"
#include "ringside/base/prng.hpp"

namespace ringside::testing {
namespace {

using spec::FaultKind;

constexpr std::size_t operations = 60;

core::FaultRule any_rule(Prng& prng) {
    core::FaultRule rule;
    do {
        rule.kind = spec::fault_kinds[prng.below(spec::fault_kinds.size())].kind;
    } while (rule.kind == FaultKind::flip_output || rule.kind == FaultKind::break_slices);
    // The driver cannot see those two.
    rule.queue = prng.below(4) == 0 ? core::FaultRule::any : 1;
    rule.after = static_cast<std::uint32_t>(prng.below(40));
    rule.every = static_cast<std::uint32_t>(1 + prng.below(8));
    rule.count = static_cast<std::uint32_t>(1 + prng.below(3));
    return rule;
}

/// What the swarm has reached, over all seeds.
struct Marks {
    std::uint64_t aborts = 0, queue_resets = 0, device_resets = 0, deaths = 0, restored = 0,
                  polled = 0, stale = 0, waited_for_reset = 0, stalls = 0;
};

std::uint64_t run_swarm(std::uint64_t swarm_seed, Marks& marks) {
    Prng prng(swarm_seed, "swarm");
    FaultyChip chip(swarm_seed,
                    {.ring_entries = 2u << prng.below(4),
                     .moderation_count = static_cast<std::uint16_t>(prng.below(4)),
                     .recovery = impatient()},
                    operations + 1);
    const auto rules = static_cast<std::uint32_t>(1 + prng.below(4));
    for (std::uint32_t slot = 0; slot < rules; ++slot) {
        core::FaultRule rule = any_rule(prng);
        // The one fault that stops all others would be too rare to be seen.
        rule.kind = swarm_seed % 16 == 0 ? FaultKind::freeze : rule.kind;
        chip.inject(rule, slot);
    }
    for (std::size_t i = 0; i < operations; ++i) {
        const auto& operation = chip.submit();
        marks.waited_for_reset += operation.refusal == driver::Errc::resetting ? 1 : 0;
        switch (prng.below(12)) {
            case 0:
                chip.machine.device->request_reset();
                break;
            case 1:
                chip.machine.platform->run_until_idle();
                break;
            case 2:
                sim::sleep_for(chip.machine.environment(),
                               std::chrono::microseconds(prng.below(30)));
                break;
            default:
                break;
        }
    }
    chip.machine.platform->run_until_idle();
    chip.oracle.expect_settled();
    for (std::size_t i = 0; i < chip.tracked.size(); ++i) {
        EXPECT_TRUE(chip.tracked[i]->last.status || chip.is_right(i)) << "operation " << i;
    }
    for (std::uint32_t slot = 0; slot < rules && !chip.is_dead(); ++slot) {
        chip.inject({}, slot);
    }
    chip.machine.platform->run_until_idle();
    chip.expect_alive_or(chip.is_dead());
    const auto recovery = chip.machine.device->recovery_counters();
    const auto queue = chip.machine.queue().counters();
    marks.aborts += recovery.aborts;
    marks.queue_resets += recovery.queue_resets;
    marks.device_resets += recovery.device_resets;
    marks.restored += recovery.sessions_restored;
    marks.stalls += recovery.heartbeat_stalls;
    marks.deaths += chip.is_dead() ? 1 : 0;
    marks.polled += queue.completions_polled;
    marks.stale += queue.stale_completions;
    return chip.machine.environment().trace().hash();
}

TEST(FaultSwarm, EndsEveryOperationOnceAndConverges) {
    Marks marks;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    constexpr std::uint64_t seeds = 60;
#else
    constexpr std::uint64_t seeds = 600;
#endif
    for (std::uint64_t i = 0; i < seeds && !::testing::Test::HasFailure(); ++i) {
        const std::uint64_t each = seed() * 1'000'000 + i;
        SCOPED_TRACE("swarm seed " + std::to_string(each));
        run_swarm(each, marks);
    }
    EXPECT_GT(marks.aborts, 0u);
    EXPECT_GT(marks.queue_resets, 0u);
    EXPECT_GT(marks.device_resets, 0u);
    EXPECT_GT(marks.deaths, 0u);
    EXPECT_GT(marks.restored, 0u);
    EXPECT_GT(marks.polled, 0u);
    EXPECT_GT(marks.stale, 0u);
    EXPECT_GT(marks.waited_for_reset, 0u);
    EXPECT_GT(marks.stalls, 0u);
}

TEST(FaultSwarm, OneSeedIsOneRun) {
    Marks marks;
    for (std::uint64_t i = 0; i < 10; ++i) {
        EXPECT_EQ(run_swarm(seed() + i, marks), run_swarm(seed() + i, marks)) << seed() + i;
    }
}

}  // namespace
}  // namespace ringside::testing
