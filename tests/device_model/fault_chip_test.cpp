// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Faults that more than one operation feels: doorbells, rings, resets, the chip's state, its end;
// and what faults put off until a reset has come between.

#include <gtest/gtest.h>

#include "fault_workload.hpp"

namespace ringside::testing {
namespace {

using spec::FaultKind;
using std::chrono::microseconds;
using std::chrono::nanoseconds;

class ChipFault : public ::testing::Test {
  protected:
    static constexpr std::uint32_t queue = FaultBench::queue;

    std::uint32_t status(std::uint16_t register_offset) {
        std::uint32_t value = 0;
        EXPECT_TRUE(bench_.device.read(core::Bar::config, bench_.now, register_offset & ~3u,
                                       std::as_writable_bytes(std::span(&value, 1))));
        return value >> 8 * (register_offset & 3u);
    }
    bool transactions_pending() {
        return (status(spec::pci::at("DEVSTA")) & spec::pci::device_status::transactions_pending) !=
               0;
    }
    std::optional<std::uint32_t> read(core::Bar bar, std::uint32_t offset) {
        std::uint32_t value = 0;
        const bool answered = bench_.device.read(bar, bench_.now, offset,
                                                 std::as_writable_bytes(std::span(&value, 1)));
        return answered ? std::optional(value) : std::nullopt;
    }
    void submit(std::uint16_t cid) {
        bench_.push(queue, nop(cid));
        bench_.ring(queue);
    }
    /// A device reset and everything set up anew.
    void recover() {
        bench_.device_reset();
        bench_.start();
        EXPECT_EQ(bench_.state(), spec::DeviceState::ready);
        bench_.enable_queue(0, 16);
        bench_.enable_queue(queue, 64);
        bench_.enable_queue(2, 64);
        bench_.cbc = bench_.execute(0, bench_.session_request()).result;
        EXPECT_TRUE(status_of(bench_.execute(queue, bench_.make(Work::encrypt, 1))).ok());
    }

