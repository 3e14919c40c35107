// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Credits, ring-full and waiters through the queue pair's own face (DESIGN, contract 2).

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "queue_fixture.hpp"
#include "ringside/base/prng.hpp"

namespace ringside::testing {
namespace {

using driver::Errc;
using driver::SlotWaiter;

struct CreditTest : QueueFixture, ::testing::WithParamInterface<std::uint32_t> {};
struct WaiterTest : QueueFixture {};

TEST_P(CreditTest, AgainComesExactlyWhenEveryCreditIsInFlight) {
    open(GetParam());
    std::deque<TestOperation> operations(GetParam());
    for (std::uint32_t i = 0; i + 1 < GetParam(); ++i) {
        EXPECT_FALSE(submit(operations[i])) << i;
        EXPECT_EQ(device.in_flight(q), i + 1);
    }
    EXPECT_EQ(queue->capacity(), GetParam() - 1);
    EXPECT_EQ(submit(operations.back()), Errc::again);
    complete_one();
    EXPECT_FALSE(submit(operations.back()));
    EXPECT_EQ(queue->counters().eagain, 1u);
    EXPECT_EQ(queue->counters().submit_calls, GetParam() + 1);
    opened->close();
}

TEST_P(CreditTest, ThePhaseBitHoldsOverManyLapsAndInAnyOrder) {
    open(GetParam());
    Prng prng(seed(), "laps");
    TestOperation operation;
    int submitted = 0;
    for (std::uint32_t i = 0; i < 50 * GetParam(); ++i) {
        while (prng.below(4) != 0 && !submit(operation)) {
            ++submitted;
        }
        for (auto n = prng.below(GetParam()); n != 0 && device.pending(q) != 0; --n) {
            device.complete(q, prng.below(device.pending(q)));
        }
        environment.run_ready();
    }
    while (device.pending(q) != 0) {
        complete_one();
    }
    EXPECT_EQ(operation.completions, submitted);
    EXPECT_EQ(queue->counters().ok, static_cast<std::uint64_t>(submitted));
    EXPECT_EQ(queue->counters().stale_completions, 0u);
    EXPECT_EQ(device.in_flight(q), 0u);
}

INSTANTIATE_TEST_SUITE_P(RingEntries, CreditTest, ::testing::Values(2, 4, 8, 16));

// ---- batches ----

struct BatchTest : QueueFixture {
    std::vector<driver::QueuePair::Item> items(std::size_t count) {
        return std::vector<driver::QueuePair::Item>(count, {&nop, &operation});
    }
    /// Closing rings, too, and after_write counts here.
    void TearDown() override { opened.reset(); }

    std::uint64_t doorbells = 0;
    const spec::SubmissionEntry nop;
    TestOperation operation;

