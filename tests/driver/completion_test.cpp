// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// What comes back from a device that is right, late, wrong or gone.

#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "queue_fixture.hpp"
#include "ringside/driver/limits.hpp"

namespace ringside::testing {
namespace {

using driver::Errc;
using spec::Status;
using spec::StatusType;

struct CompletionTest : QueueFixture {};

TEST_F(CompletionTest, EveryStatusOfTheDeviceHasItsErrorCode) {
    open(16);
    const std::vector<std::pair<Status, driver::error_code>> expected = {
        {{}, {}},
        {Status::of(StatusType::request, spec::RequestError::bad_session), Errc::request_rejected},
        {Status::of(StatusType::crypto, spec::CryptoError::auth_failed), Errc::auth_failed},
        {{StatusType::crypto, 99}, Errc::crypto_failed},
        {Status::of(StatusType::transport, spec::TransportError::iommu), Errc::dma_fault},
        {Status::of(StatusType::aborted, spec::AbortReason::queue_reset), Errc::aborted},
        {{static_cast<StatusType>(5), 1}, Errc::ring_broken},
    };
    TestOperation operation;
    for (const auto& [status, code] : expected) {
        ASSERT_FALSE(submit(operation));
        device.complete(q, 0, status, 7);
        environment.run_ready();
        EXPECT_EQ(operation.last.status, code);
        EXPECT_EQ(operation.last.result, code ? 0u : 7u);
        EXPECT_EQ(operation.last.device_latency, Duration(1'000'000));
    }
    EXPECT_EQ(queue->counters().ok, 1u);
    EXPECT_EQ(queue->counters().failed, expected.size() - 1);
}

TEST_F(CompletionTest, ALengthBeyondTheDestinationFailsTheOperation) {
    open(4);
    TestOperation operation;
    spec::SubmissionEntry request;
    request.opcode = static_cast<std::uint8_t>(spec::Opcode::cipher);
    request.dst_len = 32;
    for (const std::uint32_t result : {32u, 33u}) {
        ASSERT_TRUE(queue->submit(request, operation));
        device.complete(q, 0, {}, result);
        environment.run_ready();
        EXPECT_EQ(operation.last.status == Errc::ring_broken, result > 32);
        EXPECT_EQ(operation.last.result, result > 32 ? 0u : result);
    }
}

TEST_F(CompletionTest, DuplicatesStrangersAndWrongTagsAreDroppedAndCounted) {
    open(8);
    TestOperation first, second;
    submit(first);
    submit(second);
    const spec::CompletionEntry genuine = device.complete(q);
    device.post_entry(q, genuine);  // a duplicate
    spec::CompletionEntry forged = genuine;
    forged.cid = 0xFFFF;  // out of any range
    device.post_entry(q, forged);
    const spec::SubmissionEntry open_request = device.pending_entry(q);
    forged.cid = open_request.cid;  // outstanding, but another tag
    device.post_entry(q, forged);
    forged.user_tag = open_request.user_tag;
    forged.cid = static_cast<std::uint16_t>(open_request.cid + 8);  // another generation
    device.post_entry(q, forged);
    forged.cid = open_request.cid;
    forged.qid = q + 1;  // another queue's
    device.post_entry(q, forged);
    environment.advance(2 * driver::torn_entry_limit);
    EXPECT_EQ(first.completions, 1);
    EXPECT_EQ(second.completions, 0);
    EXPECT_EQ(queue->counters().stale_completions, 5u);
    complete_one();
    EXPECT_EQ(second.completions, 1);
    EXPECT_FALSE(second.last.status);
}

TEST_F(CompletionTest, CloseEndsWhatIsInFlightInOrderOfSubmission) {
    open(128);
    std::deque<TestOperation> operations(100);
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < operations.size(); ++i) {
        operations[i].on_complete = [&order, i] { order.push_back(i); };
    }
    // Slots are used out of order first.
    for (std::size_t i = 0; i < 60; ++i) {
        submit(operations[i]);
    }
    for (int i = 0; i < 60; ++i) {
        device.complete(q, static_cast<std::size_t>(i * 7) % device.pending(q));
    }
    environment.run_ready();
    order.clear();
    std::vector<std::size_t> expected;
    for (std::size_t i = 0; i < operations.size(); ++i) {
        submit(operations[i]);
        expected.push_back(i);
    }
    opened->close();
    EXPECT_EQ(order, expected);
    EXPECT_EQ(operations[99].last.status, Errc::dead);
    EXPECT_EQ(queue->counters().failed, 100u);
}

TEST_F(CompletionTest, WhatTheDeviceHadCompletedBeforeKeepsItsStatus) {
    open(8);
    TestOperation finished, unfinished;
    submit(finished);
    submit(unfinished);
    device.complete(q);
    opened->close();
    const auto accesses = device.mmio_accesses();
    EXPECT_FALSE(finished.last.status);
    EXPECT_EQ(unfinished.last.status, Errc::dead);
    EXPECT_EQ(submit(finished), Errc::dead);
    EXPECT_EQ(device.mmio_accesses(), accesses) << "a dead device was touched";
}

TEST_F(CompletionTest, ACompletionThatLandsJustBeforeArmInterruptsAtOnce) {
    open(8);
    TestOperation operation;
    int landed = 0;
    environment.at_schedule_points([&](std::string_view point) {
        if (point == "queue_pair.drain.before_arm" && device.pending(q) != 0) {
            ++landed;
            device.complete(q);
        }
    });
    for (int i = 0; i < 5; ++i) {
        submit(operation);
    }
    complete_one();
    EXPECT_EQ(landed, 4);
    EXPECT_EQ(operation.completions, 5) << "an interrupt fell into the gap";
    EXPECT_EQ(queue->counters().interrupts, 5u);
}

TEST_F(CompletionTest, ASpuriousInterruptIsCountedAndHarmless) {
    open(4);
    TestOperation operation;
    submit(operation);
    device.send_interrupt(spec::queue_vector(q));
    environment.run_ready();
    EXPECT_EQ(operation.completions, 0);
    EXPECT_EQ(queue->counters().empty_interrupts, 1u);
    complete_one();
    EXPECT_EQ(operation.completions, 1);
    EXPECT_EQ(queue->counters().interrupts, 2u);
}

TEST_F(CompletionTest, OnAnExecutorOfTheUsersCallbacksComeInTheOrderOfTheCompletions) {
    driver::DeviceConfig config{.ring_entries = 128};
    config.callback_executors = {environment.interrupt_executor()};
    opened = driver::Device::open(device, environment, config).value();
    queue = &opened->queue_pair(0);
    std::deque<TestOperation> operations(100);
    std::vector<std::uint64_t> order;
    for (TestOperation& operation : operations) {
        EXPECT_FALSE(submit(operation));
    }
    std::vector<std::uint64_t> expected;
    const std::uint64_t first = device.pending_entry(q).user_tag;
    for (std::uint64_t i = 0; i < operations.size(); ++i) {
        operations[i].on_complete = [&order, i] { order.push_back(i); };
    }
    for (std::size_t i = 0; device.pending(q) != 0; ++i) {
        expected.push_back(device.complete(q, i * 7 % device.pending(q)).user_tag - first);
    }
    environment.run_ready();
    EXPECT_EQ(order, expected);
    EXPECT_NE(queue->callback_executor(), environment.interrupt_executor()) << "a strand on it";
}

TEST_F(CompletionTest, ABusyRingGivesWayToOthersOnTheExecutor) {
    open(2);
    TestOperation operation;
    bool other_ran = false;
    int before_other = 0;
    operation.on_complete = [&] {
        before_other += other_ran ? 0 : 1;
        if (operation.completions < 1000) {
            submit(operation);
        }
    };
    device.after_write = [&](std::uint32_t offset, std::uint32_t) {
        if (offset == spec::at("SQ_DB").of(q) && device.pending(q) != 0) {
            device.complete(q);
        }
    };
    submit(operation);
    boost::asio::post(environment.interrupt_executor(), [&] { other_ran = true; });
    environment.run_ready();
    EXPECT_EQ(operation.completions, 1000);
    EXPECT_LE(before_other, static_cast<int>(driver::drain_budget));
    EXPECT_EQ(queue->counters().interrupts, 1u);
}

TEST_F(CompletionTest, APlatformThatGoesAwayEndsTheInterruptHandler) {
    open(4);
    device.shut_down();
    environment.run_ready();
    opened.reset();
    EXPECT_EQ(device.mappings(), 0u);
}

TEST_F(CompletionTest, RingsAreAlignedToTheirSizeAndUnmappedAtTheEnd) {
    open(256);
    EXPECT_EQ(device.ring_base(q, true) % (256 * sizeof(spec::SubmissionEntry)), 0u);
    EXPECT_EQ(device.ring_base(q, false) % (256 * sizeof(spec::CompletionEntry)), 0u);
    EXPECT_NE(device.mappings(), 0u);
    opened.reset();
    EXPECT_EQ(device.mappings(), 0u);
}

TEST_F(CompletionTest, EventsStandInTheTrace) {
    std::vector<TraceKind> kinds;
    environment.trace().listen([&](const TraceEvent& event) { kinds.push_back(event.kind); });
    open(2);
    TestOperation operation;
    TestWaiter waiter;
    submit(operation);
    submit(operation, &waiter);
    complete_one();
    environment.advance(lapse);
    device.post_entry(q, {});
    device.send_interrupt(spec::queue_vector(q));
    environment.run_ready();
    EXPECT_EQ(kinds, (std::vector{TraceKind::submit, TraceKind::eagain, TraceKind::reap,
                                  TraceKind::reserve, TraceKind::callback, TraceKind::lapse,
                                  TraceKind::stale}));
}

}  // namespace
}  // namespace ringside::testing