    FaultBench bench_;
};

// ---- doorbells ----

TEST_F(ChipFault, ADroppedDoorbellIsMadeUpForByTheNext) {
    bench_.inject({.kind = FaultKind::drop_doorbell, .after = 1});
    submit(1);
    bench_.run();
    submit(2);
    bench_.run();
    EXPECT_EQ(cids(bench_.reap(queue)), (std::vector<std::uint16_t>{1}));
    EXPECT_EQ(bench_.read(spec::at("SQ_TAIL").of(queue)), 1u);
    EXPECT_EQ(bench_.errors(), 0u);
    bench_.ring(queue);  // what a watchdog does
    bench_.run();
    EXPECT_EQ(cids(bench_.reap(queue)), (std::vector<std::uint16_t>{2}));
}

TEST_F(ChipFault, ADroppedHeadDoorbellGivesNothingBackAndDoesNotArm) {
    submit(1);
    bench_.run();
    EXPECT_EQ(bench_.messages_of(spec::queue_vector(queue)), 1u);
    bench_.inject({.kind = FaultKind::drop_head_doorbell});
    EXPECT_EQ(bench_.reap(queue, true).size(), 1u);
    EXPECT_EQ(bench_.read(spec::at("INFLIGHT").of(queue)), 1u);
    submit(2);
    bench_.run();
    EXPECT_EQ(bench_.messages_of(spec::queue_vector(queue)), 1u);
    EXPECT_EQ(bench_.reap(queue, true).size(), 1u);
    EXPECT_EQ(bench_.read(spec::at("INFLIGHT").of(queue)), 0u) << "the next makes up for it";
}

// ---- rings ----

TEST_F(ChipFault, ADescriptorThatTheIommuRefusesStopsItsQueueAlone) {
    bench_.inject({.kind = FaultKind::descriptor_fault, .queue = queue, .after = 1});
    const auto ring = bench_.rings.at(queue);
    submit(1);
    bench_.run();
    submit(2);
    submit(3);
    bench_.run();
    EXPECT_EQ(cids(bench_.reap(queue)), (std::vector<std::uint16_t>{1}));
    EXPECT_EQ(bench_.queue_state(queue), spec::QueueState::error);
    EXPECT_EQ(bench_.errors(), spec::bit_of(spec::ErrorSource::iommu));
    EXPECT_EQ(bench_.read64(spec::at("ERR_ADDR").of()), ring.sq_entry(1));
    EXPECT_NE(status(spec::pci::at("STATUS")) & spec::pci::status::received_master_abort, 0u);
    EXPECT_TRUE(status_of(bench_.execute(2, nop(9))).ok());
}

TEST_F(ChipFault, AnEntryThatTheIommuRefusesStopsItsQueueAlone) {
    bench_.inject({.kind = FaultKind::completion_fault, .queue = queue, .after = 1});
    const auto ring = bench_.rings.at(queue);
    submit(1);
    bench_.run();
    submit(2);
    bench_.run();
    EXPECT_EQ(cids(bench_.reap(queue)), (std::vector<std::uint16_t>{1}));
    EXPECT_EQ(bench_.queue_state(queue), spec::QueueState::error);
    EXPECT_EQ(bench_.errors(), spec::bit_of(spec::ErrorSource::iommu));
    EXPECT_EQ(bench_.read64(spec::at("ERR_ADDR").of()), ring.cq_entry(1));
    EXPECT_EQ(bench_.read(spec::at("ERR_INFO").of()), queue << 16 | 2);
    EXPECT_TRUE(status_of(bench_.execute(2, nop(9))).ok());
}

TEST_F(ChipFault, ADuplicateWithoutRoomOverrunsTheCompletionRing) {
    bench_.enable_queue(3, 2);
    bench_.inject({.kind = FaultKind::duplicate_completion, .queue = 3});
    bench_.push(3, nop(1));
    bench_.ring(3);
    bench_.run();
    EXPECT_EQ(bench_.errors(), spec::bit_of(spec::ErrorSource::cq_overrun));
    EXPECT_EQ(bench_.queue_state(3), spec::QueueState::error);
    EXPECT_TRUE(bench_.take(3).has_value());
}

TEST_F(ChipFault, ADelayedCompletionIsOvertaken) {
    bench_.inject({.kind = FaultKind::delay_completion, .after = 1});
    for (const std::uint16_t cid : {1, 2, 3, 4}) {
        submit(cid);
    }
    bench_.run();
    EXPECT_EQ(cids(bench_.reap(queue)), (std::vector<std::uint16_t>{1, 3, 4, 2}));
}

TEST_F(ChipFault, ATornEntryShowsItsPhaseBeforeItsBody) {
    bench_.inject({.kind = FaultKind::torn_completion, .value = 2'000});
    auto entry = nop(3);
    entry.user_tag = 0x1234;
    const auto address = bench_.rings.at(queue).cq_entry(0);
    bench_.push(queue, entry);
    bench_.ring(queue);
    const auto in_memory = [&] { return bench_.memory.get<spec::CompletionEntry>(address); };
    while (in_memory().status == 0 && bench_.step()) {
    }
    EXPECT_EQ(in_memory().cid, 3);
    EXPECT_TRUE(spec::phase_of(in_memory().status));
    EXPECT_EQ(in_memory().user_tag, 0u);
    bench_.run_for(nanoseconds(1'999));
    EXPECT_EQ(in_memory().user_tag, 0u);
    EXPECT_EQ(bench_.messages_of(spec::queue_vector(queue)), 1u) << "and the message is out";
    bench_.run_for(nanoseconds(1));
    EXPECT_EQ(in_memory().user_tag, 0x1234u);
}

TEST_F(ChipFault, ATornEntrysBodyDoesNotOutliveItsQueue) {
    bench_.inject({.kind = FaultKind::torn_completion, .value = 50'000});
    submit(3);
    bench_.run_for(microseconds(10));
    bench_.write(spec::at("Q_RESET").of(queue), 1);
    bench_.memory.accesses.clear();
    bench_.run();
    EXPECT_TRUE(bench_.memory.accesses.empty());
}

// ---- interrupts ----

TEST_F(ChipFault, AnEarlyInterruptFindsAnEmptyRingAndARearmIsAnswered) {
    bench_.inject({.kind = FaultKind::early_interrupt, .value = 3'000});
    submit(1);
    while (bench_.messages_of(spec::queue_vector(queue)) == 0 && bench_.step()) {
    }
    EXPECT_FALSE(bench_.take(queue).has_value());
    bench_.acknowledge(queue, true);
    bench_.run();
    EXPECT_TRUE(bench_.take(queue).has_value());
    EXPECT_EQ(bench_.messages_of(spec::queue_vector(queue)), 2u);
}

TEST_F(ChipFault, AVectorThatMaskedItselfSendsWhatIsPendingWhenItIsUnmasked) {
    bench_.inject({.kind = FaultKind::mask_vector});
    submit(1);
    bench_.run();
    const std::uint32_t vector = spec::queue_vector(queue);
    EXPECT_EQ(bench_.messages_of(vector), 0u);
    EXPECT_EQ(bench_.read_msix(vector * 16 + 12), 1u);
    EXPECT_EQ(bench_.read_msix(spec::msix_pba_offset), 1u << vector);
    bench_.write_msix(vector * 16 + 12, 0);
    EXPECT_EQ(bench_.messages_of(vector), 1u);
}

TEST_F(ChipFault, AStormIsQuietWhileItsVectorIsMaskedAndEndsWithAReset) {
    bench_.inject({.kind = FaultKind::interrupt_storm, .value = 1'000'000});
    const std::uint32_t vector = spec::queue_vector(queue);
    submit(1);
    bench_.run_for(microseconds(20));
    EXPECT_GT(bench_.messages_of(vector), 50u);
    bench_.write_msix(vector * 16 + 12, 1);
    bench_.messages.clear();
    bench_.run_for(microseconds(20));
    EXPECT_TRUE(bench_.messages.empty());
    bench_.write_msix(vector * 16 + 12, 0);
    EXPECT_EQ(bench_.messages_of(vector), 1u);
    recover();
}

TEST_F(ChipFault, CoalescedForEverIsUntilTheNextCompletion) {
    bench_.inject({.kind = FaultKind::coalesce_for_ever});
    bench_.write(spec::at("INT_MOD").of(queue), 2u << 16 | 5);
    submit(1);
    submit(2);
    bench_.run();
    EXPECT_EQ(bench_.messages_of(spec::queue_vector(queue)), 0u);
    submit(3);
    bench_.run();
    EXPECT_EQ(bench_.messages_of(spec::queue_vector(queue)), 1u);
    EXPECT_EQ(bench_.reap(queue).size(), 3u);
}

// ---- what a reset does not reach ----

TEST_F(ChipFault, ALateEntryComesToARingThatWasResetMeanwhile) {
    bench_.inject({.kind = FaultKind::late_completion, .value = 100'000});
    submit(5);
    bench_.run_for(microseconds(10));
    EXPECT_EQ(bench_.read(spec::at("INFLIGHT").of(queue)), 1u);
    auto abort = nop(0);
    abort.opcode = static_cast<std::uint8_t>(spec::Opcode::abort);
    abort.session = spec::AbortTarget{queue, 5}.encode();
    bench_.push(0, abort);
    bench_.ring(0);
    bench_.run_for(microseconds(10));
    EXPECT_EQ(bench_.take(0)->result, 0u) << "ABORT does not find it";
    bench_.write(spec::at("Q_RESET").of(queue), 1);
    EXPECT_FALSE(bench_.take(queue).has_value()) << "nor does the queue reset";
    bench_.enable_queue(queue, 16);
    bench_.run_for(microseconds(50));
    EXPECT_FALSE(bench_.take(queue).has_value());
    bench_.run();
    const auto stale = bench_.take(queue);
    ASSERT_TRUE(stale.has_value());
    EXPECT_EQ(stale->cid, 5);
    EXPECT_EQ(bench_.read(spec::at("CQ_TAIL").of(queue)), 1u);
}

TEST_F(ChipFault, ALateEntryFindsNobodyAtADisabledQueue) {
    bench_.inject({.kind = FaultKind::late_completion, .value = 100'000});
    submit(5);
    bench_.run_for(microseconds(10));
    bench_.write(spec::at("Q_RESET").of(queue), 1);
    bench_.memory.accesses.clear();
    bench_.run();
    EXPECT_TRUE(bench_.memory.accesses.empty());
}

class LateDma : public ChipFault, public ::testing::WithParamInterface<bool> {};

TEST_P(LateDma, LandsAfterTheResetAndKeepsTransactionsPendingUntilThen) {
    bench_.inject({.kind = FaultKind::late_dma, .value = 900'000});
    auto entry = bench_.make(Work::encrypt, 1);
    const std::uint64_t target = entry.dst;
    if (GetParam()) {  // in two pieces
        const std::uint64_t list = bench_.memory.allocate(2 * sizeof(spec::ListEntry));
        bench_.memory.put(list, spec::ListEntry{entry.dst, 16, 0});
        bench_.memory.put(list + sizeof(spec::ListEntry),
                          spec::ListEntry{entry.dst + 16, 48, spec::list_last});
        entry.flags = static_cast<std::uint8_t>(flag(spec::SubmissionFlag::dst_list));
        entry.dst = list;
    }
    bench_.push(queue, entry);
    bench_.ring(queue);
    bench_.run_for(microseconds(10));
    EXPECT_EQ(spec::field("CSTS", "DRAINED").get(bench_.read(spec::at("CSTS").of())), 1u);
    EXPECT_TRUE(transactions_pending());
    bench_.device_reset();
    bench_.run_for(microseconds(700));
    EXPECT_EQ(bench_.state(), spec::DeviceState::disabled);
    EXPECT_TRUE(transactions_pending());
    EXPECT_EQ(bench_.memory.at(target, 1)[0], std::byte{0});
    bench_.memory.accesses.clear();
    bench_.run();
    EXPECT_FALSE(transactions_pending());
    EXPECT_EQ(bench_.memory.accesses.size(), GetParam() ? 2u : 1u);
    EXPECT_NE(bench_.memory.at(target, 1)[0], std::byte{0});
    EXPECT_NE(bench_.memory.at(target + 16, 1)[0], std::byte{0});
}

INSTANTIATE_TEST_SUITE_P(Target, LateDma, ::testing::Bool(),
                         [](const auto& target) { return target.param ? "list" : "buffer"; });

// ---- the chip's state ----

TEST_F(ChipFault, AFrozenChipDoesNothingMoreUntilADeviceReset) {
    bench_.inject({.kind = FaultKind::freeze, .after = 3});
    for (std::uint16_t cid = 1; cid <= 8; ++cid) {
        bench_.push(queue, bench_.make(Work::encrypt, cid));
    }
    bench_.run_for(microseconds(5'500));
    const std::uint32_t beats = bench_.read(spec::at("HB_COUNT").of());
    EXPECT_GT(beats, 4u);
    bench_.ring(queue);
    bench_.run();
    EXPECT_TRUE(bench_.reap(queue).empty()) << "they were all fetched in one batch";
    bench_.run_for(microseconds(5'000));
    EXPECT_EQ(bench_.read(spec::at("HB_COUNT").of()), beats);
    EXPECT_EQ(bench_.state(), spec::DeviceState::ready) << "registers answer";
    EXPECT_TRUE(transactions_pending());
    bench_.push(2, nop(1));
    bench_.ring(2);
    bench_.run_for(microseconds(100));
    EXPECT_TRUE(bench_.reap(2).empty());
    bench_.write(spec::at("Q_RESET").of(queue), 1);
    bench_.run_for(microseconds(100));
    EXPECT_EQ(bench_.read(spec::at("Q_RESET").of(queue)), 1u) << "a queue reset is not enough";
    recover();
    bench_.run_for(microseconds(5'000));
    EXPECT_GT(bench_.read(spec::at("HB_COUNT").of()), 4u);
}

TEST_F(ChipFault, AFrozenSliceIsFreeAfterTheReset) {
    bench_.inject({.kind = FaultKind::freeze, .after = 8});
    for (std::uint16_t cid = 1; cid <= 9; ++cid) {
        bench_.push(queue, bench_.make(Work::encrypt, cid));
    }
    bench_.ring(queue);
    bench_.run();
    EXPECT_LT(bench_.reap(queue).size(), 8u) << "it froze while slices worked";
    recover();
    for (std::uint16_t cid = 1; cid <= 5; ++cid) {
        EXPECT_TRUE(status_of(bench_.execute(queue, bench_.make(Work::encrypt, cid))).ok());
    }
}

struct Fatal {
    FaultKind kind;
    spec::ErrorSource source;
    std::uint32_t uncorrectable;
};
class FatalFault : public ChipFault, public ::testing::WithParamInterface<Fatal> {};

TEST_P(FatalFault, LeadsToErrorAndAResetOutOfIt) {
    bench_.inject({.kind = GetParam().kind});
    const auto entry = bench_.make(Work::encrypt, 1);
    bench_.push(queue, entry);
    bench_.ring(queue);
    bench_.run();
    EXPECT_EQ(bench_.state(), spec::DeviceState::error);
    EXPECT_TRUE(bench_.reap(queue).empty());
    EXPECT_EQ(bench_.errors(), spec::bit_of(GetParam().source));
    EXPECT_EQ(bench_.read(spec::at("N_FATAL").of()), 1u);
    EXPECT_EQ(bench_.read(spec::at("ERR_INFO").of()), queue << 16 | 1);
    EXPECT_EQ(status(spec::pci::at("UNCOR_STATUS")), GetParam().uncorrectable);
    EXPECT_NE(status(spec::pci::at("DEVSTA")) & spec::pci::device_status::fatal_error, 0u);
    EXPECT_EQ(bench_.messages_of(spec::error_vector), 1u);
    recover();
    EXPECT_EQ(status(spec::pci::at("UNCOR_STATUS")), GetParam().uncorrectable) << "sticky";
}

TEST_P(FatalFault, IsSurvivedIfItsSeverityIsTakenBack) {
    bench_.write(spec::at("ERR_SEV").of(), 0);
    bench_.inject({.kind = GetParam().kind});
    const auto status = status_of(bench_.execute(queue, bench_.make(Work::encrypt, 1)));
    const bool fails = GetParam().kind == FaultKind::malformed_tlp;
    EXPECT_EQ(status,
              fails ? spec::Status::of(spec::StatusType::transport, spec::TransportError::dma_read)
                    : spec::Status{});
    EXPECT_EQ(bench_.state(), spec::DeviceState::ready);
    EXPECT_EQ(bench_.read(spec::at("N_NONFATAL").of()), 1u);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, FatalFault,
    ::testing::Values(Fatal{FaultKind::ecc_fatal, spec::ErrorSource::ecc_fatal,
                            spec::pci::uncorrectable::internal},
                      Fatal{FaultKind::malformed_tlp, spec::ErrorSource::link,
                            spec::pci::uncorrectable::malformed}),
    [](const auto& fatal) {
        return std::string(spec::find_fault(static_cast<std::uint32_t>(fatal.param.kind))->name);
    });

// ---- resets ----

TEST_F(ChipFault, ASlowResetTakesThatMuchLonger) {
    bench_.inject({.kind = FaultKind::slow_reset, .value = 150'000});
    bench_.device_reset();
    const core::DeviceConfig standard;
    bench_.run_for(standard.reset + standard.self_test + microseconds(150'000) - nanoseconds(1));
    EXPECT_EQ(bench_.state(), spec::DeviceState::reset);
    bench_.run_for(nanoseconds(1));
    EXPECT_EQ(bench_.state(), spec::DeviceState::disabled);
    recover();
}

TEST_F(ChipFault, SlicesThatBreakComputeWronglyAndTheNextSelfTestFindsThem) {
    FaultBench clean;
    const auto right = clean.observe(clean.make(Work::encrypt, 1)).output;
    bench_.inject({.kind = FaultKind::break_slices,
                   .value = static_cast<std::int32_t>(core::SliceKind::cipher)});
    auto wrong = bench_.observe(bench_.make(Work::encrypt, 1));
    EXPECT_TRUE(status_of(wrong.completions.at(0)).ok());
    wrong.output.at(0) ^= std::byte{1};
    EXPECT_EQ(wrong.output, right) << "but for the first bit";
    for (int reset = 0; reset < 2; ++reset) {
        bench_.device_reset();
        bench_.run();
        EXPECT_EQ(bench_.state(), spec::DeviceState::error);
        EXPECT_EQ(bench_.errors(), spec::bit_of(spec::ErrorSource::self_test));
    }
}

TEST_F(ChipFault, AFailedResetLeavesADeadChipThatObeysNothing) {
    bench_.inject({.kind = FaultKind::fail_reset});
    bench_.device_reset();
    bench_.run();
    EXPECT_EQ(bench_.state(), spec::DeviceState::dead);
    EXPECT_EQ(spec::field("CSTS", "FATAL").get(bench_.read(spec::at("CSTS").of())), 1u);
    bench_.memory.accesses.clear();
    bench_.write(spec::at("CC").of(), 1);
    bench_.device_reset();
    bench_.write(spec::at("Q_CTRL").of(queue), 1);
    bench_.run();
    EXPECT_EQ(bench_.state(), spec::DeviceState::dead);
    EXPECT_EQ(bench_.queue_state(queue), spec::QueueState::disabled);
    enable_function(bench_.device, bench_.now);
    bench_.function_level_reset();
    bench_.run();
    EXPECT_EQ(bench_.state(), spec::DeviceState::dead);
    EXPECT_TRUE(bench_.memory.accesses.empty());
}

TEST_F(ChipFault, AFailedResetStrikesAFunctionLevelOneToo) {
    bench_.inject({.kind = FaultKind::fail_reset});
    bench_.function_level_reset();
    bench_.run();
    EXPECT_EQ(bench_.state(), spec::DeviceState::dead);
}

TEST_F(ChipFault, AQueueResetThatHangsIsNeverDoneAndADeviceResetHelps) {
    bench_.inject({.kind = FaultKind::hang_queue_reset});
    submit(1);
    bench_.write(spec::at("Q_RESET").of(queue), 1);
    bench_.run();
    EXPECT_EQ(bench_.read(spec::at("Q_RESET").of(queue)), 1u);
    EXPECT_EQ(bench_.queue_state(queue), spec::QueueState::resetting);
    for (const std::uint32_t value : {0u, 1u, 0u}) {
        bench_.write(spec::at("Q_RESET").of(queue), value);
        EXPECT_EQ(bench_.read(spec::at("Q_RESET").of(queue)), 1u) << value;
    }
    bench_.write(spec::at("Q_CTRL").of(queue), 0);
    bench_.write(spec::at("Q_CTRL").of(queue), 1);
    EXPECT_EQ(bench_.queue_state(queue), spec::QueueState::resetting);
    EXPECT_EQ(bench_.read(spec::at("Q_RESET").of(queue)), 1u);
    EXPECT_TRUE(bench_.reap(queue).empty());
    EXPECT_TRUE(status_of(bench_.execute(2, nop(1))).ok()) << "others work on";
    recover();
}

TEST_F(ChipFault, AChipThatResetsItselfLosesTheDoorbellAndWhatIsUnderWay) {
    bench_.inject({.kind = FaultKind::self_reset, .after = 1});
    submit(1);
    submit(2);
    EXPECT_EQ(bench_.state(), spec::DeviceState::reset);
    bench_.run();
    EXPECT_EQ(bench_.state(), spec::DeviceState::disabled);
    EXPECT_EQ(bench_.queue_state(queue), spec::QueueState::disabled);
    EXPECT_FALSE(bench_.take(queue).has_value());
    EXPECT_TRUE(bench_.messages.empty());
    recover();
}

// ---- gone ----

TEST_F(ChipFault, ARemovedChipAnswersNowhereAndTouchesNothing) {
    bench_.inject({.kind = FaultKind::remove, .after = 2});
    for (std::uint16_t cid = 1; cid <= 4; ++cid) {
        bench_.push(queue, bench_.make(Work::encrypt, cid));
    }
    bench_.ring(queue);
    while (bench_.step()) {
    }
    EXPECT_FALSE(bench_.take(queue).has_value());
    EXPECT_FALSE(read(core::Bar::registers, spec::at("ID").of()).has_value());
    EXPECT_FALSE(read(core::Bar::msix, 0).has_value());
    EXPECT_FALSE(read(core::Bar::config, 0).has_value());
    std::uint32_t value = spec::reset_key;
    const auto bytes = std::as_writable_bytes(std::span(&value, 1));
    EXPECT_FALSE(
        bench_.device.write(core::Bar::registers, bench_.now, spec::at("RESET").of(), bytes));
    EXPECT_FALSE(bench_.device.write(core::Bar::config, bench_.now, 4, bytes));
    EXPECT_FALSE(bench_.device.peek(core::Bar::registers, bench_.now, 0, bytes));
    EXPECT_FALSE(bench_.device.next_event().has_value());
    bench_.memory.accesses.clear();
    bench_.now += microseconds(1'000);
    bench_.device.advance(bench_.now);
    EXPECT_TRUE(bench_.memory.accesses.empty());
    EXPECT_TRUE(bench_.messages.empty());
}

TEST_F(ChipFault, AReadWithoutAnAnswerIsOfThatReadAlone) {
    const auto slot = bench_.inject({.kind = FaultKind::all_ones, .after = 1});
    EXPECT_EQ(read(core::Bar::registers, spec::at("ID").of()), spec::device_id);
    EXPECT_FALSE(read(core::Bar::registers, spec::at("ID").of()).has_value());
    EXPECT_EQ(read(core::Bar::registers, spec::at("ID").of()), spec::device_id);
    EXPECT_EQ(bench_.peek(spec::at("FI_FIRED").of(slot)), 1u);
    EXPECT_EQ(bench_.errors(), 0u);
}

TEST_F(ChipFault, ALostLinkForgetsConfigurationAndVectors) {
    bench_.inject({.kind = FaultKind::lose_link});
    submit(1);
    bench_.run();
    EXPECT_FALSE(read(core::Bar::registers, spec::at("ID").of()).has_value());
    EXPECT_EQ(read(core::Bar::config, 0), 0x00015253u);
    enable_function(bench_.device, bench_.now);
    EXPECT_EQ(read(core::Bar::registers, spec::at("ID").of()), spec::device_id);
    EXPECT_EQ(bench_.read_msix(12), 1u) << "masked, as after power-on";
    EXPECT_EQ(bench_.state(), spec::DeviceState::disabled);
    recover();
}

// ---- what an operation that never completes answers to ----

TEST_F(ChipFault, WhatNeverCompletesIsFoundByAbortAndByQueueReset) {
    bench_.inject({.kind = FaultKind::never_complete, .queue = queue, .count = 2});
    submit(1);
    submit(2);
    bench_.run();
    EXPECT_TRUE(bench_.reap(queue).empty());
    auto abort = nop(0);
    abort.opcode = static_cast<std::uint8_t>(spec::Opcode::abort);
    abort.session = spec::AbortTarget{queue, 2}.encode();
    EXPECT_EQ(bench_.execute(0, abort).result, 1u);
    bench_.write(spec::at("Q_RESET").of(queue), 1);
    const auto aborted =
        bench_.memory.get<spec::CompletionEntry>(bench_.rings.at(queue).cq_entry(1));
    EXPECT_EQ(aborted.cid, 1);
    EXPECT_EQ(status_of(aborted),
              spec::Status::of(spec::StatusType::aborted, spec::AbortReason::queue_reset));
    EXPECT_FALSE(transactions_pending());
}

}  // namespace
}  // namespace ringside::testing
