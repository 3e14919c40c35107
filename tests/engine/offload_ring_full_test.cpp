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

/// Jobs told by descriptor, and which of them wait for a slot, in the order in which they came.
class Line {
  public:
    explicit Line(OffloadMachine& machine) : machine_(machine) {}

    void add() {
        TestJob& job = jobs_.emplace_back([this] { machine_.work(); });
        if (submits(job)) {
            expect_all_told(waiting_.size());
        } else {
            waiting_.push_back(&job);
        }
    }
    /// Whether its turn has come or not.
    void resume(std::size_t position) {
        if (submits(*waiting_[position])) {
            expect_all_told(position);
            waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(position));
        }
    }
    void finish_all() {
        for (TestJob& job : jobs_) {
            while (!job.finished()) {
                machine_.wait_readable(job.fd());
                job.enter();
            }
        }
    }
    const std::deque<TestJob*>& waiting() const { return waiting_; }

  private:
    /// Enters `job`; true: it got a slot.
    bool submits(TestJob& job) {
        const auto before = machine_.counters().accepted;
        job.enter();
        return machine_.counters().accepted != before;
    }
    void expect_all_told(std::size_t ahead) {
        for (std::size_t i = 0; i < ahead; ++i) {
            EXPECT_TRUE(waiting_[i]->fd_is_readable()) << "somebody went past number " << i;
        }
    }

    OffloadMachine& machine_;
    std::deque<TestJob> jobs_;
    std::deque<TestJob*> waiting_;
};

TEST(OffloadRingFull, AFreedSlotIsKeptForWhoWaitedLongest) {
    std::size_t longest = 0;
    for_seeds(150, [&](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed, .ring_entries = seed % 2 == 0 ? 2u : 4u});
        Prng order(seed, "who comes");
        Line line(machine);
        for (int i = 0; i < 8; ++i) {
            line.add();
        }
        longest = std::max(longest, line.waiting().size());
        int newcomers = 4;
        while (!line.waiting().empty()) {
            line.resume(order.below(line.waiting().size()));
            if (newcomers > 0 && order.chance(1, 3)) {
                --newcomers;
                line.add();
            }
            machine.accelerator.platform->scheduler().yield();
        }
        EXPECT_EQ(machine.counters().lapses, 0u);
        line.finish_all();
        EXPECT_EQ(machine.completed, 12 - newcomers);
    });
    EXPECT_GE(longest, 5u) << "the ring was never full";
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
