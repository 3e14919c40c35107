// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The fault matrix, rows 1 to 12, as the driver sees it: what a scripted device does wrong, and how
// it ends. Each test also runs under the oracle of fault_oracle.hpp.

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "fault_fixture.hpp"
#include "ringside/driver/limits.hpp"

namespace ringside::testing {
namespace {

using driver::Errc;
using driver::Measure;
using spec::Status;
using spec::StatusType;

using FaultRows = FaultFixture;

TEST_F(FaultRows, Row01OperationNeverCompletesAndIsAborted) {
    open();
    const auto& stuck = submit();
    environment.advance(operation_timeout - Duration(1));
    EXPECT_FALSE(stuck.ended);
    environment.advance(late_after);
    EXPECT_TRUE(stuck.ended);
    EXPECT_EQ(stuck.last.status, Errc::aborted);
    EXPECT_EQ(recovery().overdue, 1u);
    EXPECT_EQ(recovery().aborts, 1u);
    EXPECT_EQ(recovery().aborts_in_vain, 0u);
    EXPECT_EQ(recovery().queue_resets, 0u);
    expect_working();
}

TEST_F(FaultRows, Row01EveryOverdueOperationIsAbortedAndTheYoungOnesAreNot) {
    open();
    for (int i = 0; i < 3; ++i) {
        submit();
    }
    environment.advance(operation_timeout / 2);
    const auto& young = submit();
    environment.advance(operation_timeout / 2 + late_after);
    EXPECT_EQ(oracle->ended_with(Errc::aborted), 3u);
    EXPECT_FALSE(young.ended);
    EXPECT_EQ(recovery().overdue, 3u);
    EXPECT_EQ(recovery().aborts, 3u);
    serve();
    EXPECT_FALSE(young.last.status);
}

TEST_F(FaultRows, Row01OperationThatAbortDoesNotFindIsEndedByAQueueReset) {
    open();
    submit();
    submit();
    device.lose(q);
    environment.advance(operation_timeout + late_after);
    EXPECT_EQ(oracle->ended_with(Errc::aborted), 2u);
    EXPECT_EQ(recovery().aborts_in_vain, 1u);
    EXPECT_EQ(recovery().queue_resets, 1u);
    EXPECT_EQ(recovery().device_resets, 0u);
    expect_working();
}

TEST_F(FaultRows, Row01AnAbortThatDoesNotComeBackLeadsToAQueueReset) {
    open();
    answer_aborts = false;
    const auto& stuck = submit();
    environment.advance(operation_timeout + abort_timeout - Duration(1));
    EXPECT_FALSE(stuck.ended);
    environment.advance(late_after);
    EXPECT_TRUE(stuck.ended);
    EXPECT_EQ(recovery().aborts_in_vain, 1u);
    EXPECT_EQ(recovery().queue_resets, 1u);
    // The ABORT itself becomes overdue, and the admin queue pair is reset for it.
    environment.advance(operation_timeout + late_after);
    EXPECT_EQ(recovery().queue_resets, 2u);
    EXPECT_EQ(opened->admin().counters().resets, 1u);
    expect_working();
}

TEST_F(FaultRows, Row01AQueueResetThatFailsLeadsToADeviceReset) {
    open();
    device.queue_reset_time = std::chrono::hours(1);
    submit();
    device.lose(q);
    environment.advance(operation_timeout + std::chrono::milliseconds(device.timeout_ms) +
                        late_after);
    EXPECT_EQ(oracle->ended_with(Errc::aborted), 1u);
    EXPECT_EQ(recovery().failed_resets, 1u);
    EXPECT_EQ(recovery().device_resets, 1u);
    expect_working();
}

TEST_F(FaultRows, Row01TheFirstMeasureIsThePolicys) {
    for (const auto measure :
         {Measure::report, Measure::abort, Measure::reset_queue, Measure::reset_device}) {
        auto chosen = policy();
        chosen.on_timeout = measure;
        open(8, chosen);
        const auto& stuck = submit();
        environment.advance(operation_timeout * 3);
        EXPECT_EQ(stuck.ended, measure != Measure::report);
        EXPECT_EQ(recovery().overdue, 1u);
        EXPECT_EQ(recovery().aborts != 0, measure == Measure::abort);
        EXPECT_EQ(recovery().queue_resets != 0, measure == Measure::reset_queue);
        EXPECT_EQ(recovery().device_resets != 0, measure == Measure::reset_device);
        serve();
        oracle.reset();
        opened.reset();
    }
}

TEST_F(FaultRows, Row02LateCompletionOfAFormerLifeIsRefused) {
    open();
    const auto& lost = submit();
    const spec::SubmissionEntry request = device.lose(q);
    environment.advance(operation_timeout + late_after);
    EXPECT_EQ(lost.last.status, Errc::aborted);
    spec::CompletionEntry late;
    late.cid = request.cid;
    late.user_tag = request.user_tag;
    late.qid = q;
    submit();  // in the same slot
    device.post_entry(q, late);
    environment.run_ready();
    EXPECT_EQ(queue->counters().stale_completions, 1u);
    expect_working();
}

TEST_F(FaultRows, Row03DuplicateCompletionIsDroppedAndCounted) {
    open();
    submit();
    submit();
    const spec::CompletionEntry first = device.complete(q);
    device.post_entry(q, first);
    environment.run_ready();
    EXPECT_EQ(oracle->ended_with({}), 1u);
    EXPECT_EQ(queue->counters().stale_completions, 1u);
    expect_working();
    EXPECT_EQ(recovery().queue_resets, 0u);
}

TEST_F(FaultRows, Row04BadTagsBreakTheRingAndAQueueResetMendsIt) {
    open(4);
    auto& stuck = submit();
    submit();
    submit();
    auto& waiting = submit();
    EXPECT_EQ(waiting.refusal, Errc::again);
    const std::uint32_t most = policy().max_stale_completions;
    for (std::uint32_t i = 0; i < most; ++i) {
        EXPECT_EQ(recovery().broken_rings, 0u);
        device.post_entry(q, {});
        environment.run_ready();
    }
    EXPECT_EQ(recovery().broken_rings, 1u);
    EXPECT_FALSE(stuck.ended) << "the device may still write to its buffers";
    EXPECT_EQ(submit().refusal, Errc::resetting);
    environment.advance(device.queue_reset_time + driver::poll_interval);
    EXPECT_EQ(oracle->ended_with(Errc::aborted), 3u);
    EXPECT_EQ(recovery().queue_resets, 1u);
    // A new life begins with a clean slate.
    device.post_entry(q, {});
    environment.run_ready();
    EXPECT_EQ(recovery().broken_rings, 1u);
    serve();
    expect_working();
}

TEST_F(FaultRows, Row05OutOfOrderCompletionsAreMatchedByTag) {
    open();
    std::array<FaultOracle::Tracked*, 7> operations{};
    for (auto& operation : operations) {
        operation = &submit();
    }
    for (std::uint32_t i = 0; i < 7; ++i) {
        device.complete(q, device.pending(q) - 1, {}, i);
    }
    environment.run_ready();
    for (std::size_t i = 0; i < 7; ++i) {
        EXPECT_EQ(operations[i]->last.result, 6 - i);
    }
}

TEST_F(FaultRows, Row08LengthBeyondTheDestinationFailsTheOperation) {
    open();
    spec::SubmissionEntry request;
    request.opcode = static_cast<std::uint8_t>(spec::Opcode::cipher);
    request.dst_len = 32;
    for (const std::uint32_t length : {32u, 33u, 0xFFFF'FFFFu}) {
        const auto& operation = oracle->submit(*queue, request);
        device.complete(q, 0, {}, length);
        environment.run_ready();
        EXPECT_EQ(operation.last.status == Errc::ring_broken, length > 32);
        EXPECT_LE(operation.last.result, 32u);
    }
    expect_working();
}

TEST_F(FaultRows, Row09AuthenticationFailurePassesAsWhatTheDeviceSays) {
    open();
    const auto& operation = submit();
    device.complete(q, 0, Status::of(StatusType::crypto, spec::CryptoError::auth_failed));
    environment.run_ready();
    EXPECT_EQ(operation.last.status, Errc::auth_failed);
    expect_working();
}

TEST_F(FaultRows, Row10HeartbeatThatStallsLeadsToADeviceReset) {
    open();
    submit();
    submit();
    device.heart_stops_at = environment.now();
    environment.advance(policy().heartbeat_timeout + 3 * late_after);
    EXPECT_EQ(oracle->ended_with(Errc::aborted), 2u);
    EXPECT_EQ(recovery().heartbeat_stalls, 1u);
    EXPECT_EQ(recovery().device_resets, 1u);
    EXPECT_EQ(recovery().overdue, 0u) << "a stalled device is found before the timeout";
    device.heart_stops_at.reset();
    expect_working();
}

TEST_F(FaultRows, Row10HeartbeatThatGoesOnIsNoReasonForAReset) {
    auto patient = policy();
    patient.operation_timeout = std::chrono::hours(1);
    open(8, patient);
    submit();
    environment.advance(std::chrono::seconds(10));
    EXPECT_EQ(recovery().heartbeat_stalls, 0u);
    EXPECT_EQ(opened->queue_pair(0).counters().in_flight, 1u);
    expect_working();
}

TEST_F(FaultRows, Row11ResetThatNeverEndsLeavesADeadDeviceWithoutMemory) {
    open(4);
    for (int i = 0; i < 6; ++i) {
        submit();
    }
    device.reset_time = std::chrono::hours(1);
    const Time before = environment.now();
    opened->request_reset();
    environment.advance(Duration{});
    EXPECT_EQ(oracle->ended_with(Errc::dead), 0u) << "the device may still do DMA";
    const auto tries = policy().max_device_resets;
    environment.advance(std::chrono::milliseconds(device.timeout_ms) * tries + late_after);
    EXPECT_EQ(oracle->ended_with(Errc::dead), 6u);
    EXPECT_EQ(recovery().failed_resets, tries);
    EXPECT_EQ(device.mappings(), 0u) << "a device that was not stopped has memory";
    EXPECT_LT(environment.now() - before, std::chrono::seconds(1));
    EXPECT_EQ(opened->dma().allocate(16).error(), Errc::dead);
    expect_dead();
}

TEST_F(FaultRows, Row11DeviceThatIsResetTooOftenIsGivenUp) {
    open();
    for (std::uint32_t i = 0; i < policy().max_device_resets; ++i) {
        opened->request_reset();
        environment.advance(late_after);
        expect_working();
    }
    opened->request_reset();
    environment.advance(late_after);
    expect_dead();
}

TEST_F(FaultRows, Row11QueuePairThatIsRefusedAfterAResetEndsDead) {
    open();
    submit();
    device.refuse_queues = true;
    opened->request_reset();
    environment.advance(std::chrono::seconds(1));
    EXPECT_EQ(recovery().device_resets, policy().max_device_resets);
    expect_dead();
}

TEST_F(FaultRows, Row12SubmitDuringAResetIsNotLostAndKeepsItsTurn) {
    open(2);
    auto& in_flight = submit();
    auto& waited_before = submit();
    opened->request_reset();
    environment.run_ready();
    EXPECT_EQ(opened->health(), driver::DeviceHealth::resetting);
    auto& came_later = submit();
    EXPECT_EQ(waited_before.refusal, Errc::again);
    EXPECT_EQ(came_later.refusal, Errc::resetting);
    TestOperation unqueued;
    EXPECT_EQ(queue->submit({}, unqueued).error(), Errc::resetting);
    environment.advance(late_after);
    EXPECT_EQ(in_flight.last.status, Errc::aborted);
    EXPECT_TRUE(came_later.waits()) << "one slot: the first in the queue has it";
    EXPECT_FALSE(waited_before.waits());
    device.complete(q);
    environment.run_ready();
    EXPECT_FALSE(waited_before.last.status);
    serve();
    EXPECT_TRUE(came_later.ended);
    EXPECT_FALSE(came_later.last.status);
    EXPECT_EQ(unqueued.completions, 0);
}

TEST_F(FaultRows, Row12ReservationSurvivesAReset) {
    open(2);
    TestOperation operation;
    TestWaiter holder;
    TestWaiter second;
    submit();
    EXPECT_EQ(queue->submit({}, operation, &holder).error(), Errc::again);
    EXPECT_EQ(queue->submit({}, operation, &second).error(), Errc::again);
    device.complete(q);
    environment.run_ready();
    EXPECT_TRUE(queue->holds_reservation(holder));
    opened->request_reset();
    environment.run_ready();
    EXPECT_FALSE(queue->holds_reservation(holder));
    EXPECT_EQ(queue->submit({}, operation, &holder).error(), Errc::resetting);
    environment.advance(std::chrono::microseconds(200));
    EXPECT_EQ(holder.calls, 2);
    EXPECT_TRUE(queue->holds_reservation(holder)) << "it lost its turn to the second";
    EXPECT_EQ(second.calls, 0);
    EXPECT_TRUE(queue->submit({}, operation, &holder).has_value());
    queue->forget(second);
    serve();
}

}  // namespace
}  // namespace ringside::testing
