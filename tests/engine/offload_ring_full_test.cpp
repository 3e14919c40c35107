// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// A full ring as jobs and their application see it: DESIGN's contract 2. Who waited longest is
// served first, nobody retries for nothing, and when the device goes nobody is left waiting.

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "offload_fixture.hpp"
#include "ringside/base/prng.hpp"

namespace ringside {
namespace {

using testing::count_call;
using testing::for_seeds;
using testing::OffloadMachine;
using testing::TestJob;

/// Jobs told by descriptor, and which of them met a full ring, in the order in which they came.
class Line {
  public:
    explicit Line(OffloadMachine& machine) : machine_(machine) {}

    void add() {
        TestJob& job = jobs_.emplace_back([this] { machine_.work(); });
        const auto before = machine_.counters().eagain;
        job.enter();
        if (machine_.counters().eagain != before) {
            waiters_.push_back({&job});
        }
        unfinished_.push_back(&job);
    }
    /// Whether there is news of it or not.
    void resume(std::size_t position) {
        if (unfinished_[position]->enter()) {
            unfinished_.erase(unfinished_.begin() + static_cast<std::ptrdiff_t>(position));
        }
    }
    /// Who waited longer was told earlier. To be asked before each resume, which ends the news.
    void expect_told_in_order() {
        bool all_before = true;
        for (std::size_t i = 0; i < waiters_.size(); ++i) {
            Waiter& waiter = waiters_[i];
            waiter.told |= waiter.job->finished() || waiter.job->fd_is_readable();
            EXPECT_TRUE(all_before || !waiter.told) << "number " << i << " went past others";
            all_before = all_before && waiter.told;
        }
    }
    std::size_t unfinished() const { return unfinished_.size(); }
    std::size_t waited() const { return waiters_.size(); }

  private:
    struct Waiter {
        TestJob* job;
        bool told = false;
    };

    OffloadMachine& machine_;
    std::deque<TestJob> jobs_;
    std::vector<TestJob*> unfinished_;
    std::vector<Waiter> waiters_;
};

TEST(OffloadRingFull, AFreedSlotIsForWhoWaitedLongest) {
    std::size_t longest = 0;
    for_seeds(150, [&](std::uint64_t seed) {
        // Nothing happens between a look at the descriptors and the resume behind it.
        OffloadMachine machine({.seed = seed,
                                .ring_entries = seed % 2 == 0 ? 2u : 4u,
                                .interleaving = sim::Interleaving::cooperative});
        Prng order(seed, "who comes");
        Line line(machine);
        for (int i = 0; i < 8; ++i) {
            line.add();
        }
        int newcomers = 4;
        while (line.unfinished() != 0) {
            line.expect_told_in_order();
            line.resume(order.below(line.unfinished()));
            if (newcomers > 0 && order.chance(1, 3)) {
                --newcomers;
                line.add();
            }
            sim::sleep_for(machine.accelerator.environment(),
                           std::chrono::nanoseconds(order.below(2000)));
        }
        longest = std::max(longest, line.waited());
        EXPECT_EQ(machine.counters().lapses, 0u);
        EXPECT_EQ(machine.completed, 12 - newcomers);
    });
    EXPECT_GE(longest, 5u) << "the ring was never full";
}

TEST(OffloadRingFull, AFreedSlotIsInUseBeforeItsJobIsResumed) {
    OffloadMachine machine({.ring_entries = 2, .interleaving = sim::Interleaving::cooperative});
    const auto before = machine.counters();
    std::deque<TestJob> jobs;
    for (int i = 0; i < 8; ++i) {
        jobs.emplace_back([&] { machine.work(); });
        EXPECT_FALSE(jobs.back().enter());
    }
    EXPECT_EQ(machine.counters().waiting, 7u);
    machine.settle();
    EXPECT_EQ(machine.counters().ok, before.ok + 8)
        << "the device need not wait for the application";
    EXPECT_EQ(machine.counters().lapses, 0u);
    for (TestJob& job : jobs) {
        EXPECT_TRUE(job.fd_is_readable());
        EXPECT_TRUE(job.enter());
        EXPECT_EQ(job.pauses(), 1);
    }
}

TEST(OffloadRingFull, WaitingForASlotIsNoRetrying) {
    OffloadMachine machine({.ring_entries = 2, .interleaving = sim::Interleaving::cooperative});
    TestJob first([&] { machine.work(); });
    TestJob second([&] { machine.work(); });
    EXPECT_FALSE(first.enter());
    const auto before = machine.counters();
    for (int i = 0; i < 50; ++i) {
        EXPECT_FALSE(second.enter()) << "the slot is not there yet";
    }
    EXPECT_EQ(machine.counters().eagain, before.eagain + 1);
    EXPECT_EQ(machine.counters().waiting, 1u);
    machine.wait_readable(second.fd());
    EXPECT_FALSE(second.enter());
    EXPECT_EQ(machine.counters().submit_calls, before.submit_calls + 2);
    EXPECT_TRUE(first.enter());
    machine.wait_readable(second.fd());
    EXPECT_TRUE(second.enter());
}

TEST(OffloadRingFull, ARequestThatNeverGetsASlotEndsItsJobWhenTheDeviceCloses) {
    OffloadMachine machine({.ring_entries = 2, .interleaving = sim::Interleaving::cooperative});
    driver::result<OffloadMachine::Block> outcome = OffloadMachine::Block{};
    TestJob first([&] { (void)machine.encrypt(); });
    TestJob second([&] { outcome = machine.encrypt(); });
    EXPECT_FALSE(first.enter());
    EXPECT_FALSE(second.enter());
    machine.accelerator.device->close();
    EXPECT_TRUE(second.fd_is_readable());
    EXPECT_TRUE(second.enter());
    EXPECT_EQ(outcome.error(), driver::Errc::dead);
    EXPECT_EQ(second.status(), ASYNC_STATUS_ERR);
    EXPECT_FALSE(second.fd_is_readable());
    EXPECT_TRUE(first.enter());
}

TEST(OffloadRingFull, AJobThatAwaitsASlotOfAClosedDeviceHasStatusErr) {
    OffloadMachine machine({.ring_entries = 2, .interleaving = sim::Interleaving::cooperative});
    int calls = 0;
    driver::result<OffloadMachine::Block> outcome = OffloadMachine::Block{};
    TestJob first([&] { (void)machine.encrypt(); });
    TestJob second([&] { outcome = machine.encrypt(); });
    second.set_callback(&count_call, &calls);
    EXPECT_FALSE(first.enter());
    EXPECT_FALSE(second.enter());
    EXPECT_EQ(second.status(), ASYNC_STATUS_EAGAIN);
    machine.accelerator.device->close();
    EXPECT_TRUE(second.fd_is_readable()) << "an application that sleeps on it would never know";
    EXPECT_TRUE(second.enter());
    EXPECT_EQ(outcome.error(), driver::Errc::dead);
    EXPECT_EQ(second.status(), ASYNC_STATUS_ERR);
    EXPECT_FALSE(second.fd_is_readable());
    EXPECT_EQ(calls, 0);
    EXPECT_TRUE(first.enter());
    EXPECT_EQ(first.status(), ASYNC_STATUS_OK) << "it was submitted";
}

}  // namespace
}  // namespace ringside
