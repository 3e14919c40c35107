// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// How a queue pair learns of completions: by interrupts, by looking again under load, or by the
// application's polling.

#include <gtest/gtest.h>

#include "queue_fixture.hpp"
#include "ringside/driver/limits.hpp"

namespace ringside::testing {
namespace {

using driver::CompletionMode;
using driver::Errc;

struct CompletionModeTest : QueueFixture {
    void open(CompletionMode mode, driver::RecoveryPolicy recovery = {}) {
        opened = driver::Device::open(
                     device, environment,
                     {.ring_entries = 16, .completion_mode = mode, .recovery = recovery})
                     .value();
        queue = &opened->queue_pair(0);
    }
    /// So many operations, each submitted by the completion of the one before, which the device
    /// completes while the driver still looks.
    void run_chain(int length) {
        operation.on_complete = [this, length] {
            if (operation.completions < length) {
                submit(operation);
                boost::asio::post(environment.interrupt_executor(), [this] { device.complete(q); });
            }
        };
        submit(operation);
        complete_one();
        EXPECT_EQ(operation.completions, length);
    }
    TestOperation operation;
};

TEST_F(CompletionModeTest, AdaptiveLooksAgainUnderLoadAndSleepsWhenIdle) {
    open(CompletionMode::interrupt);
    run_chain(50);
    EXPECT_EQ(queue->counters().interrupts, 50u);
    opened.reset();
    operation.completions = 0;
    open(CompletionMode::adaptive);
    run_chain(50);
    EXPECT_EQ(queue->counters().interrupts, 1u);
    EXPECT_EQ(environment.run_ready(), 0u) << "it does not sleep";
    submit(operation);
    complete_one();
    EXPECT_EQ(queue->counters().interrupts, 2u) << "asleep, and not armed";
}

TEST_F(CompletionModeTest, AdaptiveGoesToSleepWhenTheDeviceIsSlow) {
    open(CompletionMode::adaptive);
    submit(operation);
    submit(operation);
    device.complete(q);
    EXPECT_LE(environment.run_ready(), driver::adaptive_looks + 2);
    EXPECT_EQ(operation.completions, 1);
    complete_one();
    EXPECT_EQ(operation.completions, 2);
    EXPECT_EQ(queue->counters().interrupts, 2u);
}

TEST_F(CompletionModeTest, APolledQueuePairCompletesWhereItIsPolledAndNotBefore) {
    open(CompletionMode::poll);
    bool in_interrupt = true;
    operation.on_complete = [&] { in_interrupt = environment.on_interrupt_executor(); };
    const auto interrupts = device.interrupts_sent();
    for (int i = 0; i < 5; ++i) {
        submit(operation);
        complete_one();
    }
    EXPECT_EQ(operation.completions, 0);
    EXPECT_EQ(queue->poll(2), 2u);
    EXPECT_EQ(operation.completions, 2);
    EXPECT_FALSE(in_interrupt);
    EXPECT_EQ(queue->poll(100), 3u);
    EXPECT_EQ(queue->poll(100), 0u);
    EXPECT_EQ(device.interrupts_sent(), interrupts);
    EXPECT_EQ(queue->counters().interrupts, 0u);
}

// A write for each batch would be one too many; that the device's INFLIGHT and EAGAIN agree is
// end_to_end/ring_full_test's.
TEST_F(CompletionModeTest, EntriesAreGivenBackWhenSomethingDependsOnIt) {
    open(CompletionMode::poll);
    std::uint32_t given_back = 0;
    device.after_write = [&](std::uint32_t offset, std::uint32_t value) {
        given_back = offset == spec::at("CQ_DB").of(q) ? value : given_back;
    };
    for (int i = 0; i < 5; ++i) {
        submit(operation);
        complete_one();
    }
    EXPECT_EQ(queue->poll(2), 2u);
    EXPECT_EQ(given_back, 0u);
    submit(operation);
    EXPECT_EQ(given_back, 2u) << "before its credit is used";
    EXPECT_EQ(queue->poll(3), 3u);
    EXPECT_EQ(given_back, 2u);
    EXPECT_EQ(queue->poll(1), 0u);
    EXPECT_EQ(given_back, 5u) << "nothing more to come";
    complete_one();
    EXPECT_EQ(queue->poll(1), 1u);
    fill(operation);
    EXPECT_EQ(given_back, 6u);
    opened->close();
    device.after_write = {};
}

TEST_F(CompletionModeTest, PollingWakesWaitersWhereItIsPolled) {
    open(CompletionMode::poll);
    TestWaiter waiter;
    fill(operation);
    EXPECT_EQ(submit(operation, &waiter), Errc::again);
    device.complete(q);
    EXPECT_EQ(queue->poll(1), 1u);
    EXPECT_EQ(waiter.calls, 1);
    EXPECT_FALSE(submit(operation, &waiter));
    opened->close();
}

TEST_F(CompletionModeTest, DrainingPollsWhatNobodyPolls) {
    open(CompletionMode::poll);
    fill(operation);
    while (device.pending(q) != 0) {
        device.complete(q);
    }
    EXPECT_TRUE(opened->drain(std::chrono::seconds(1)));
    EXPECT_EQ(operation.completions, static_cast<int>(queue->capacity()));
    EXPECT_FALSE(operation.last.status);
}

TEST_F(CompletionModeTest, PollingIsWithoutEffectWhereInterruptsComplete) {
    open(CompletionMode::interrupt);
    submit(operation);
    device.complete(q);
    EXPECT_EQ(queue->poll(8), 0u);
    environment.run_ready();
    EXPECT_EQ(operation.completions, 1);
}

TEST_F(CompletionModeTest, AnApplicationMayPollLateButNotTooLate) {
    driver::RecoveryPolicy recovery;
    recovery.operation_timeout = std::chrono::milliseconds(100);
    open(CompletionMode::poll, recovery);
    submit(operation);
    device.complete(q);
    environment.advance(recovery.operation_timeout - Duration(1));
    EXPECT_EQ(operation.completions, 0);
    environment.advance(Duration(1));
    EXPECT_EQ(operation.completions, 1);
    EXPECT_FALSE(operation.last.status);
    EXPECT_EQ(queue->counters().completions_polled, 1u);
}

TEST_F(CompletionModeTest, ABrokenPolledRingIsResetOnTheInterruptExecutor) {
    driver::RecoveryPolicy recovery;
    open(CompletionMode::poll, recovery);
    submit(operation);
    for (std::uint32_t i = 0; i < recovery.max_stale_completions; ++i) {
        device.post_entry(q, {});
        queue->poll(1);
    }
    EXPECT_EQ(opened->recovery_counters().broken_rings, 0u);
    environment.advance(std::chrono::milliseconds(1));
    EXPECT_EQ(opened->recovery_counters().broken_rings, 1u);
    EXPECT_EQ(operation.last.status, Errc::aborted);
    submit(operation);
    device.complete(q);
    EXPECT_EQ(queue->poll(1), 1u);
    EXPECT_FALSE(operation.last.status);
}

}  // namespace
}  // namespace ringside::testing