    void open_counting(std::uint32_t entries) {
        open(entries);
        device.after_write = [this](std::uint32_t offset, std::uint32_t) {
            doorbells += offset == spec::at("SQ_DB").of(q) ? 1 : 0;
        };
    }
};

TEST_F(BatchTest, AllAreAnnouncedByOneDoorbell) {
    open_counting(8);
    const auto batch = queue->submit_batch(items(5));
    EXPECT_EQ(batch.accepted, 5u);
    EXPECT_FALSE(batch.refusal);
    EXPECT_EQ(doorbells, 1u);
    EXPECT_EQ(device.pending(q), 5u);
    EXPECT_EQ(queue->counters().submit_calls, 5u);
    opened->close();
}

TEST_F(BatchTest, TheRestOfAPartialBatchIsNeitherAcceptedNorCounted) {
    open_counting(4);
    TestWaiter waiter;
    const auto batch = queue->submit_batch(items(6), &waiter);
    EXPECT_EQ(batch.accepted, 3u);
    EXPECT_EQ(batch.refusal, Errc::again);
    EXPECT_EQ(queue->counters().accepted, 3u);
    EXPECT_EQ(queue->counters().submit_calls, 4u) << "the rest was never tried";
    EXPECT_EQ(queue->counters().waiting, 1u);
    complete_one();
    EXPECT_EQ(waiter.calls, 1);
    const auto rest = queue->submit_batch(items(3), &waiter);
    EXPECT_EQ(rest.accepted, 1u);
    EXPECT_EQ(rest.refusal, Errc::again);
    EXPECT_EQ(doorbells, 2u);
    opened->close();
    EXPECT_EQ(operation.completions, 4);
}

TEST_F(BatchTest, NothingAcceptedRingsNothing) {
    open_counting(2);
    ASSERT_TRUE(queue->submit_batch(items(1)).accepted == 1);
    EXPECT_EQ(queue->submit_batch(items(2)).refusal, Errc::again);
    EXPECT_EQ(queue->submit_batch({}).accepted, 0u);
    EXPECT_EQ(doorbells, 1u);
    complete_one();
}

TEST_F(BatchTest, AnInvalidRequestEndsTheBatchInItsPlace) {
    open_counting(8);
    auto three = items(3);
    const spec::SubmissionEntry too_long{.src_len = device.max_length + 1};
    three[1].request = &too_long;
    TestWaiter waiter;
    const auto batch = queue->submit_batch(three, &waiter);
    EXPECT_EQ(batch.accepted, 1u);
    EXPECT_EQ(batch.refusal, Errc::invalid_request);
    EXPECT_EQ(queue->counters().waiting, 0u);
    complete_one();
}

// ---- waiters ----

TEST_F(WaiterTest, AFreedSlotIsKeptForTheOldestWaiter) {
    open(2);
    TestOperation operation;
    TestWaiter first, second;
    fill(operation);
    EXPECT_EQ(submit(operation, &first), Errc::again);
    EXPECT_EQ(submit(operation, &second), Errc::again);
    complete_one();
    EXPECT_EQ(first.calls, 1);
    EXPECT_EQ(second.calls, 0);
    EXPECT_TRUE(queue->holds_reservation(first));
    EXPECT_EQ(submit(operation), Errc::again) << "a newcomer took a reserved slot";
    EXPECT_EQ(submit(operation, &second), Errc::again) << "the second overtook the first";
    EXPECT_FALSE(submit(operation, &first));
    EXPECT_FALSE(queue->holds_reservation(first));
    complete_one();
    EXPECT_EQ(second.calls, 1);
    EXPECT_FALSE(submit(operation, &second));
    complete_one();
}

TEST_F(WaiterTest, AReservationLapsesToTheNextAtItsDeadline) {
    open(2);
    TestOperation operation;
    TestWaiter first, second;
    fill(operation);
    submit(operation, &first);
    submit(operation, &second);
    complete_one();
    environment.advance(lapse - Duration(1));
    EXPECT_TRUE(queue->holds_reservation(first));
    EXPECT_EQ(second.calls, 0);
    environment.advance(Duration(1));
    EXPECT_FALSE(queue->holds_reservation(first));
    EXPECT_EQ(second.calls, 1);
    EXPECT_EQ(queue->counters().lapses, 1u);
    EXPECT_EQ(submit(operation, &first), Errc::again) << "who missed it queues again";
    EXPECT_FALSE(submit(operation, &second));
    complete_one();
    EXPECT_EQ(first.calls, 2);
    EXPECT_FALSE(submit(operation, &first));
    complete_one();
}

TEST_F(WaiterTest, TheLastLapseLeavesTheSlotToAnybody) {
    open(2);
    TestOperation operation;
    TestWaiter waiter;
    fill(operation);
    submit(operation, &waiter);
    complete_one();
    environment.advance(lapse);
    EXPECT_FALSE(submit(operation));
    complete_one();
}

TEST_F(WaiterTest, AForgottenReservationGoesToTheNextAtOnce) {
    open(2);
    TestOperation operation;
    TestWaiter first, second;
    fill(operation);
    submit(operation, &first);
    submit(operation, &second);
    complete_one();
    const Time before = environment.now();
    queue->forget(first);
    environment.advance(Duration{});
    EXPECT_EQ(second.calls, 1);
    EXPECT_EQ(environment.now(), before);
    EXPECT_TRUE(queue->holds_reservation(second));
    queue->forget(second);
}

TEST_F(WaiterTest, AForgottenWaiterIsNeverCalled) {
    open(2);
    TestOperation operation;
    TestWaiter first, second;
    fill(operation);
    submit(operation, &first);
    submit(operation, &second);
    queue->forget(first);
    // Forgotten between the hand-over and the call: the completion runs before slot_ready().
    operation.on_complete = [&] { queue->forget(second); };
    complete_one();
    environment.advance(lapse);
    EXPECT_EQ(first.calls + second.calls, 0);
    EXPECT_EQ(queue->counters().reserved, 0u);
}

TEST_F(WaiterTest, ARefusedRequestUsesItsReservationUp) {
    open(2);
    TestOperation operation;
    TestWaiter first, second;
    fill(operation);
    submit(operation, &first);
    submit(operation, &second);
    complete_one();
    spec::SubmissionEntry too_long;
    too_long.src_len = device.max_length + 1;
    EXPECT_EQ(queue->submit(too_long, operation, &first).error(), Errc::invalid_request);
    environment.advance(Duration{});
    EXPECT_EQ(second.calls, 1);
    EXPECT_FALSE(submit(operation, &second));
    complete_one();
}

TEST_F(WaiterTest, AHintedSlotIsAnybodysAndOneSlotWakesOneSleeper) {
    open(4);
    TestOperation operation;
    std::deque<TestWaiter> sleepers;
    fill(operation);
    for (int i = 0; i < 6; ++i) {
        submit(operation, &sleepers.emplace_back(SlotWaiter::Kind::notify_only));
    }
    complete_one();
    EXPECT_EQ(sleepers[0].calls, 1);
    EXPECT_EQ(queue->counters().reserved, 0u);
    EXPECT_FALSE(submit(operation, &sleepers[5])) << "a hint reserves nothing";
    EXPECT_EQ(submit(operation, &sleepers[0]), Errc::again);
    device.complete(q);
    device.complete(q);
    environment.run_ready();
    EXPECT_EQ(sleepers[1].calls + sleepers[2].calls, 2);
    EXPECT_EQ(sleepers[3].calls + sleepers[4].calls, 0);
    EXPECT_EQ(queue->counters().hints, 3u);
    opened->close();
}

TEST_F(WaiterTest, SleepersWhoseHintsComeToNothingAreWokenOneALapse) {
    open(2);
    TestOperation operation;
    std::deque<TestWaiter> sleepers;
    fill(operation);
    for (int i = 0; i < 3; ++i) {
        submit(operation, &sleepers.emplace_back(SlotWaiter::Kind::notify_only));
    }
    complete_one();
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(sleepers[i].calls, 1) << i;
        EXPECT_EQ(queue->counters().waiting, 2 - i);
        environment.advance(lapse);
    }
}

TEST_F(WaiterTest, ASlotIsFreeAgainInsideTheCompletionCallback) {
    open(4);
    std::deque<TestOperation> operations(3);
    int resubmitted = 0;
    for (auto& operation : operations) {
        operation.on_complete = [&] {
            if (resubmitted < 100) {
                ++resubmitted;
                EXPECT_FALSE(submit(operation));
            }
        };
        EXPECT_FALSE(submit(operation));
    }
    while (device.pending(q) != 0) {
        while (device.pending(q) != 0) {
            device.complete(q, device.pending(q) - 1);
        }
        environment.run_ready();
    }
    EXPECT_EQ(resubmitted, 100);
    EXPECT_EQ(queue->counters().eagain, 0u);
    EXPECT_EQ(queue->counters().ok, 103u);
}

struct DoorbellTest : QueueFixture {
    std::deque<TestOperation> operations;
    std::uint64_t doorbells = 0;

