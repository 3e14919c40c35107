// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The fault matrix, rows 13 to 31, as the driver sees it: what a scripted device does wrong, and
// how it ends. Each test also runs under the oracle of fault_oracle.hpp.

#include <gtest/gtest.h>

#include "fault_fixture.hpp"
#include "ringside/driver/limits.hpp"

namespace ringside::testing {
namespace {

using driver::Errc;
using spec::Status;
using spec::StatusType;

using FaultRows = FaultFixture;

TEST_F(FaultRows, Row13DroppedDoorbellIsRungAgain) {
    open();
    device.drop_next_doorbell = true;
    auto& operation = submit();
    EXPECT_EQ(device.pending(q), 0u);
    environment.advance(late_after);
    EXPECT_EQ(device.pending(q), 1u);
    serve();
    EXPECT_FALSE(operation.last.status);
    EXPECT_EQ(recovery().overdue, 0u);
}

TEST_F(FaultRows, Row14HeadBackwardsOrBeyondBreaksTheRing) {
    for (const std::uint32_t off : {1u, 7u, 0x100u}) {
        open();
        submit();
        submit();
        submit();
        device.complete(q);
        device.complete(q);
        environment.run_ready();
        EXPECT_EQ(queue->counters().bad_heads, 0u);
        device.bad_head = off;
        device.complete(q);
        environment.run_ready();
        EXPECT_EQ(queue->counters().bad_heads, 1u) << off;
        EXPECT_EQ(recovery().broken_rings, 1u) << off;
        device.bad_head = 0;
        environment.advance(late_after);
        EXPECT_EQ(recovery().queue_resets, 1u);
        expect_working();
        oracle.reset();
        opened.reset();
    }
}

TEST_F(FaultRows, Row15SurpriseRemovalIsFoundByALateOperation) {
    open(4);
    for (int i = 0; i < 5; ++i) {
        submit();
    }
    device.vanish();
    environment.advance(late_after);
    EXPECT_EQ(oracle->ended_with(Errc::dead), 5u);
    EXPECT_EQ(recovery().removals, 1u);
    EXPECT_EQ(device.mappings(), 0u);
    expect_dead();
}

TEST_F(FaultRows, Row15RemovalDuringAResetEndsIt) {
    open();
    submit();
    opened->request_reset();
    environment.run_ready();
    device.vanish();
    environment.advance(late_after);
    EXPECT_EQ(oracle->ended_with(Errc::dead), 1u);
    expect_dead();
}

TEST_F(FaultRows, Row16SlowSliceTripsTheMovingAverageAndUntripsIt) {
    auto slow_at = policy();
    slow_at.slow_latency = std::chrono::microseconds(20);
    open(8, slow_at);
    const auto run = [this](int count) {
        for (int i = 0; i < count; ++i) {
            submit();
            serve();
        }
        return queue->counters().slow;
    };
    EXPECT_FALSE(run(50));
    device.latency_ns = 100'000;
    EXPECT_FALSE(run(1)) << "one outlier is no trend";
    EXPECT_TRUE(run(50));
    device.latency_ns = 1'000;
    EXPECT_FALSE(run(100));
}

TEST_F(FaultRows, Row17DmaCompletionTimeoutFailsOneOperationAndNothingElse) {
    open();
    const auto& failed = submit();
    const auto& other = submit();
    device.complete(q, 0, Status::of(StatusType::transport, spec::TransportError::dma_read));
    device.raise_error(spec::ErrorSource::dma_read, q);
    serve();
    EXPECT_EQ(failed.last.status, Errc::dma_fault);
    EXPECT_FALSE(other.last.status);
    EXPECT_EQ(opened->reported_errors(), 1u);
    EXPECT_EQ(recovery().queue_resets + recovery().device_resets, 0u);
}

TEST_F(FaultRows, Row18PoisonedDataIsDiscarded) {
    open();
    const auto& failed = submit();
    device.complete(q, 0, Status::of(StatusType::transport, spec::TransportError::dma_read), 64);
    device.raise_error(spec::ErrorSource::ecc_uncorrectable, q);
    environment.run_ready();
    EXPECT_EQ(failed.last.status, Errc::dma_fault);
    EXPECT_EQ(failed.last.result, 0u) << "a failed operation has no result";
    expect_working();
}

TEST_F(FaultRows, Row19UnsupportedRequestIsCountedAndNothingElse) {
    open();
    device.raise_error(spec::ErrorSource::bad_access);
    environment.run_ready();
    EXPECT_EQ(opened->reported_errors(), 1u);
    EXPECT_EQ(recovery().error_interrupts, 1u);
    EXPECT_EQ(recovery().device_resets, 0u);
    expect_working();
}

TEST_F(FaultRows, Row20FatalErrorIsResetAndConfigurationRestored) {
    open();
    const std::uint32_t vector = device.mmio_read32(spec::at("CQ_VEC").of(q));
    submit();
    submit();
    device.fail(spec::DeviceState::error);
    device.raise_error(spec::ErrorSource::ecc_fatal);
    environment.advance(std::chrono::milliseconds(1));
    EXPECT_EQ(oracle->ended_with(Errc::aborted), 2u);
    EXPECT_EQ(recovery().fatal_errors, 1u);
    EXPECT_EQ(recovery().device_resets, 1u);
    EXPECT_EQ(device.mmio_read32(spec::at("CQ_VEC").of(q)), vector);
    expect_working();
}

TEST_F(FaultRows, Row20DeviceThatSaysDeadIsBelieved) {
    open();
    submit();
    device.fail(spec::DeviceState::dead);
    device.raise_error(spec::ErrorSource::ecc_fatal);
    environment.run_ready();
    EXPECT_EQ(oracle->ended_with(Errc::dead), 1u);
    expect_dead();
}

TEST_F(FaultRows, Row21IommuFaultFailsTheOperationWithoutAStorm) {
    open();
    const auto accesses = device.mmio_accesses();
    for (int i = 0; i < 3; ++i) {
        const auto& failed = submit();
        device.complete(q, 0, Status::of(StatusType::transport, spec::TransportError::iommu));
        device.raise_error(spec::ErrorSource::iommu, q);
        environment.run_ready();
        EXPECT_EQ(failed.last.status, Errc::dma_fault);
    }
    EXPECT_EQ(opened->reported_errors(), 3u);
    EXPECT_EQ(recovery().queue_resets + recovery().device_resets, 0u);
    EXPECT_LT(device.mmio_accesses() - accesses, 60u);
}

TEST_F(FaultRows, Row21QueuePairThatAFaultHasStoppedIsReset) {
    open();
    submit();
    device.stop_queue(q);
    device.raise_error(spec::ErrorSource::iommu, q);
    environment.advance(std::chrono::milliseconds(1));
    EXPECT_EQ(oracle->ended_with(Errc::aborted), 1u);
    EXPECT_EQ(recovery().queue_resets, 1u);
    expect_working();
}

TEST_F(FaultRows, Row22BufferGivenBackWhileTheDeviceIsInDoubtIsKeptAside) {
    open();
    auto buffer = opened->dma().allocate(256).value();
    const driver::Iova iova = buffer.iova();
    submit();
    opened->request_reset();
    environment.run_ready();
    buffer = {};
    EXPECT_EQ(opened->dma().quarantined(), 1u);
    const auto other = opened->dma().allocate(256).value();
    EXPECT_NE(other.iova().value, iova.value) << "the device may still write there";
    environment.advance(late_after);
    EXPECT_EQ(opened->dma().quarantined(), 0u);
    EXPECT_EQ(opened->dma().allocate(256).value().iova().value, iova.value);
}

TEST_F(FaultRows, Row22QuarantineLastsUntilTheLastOfTwoResets) {
    open();
    auto buffer = opened->dma().allocate(256).value();
    for (const std::uint32_t queue_pair : {0u, q}) {
        device.stop_queue(queue_pair);
        device.raise_error(spec::ErrorSource::dma_read, queue_pair);
        environment.advance(device.queue_reset_time / 2);
    }
    buffer = {};
    EXPECT_EQ(opened->dma().quarantined(), 1u);
    environment.advance(device.queue_reset_time / 2);
    EXPECT_EQ(recovery().queue_resets, 1u);
    EXPECT_EQ(opened->dma().quarantined(), 1u) << "the other queue pair may still write";
    environment.advance(late_after);
    EXPECT_EQ(recovery().queue_resets, 2u);
}

TEST_F(FaultRows, Row23TornCompletionIsReadAgain) {
    open(4);
    for (int i = 0; i < 5; ++i) {
        submit();
        serve();  // the entries hold a former lap
    }
    auto& torn = submit();
    auto& behind = submit();
    device.complete_torn(q);
    device.complete(q);
    environment.run_ready();
    EXPECT_FALSE(torn.ended);
    device.finish_torn(q);
    environment.advance(driver::poll_interval);
    EXPECT_TRUE(torn.ended);
    EXPECT_FALSE(torn.last.status);
    EXPECT_TRUE(behind.ended);
    EXPECT_EQ(queue->counters().stale_completions, 0u);
    expect_working();
}

TEST_F(FaultRows, Row23CompletionThatStaysTornIsDroppedAndHoldsNobodyUp) {
    open(4);
    auto& torn = submit();
    auto& behind = submit();
    device.complete_torn(q);
    device.complete(q);
    environment.advance(driver::torn_entry_limit + driver::poll_interval);
    EXPECT_TRUE(behind.ended);
    EXPECT_FALSE(torn.ended);
    EXPECT_EQ(queue->counters().stale_completions, 1u);
    environment.advance(operation_timeout + late_after);
    EXPECT_EQ(torn.last.status, Errc::aborted);
    expect_working();
}

TEST_F(FaultRows, Row24StormOfCorrectableErrorsIsRateLimitedAndCounted) {
    open();
    for (int i = 0; i < 1000; ++i) {
        device.raise_error(spec::ErrorSource::correctable);
        environment.run_ready();
    }
    EXPECT_LE(recovery().error_interrupts, policy().storm_interrupts + 1);
    EXPECT_EQ(recovery().error_storms, 1u);
    EXPECT_TRUE(device.is_masked(spec::error_vector));
    expect_working();
    environment.advance(policy().storm_pause);
    EXPECT_FALSE(device.is_masked(spec::error_vector));
    const auto before = opened->reported_errors();
    device.raise_error(spec::ErrorSource::correctable);
    environment.run_ready();
    EXPECT_EQ(opened->reported_errors(), before + 1);
}

TEST_F(FaultRows, Row25FunctionLevelResetIsNoticedAndBeginsANewEpoch) {
    open();
    submit();
    submit();
    const driver::Iova old_ring{device.ring_base(q, false)};
    device.reset_function();
    environment.advance(late_after + std::chrono::milliseconds(1));
    EXPECT_EQ(oracle->ended_with(Errc::aborted), 2u);
    EXPECT_EQ(recovery().device_resets, 1u);
    EXPECT_FALSE(device.is_mapped(old_ring)) << "DMA of the former life finds memory";
    expect_working();
}

TEST_F(FaultRows, Row26InterruptLostIsPolled) {
    open();
    device.lose_interrupts = true;
    const auto& operation = submit();
    device.complete(q);
    environment.advance(late_after - Duration(1));
    EXPECT_FALSE(operation.ended);
    environment.advance(Duration(1));
    EXPECT_TRUE(operation.ended);
    EXPECT_FALSE(operation.last.status);
    EXPECT_EQ(queue->counters().completions_polled, 1u);
    EXPECT_EQ(recovery().overdue, 0u);
    device.lose_interrupts = false;
    submit();
    device.complete(q);
    environment.run_ready();
    EXPECT_EQ(oracle->ended_with({}), 2u) << "the interrupt was not armed again";
}

TEST_F(FaultRows, Row27SpuriousInterruptIsHarmlessAndCounted) {
    open();
    const auto& operation = submit();
    device.send_interrupt(spec::queue_vector(q));
    environment.run_ready();
    EXPECT_FALSE(operation.ended);
    EXPECT_EQ(queue->counters().empty_interrupts, 1u);
    expect_working();
}

TEST_F(FaultRows, Row28InterruptBeforeTheDataIsFollowedByAnother) {
    open();
    const auto& operation = submit();
    device.send_interrupt(spec::queue_vector(q));
    environment.run_ready();
    device.complete(q);
    environment.run_ready();
    EXPECT_TRUE(operation.ended);
    EXPECT_EQ(queue->counters().completions_polled, 0u);
}

TEST_F(FaultRows, Row29InterruptStormIsMaskedAndPolled) {
    open();
    for (int i = 0; i < 1000; ++i) {
        device.send_interrupt(spec::queue_vector(q));
        environment.run_ready();
    }
    EXPECT_EQ(queue->counters().interrupts, policy().storm_interrupts + 1);
    EXPECT_EQ(queue->counters().interrupt_storms, 1u);
    EXPECT_TRUE(device.is_masked(spec::queue_vector(q)));
    const auto& operation = submit();
    device.complete(q);
    environment.advance(2 * driver::storm_poll_interval);
    EXPECT_TRUE(operation.ended) << "not polled";
    environment.advance(policy().storm_pause);
    EXPECT_FALSE(device.is_masked(spec::queue_vector(q)));
    const auto interrupts = queue->counters().interrupts;
    expect_working();
    EXPECT_GT(queue->counters().interrupts, interrupts) << "still polling";
}

TEST_F(FaultRows, Row30VectorMaskedByAnotherIsUnmasked) {
    open();
    device.mask_vector(spec::queue_vector(q), true);
    const auto& operation = submit();
    device.complete(q);
    environment.run_ready();
    EXPECT_FALSE(operation.ended);
    environment.advance(late_after);
    EXPECT_TRUE(operation.ended);
    EXPECT_FALSE(device.is_masked(spec::queue_vector(q)));
    expect_working();
}

}  // namespace
}  // namespace ringside::testing