    ~DoorbellTest() override { device.after_write = nullptr; }  // the fixture closes the device

    void open_counting(std::uint32_t entries) {
        open(entries);
        device.after_write = [this](std::uint32_t offset, std::uint32_t) {
            doorbells += offset == spec::at("SQ_DB").of(q) ? 1 : 0;
        };
    }
    /// As many operations as there are slots, each of which submits another once.
    void fill_with_resubmitters() {
        for (std::uint32_t i = 0; i < queue->capacity(); ++i) {
            TestOperation& operation = operations.emplace_back();
            operation.on_complete = [this, &operation] {
                if (operation.completions == 1) {
                    EXPECT_FALSE(submit(operation)) << "no slot inside the callback";
                }
            };
            EXPECT_FALSE(submit(operation));
        }
        doorbells = 0;
    }
    void complete_all_at_once() {
        while (device.pending(q) != 0) {
            device.complete(q);
        }
        environment.run_ready();
    }
};

TEST_F(DoorbellTest, ABurstOfCompletionsThatSubmitsAgainRingsOnce) {
    open_counting(16);
    fill_with_resubmitters();
    const auto before = device.mmio_accesses();
    complete_all_at_once();
    EXPECT_EQ(doorbells, 1u) << "for 15 submissions";
    EXPECT_EQ(device.mmio_accesses() - before, 3u) << "acknowledge, doorbell, arm";
    EXPECT_EQ(device.pending(q), 15u);
    complete_all_at_once();
    EXPECT_EQ(doorbells, 1u) << "nothing was submitted, nothing is due";
    EXPECT_EQ(queue->counters().ok, 30u);
}

TEST_F(DoorbellTest, WhoIsGivenASlotSharesTheDoorbellOfTheBatch) {
    open_counting(4);
    TestOperation operation;
    std::deque<TestWaiter> waiters;
    fill(operation);
    for (int i = 0; i < 3; ++i) {
        TestWaiter& waiter = waiters.emplace_back();
        waiter.on_ready = [&] { EXPECT_FALSE(submit(operation, &waiter)); };
        EXPECT_EQ(submit(operation, &waiter), Errc::again);
    }
    doorbells = 0;
    complete_all_at_once();
    EXPECT_EQ(doorbells, 1u);
    EXPECT_EQ(device.pending(q), 3u);
    complete_all_at_once();
}

TEST_F(DoorbellTest, WhoSubmitsFromElsewhereMeanwhileAnnouncesAll) {
    open_counting(4);
    fill_with_resubmitters();
    TestOperation other;
    device.complete(q);
    device.complete(q);
    environment.at_schedule_points([&](std::string_view point) {
        if (point == "queue_pair.drain.after_ack") {
            environment.as_another_cpu([&] { EXPECT_FALSE(submit(other)); });
        }
    });
    operations[1].on_complete = nullptr;
    environment.run_ready();
    environment.at_schedule_points({});
    EXPECT_EQ(device.pending(q), 3u);
    EXPECT_EQ(doorbells, 2u);
    complete_all_at_once();
    complete_all_at_once();
}

TEST_F(DoorbellTest, ADeviceThatIsLostInsideACallbackIsNotRung) {
    open_counting(4);
    TestOperation first, second;
    std::uint64_t accesses = 0;
    first.on_complete = [&] {
        EXPECT_FALSE(submit(second));
        device.vanish();
        EXPECT_EQ(opened->read_statistics().operations, 0u);
        accesses = device.mmio_accesses();
    };
    EXPECT_FALSE(submit(first));
    complete_one();
    EXPECT_EQ(second.last.status, Errc::dead);
    EXPECT_EQ(second.completions, 1);
    EXPECT_EQ(device.mmio_accesses(), accesses);
}

TEST_F(WaiterTest, AWaiterMaySubmitInsideSlotReady) {
    open(2);
    TestOperation operation;
    TestWaiter waiter;
    waiter.on_ready = [&] { EXPECT_FALSE(submit(operation, &waiter)); };
    fill(operation);
    EXPECT_EQ(submit(operation, &waiter), Errc::again);
    complete_one();
    EXPECT_EQ(waiter.calls, 1);
    complete_one();
    EXPECT_EQ(operation.completions, 2);
}

TEST_F(WaiterTest, EveryWaiterIsWokenWhenTheDeviceIsGone) {
    open(2);
    TestOperation operation;
    TestWaiter holder, sleeper;
    TestWaiter hinted(SlotWaiter::Kind::notify_only);
    fill(operation);
    submit(operation, &holder);
    complete_one();
    submit(operation, &sleeper);
    submit(operation, &hinted);
    opened->close();
    EXPECT_EQ(sleeper.calls, 1);
    EXPECT_EQ(hinted.calls, 1);
    EXPECT_EQ(submit(operation, &holder), Errc::dead);
    EXPECT_EQ(submit(operation, &sleeper), Errc::dead);
    EXPECT_EQ(queue->counters().reserved + queue->counters().waiting, 0u);
}

/// Everything at random, against the rules: seed by seed another order of events.
TEST_F(WaiterTest, RandomTrafficKeepsTheContract) {
    open(8);
    Prng prng(seed(), "traffic");
    TestOperation operation;
    std::deque<TestWaiter> waiters;
    for (int i = 0; i < 24; ++i) {
        waiters.emplace_back(i % 3 == 0 ? SlotWaiter::Kind::notify_only
                                        : SlotWaiter::Kind::reserving);
    }
    std::uint64_t completed = 0;
    for (int step = 0; step < 20'000; ++step) {
        TestWaiter& waiter = waiters[prng.below(waiters.size())];
        const auto dice = prng.below(100);
        if (dice < 50) {
            const auto before = queue->counters();
            const bool full = device.in_flight(q) + before.reserved == queue->capacity();
            const bool held = queue->holds_reservation(waiter);
            const auto outcome = submit(operation, dice < 40 ? &waiter : nullptr);
            EXPECT_EQ(outcome == Errc::again, full && !(held && dice < 40)) << "step " << step;
        } else if (dice < 90 && device.pending(q) != 0) {
            device.complete(q, prng.below(device.pending(q)));
            ++completed;
            if (prng.below(3) != 0) {
                environment.run_ready();
            }
        } else if (dice < 94) {
            queue->forget(waiter);
        } else {
            environment.advance(Duration(static_cast<std::int64_t>(prng.below(6'000'000'000))));
        }
    }
    while (device.pending(q) != 0) {
        complete_one();
        ++completed;
    }
    environment.advance(lapse * 100);
    const auto counters = queue->counters();
    EXPECT_EQ(counters.waiting, 0u) << "somebody sleeps for ever";
    EXPECT_EQ(counters.reserved, 0u);
    EXPECT_EQ(counters.ok, completed);
    EXPECT_GT(counters.lapses, 0u);
    EXPECT_GT(counters.hints, 0u);
}

}  // namespace
}  // namespace ringside::testing
