// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The fault matrix on the real chip, which injects every fault by itself: many operations run into
// it, in many interleavings, under the oracle; afterwards the device computes the right bytes with
// the session it had before, or is dead and says so.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "fault_oracle.hpp"
#include "ringside/sim/fault_plan.hpp"
#include "ringside/testing/accelerator.hpp"

namespace ringside::testing {
namespace {

using driver::DeviceHealth;
using driver::Errc;
using spec::FaultKind;
using std::chrono::milliseconds;

constexpr std::size_t length = 64;
constexpr std::size_t operations = 24;

/// What one fault does to one run.
struct Row {
    const char* name;
    core::FaultRule rule;
    /// How many of the operations may end otherwise than well, and how.
    std::size_t may_fail = 0;
    Errc as = Errc::aborted;
    /// What must have happened, by the driver's own account; empty: nothing to be seen.
    bool (*seen)(const driver::RecoveryCounters&, const driver::QueueCounters&) = nullptr;
    bool dies = false;
    bool reset_asked = false;  ///< a reset is requested, for faults of resets
    std::uint16_t moderation_count = 0;
};

std::ostream& operator<<(std::ostream& out, const Row& row) {
    return out << row.name;
}

using Recovered = const driver::RecoveryCounters&;
using Queue = const driver::QueueCounters&;

constexpr auto all = operations;
const Row rows[] = {
    {"Row01NeverCompletes",
     {.kind = FaultKind::never_complete, .queue = 1, .after = 5},
     1,
     Errc::aborted,
     [](Recovered r, Queue) { return r.aborts == 1 && r.aborts_in_vain == 0; }},
    {"Row02CompletionLost",
     {.kind = FaultKind::drop_completion, .queue = 1, .after = 5},
     all,
     Errc::aborted,
     [](Recovered r, Queue) { return r.aborts_in_vain == 1 && r.queue_resets == 1; }},
    {"Row02CompletionOfAFormerLife",
     {.kind = FaultKind::late_completion, .queue = 1, .after = 5, .value = 30'000'000},
     all,
     Errc::aborted,
     [](Recovered r, Queue) { return r.queue_resets == 1; }},
    {"Row03DuplicateCompletion",
     {.kind = FaultKind::duplicate_completion, .queue = 1, .after = 5},
     0,
     Errc::aborted,
     [](Recovered r, Queue q) { return q.stale_completions == 1 && r.queue_resets == 0; }},
    {"Row04WrongCid",
     {.kind = FaultKind::wrong_cid, .queue = 1, .after = 5},
     all,
     Errc::aborted,
     [](Recovered r, Queue q) { return q.stale_completions >= 1 && r.queue_resets == 1; }},
    {"Row04StaleTag",
     {.kind = FaultKind::stale_tag, .queue = 1, .after = 5},
     all,
     Errc::aborted,
     [](Recovered r, Queue q) { return q.stale_completions >= 1 && r.queue_resets == 1; }},
    {"Row05OutOfOrder", {.kind = FaultKind::delay_completion, .queue = 1, .every = 3, .count = 4}},
    {"Row08WrongLength",
     {.kind = FaultKind::wrong_length, .queue = 1, .after = 5},
     1,
     Errc::ring_broken},
    {"Row10HeartbeatStalls",
     {.kind = FaultKind::freeze, .queue = 1, .after = 5},
     all,
     Errc::aborted,
     [](Recovered r, Queue) { return r.heartbeat_stalls == 1 && r.device_resets == 1; }},
    {"Row11ResetTooLong",
     {.kind = FaultKind::slow_reset},
     all,
     Errc::aborted,
     [](Recovered r, Queue) { return r.failed_resets >= 1; },
     false,
     true},
    {"Row11ResetFails", {.kind = FaultKind::fail_reset}, all, Errc::dead, nullptr, true, true},
    {"Row12ResetDuringSubmit",
     {.kind = FaultKind::self_reset, .queue = 1, .after = 5},
     all,
     Errc::aborted,
     [](Recovered r, Queue) { return r.device_resets == 1 && r.sessions_restored == 1; }},
    {"Row13DoorbellDropped",
     {.kind = FaultKind::drop_doorbell, .queue = 1, .after = 23},
     0,
     Errc::aborted,
     [](Recovered r, Queue) { return r.late_checks >= 1 && r.overdue == 0; }},
    {"Row13HeadDoorbellDropped", {.kind = FaultKind::drop_head_doorbell, .queue = 1, .after = 5}},
    {"Row14HeadBackwards",
     {.kind = FaultKind::wrong_head, .queue = 1, .after = 12, .value = 100},
     all,
     Errc::aborted,
     [](Recovered r, Queue q) { return q.bad_heads == 1 && r.queue_resets == 1; }},
    {"Row15OneReadUnanswered", {.kind = FaultKind::all_ones}},
    {"Row15SurpriseRemoval",
     {.kind = FaultKind::remove, .queue = 1, .after = 5},
     all,
     Errc::dead,
     [](Recovered r, Queue) { return r.removals == 1; },
     true},
    {"Row16SlowSlice", {.kind = FaultKind::slow_slice, .queue = 1, .count = 0}},
    {"Row17DmaCompletionTimeout",
     {.kind = FaultKind::dma_timeout, .queue = 1, .after = 5},
     1,
     Errc::dma_fault},
    {"Row18PoisonedData", {.kind = FaultKind::poison, .queue = 1, .after = 5}, 1, Errc::dma_fault},
    {"Row18DataBrokenWithin",
     {.kind = FaultKind::ecc_error, .queue = 1, .after = 5},
     1,
     Errc::dma_fault},
    {"Row19UnsupportedRequest",
     {.kind = FaultKind::unsupported_request, .queue = 1, .after = 5},
     1,
     Errc::dma_fault},
    {"Row19CompleterAbort",
     {.kind = FaultKind::completer_abort, .queue = 1, .after = 5},
     1,
     Errc::dma_fault},
    {"Row20Malformed",
     {.kind = FaultKind::malformed_tlp, .queue = 1, .after = 5},
     all,
     Errc::aborted,
     [](Recovered r, Queue) { return r.fatal_errors == 1 && r.device_resets == 1; }},
    {"Row20FatalBitError",
     {.kind = FaultKind::ecc_fatal, .queue = 1, .after = 5},
     all,
     Errc::aborted,
     [](Recovered r, Queue) { return r.fatal_errors == 1 && r.device_resets == 1; }},
    {"Row20LinkDownAndUp",
     {.kind = FaultKind::lose_link, .queue = 1, .after = 5},
     all,
     Errc::dead,  // without Memory Space the function does not answer: the platform's to restore
     [](Recovered r, Queue) { return r.removals == 1; },
     true},
    {"Row21IommuFaultOfASource",
     {.kind = FaultKind::iommu_read, .queue = 1, .after = 5},
     1,
     Errc::dma_fault},
    {"Row21IommuFaultOfADestination",
     {.kind = FaultKind::iommu_write, .queue = 1, .after = 5},
     1,
     Errc::dma_fault},
    {"Row21IommuFaultOfADescriptor",
     {.kind = FaultKind::descriptor_fault, .queue = 1, .after = 2},
     all,
     Errc::aborted,
     [](Recovered r, Queue) { return r.queue_resets == 1; }},
    {"Row21IommuFaultOfACompletion",
     {.kind = FaultKind::completion_fault, .queue = 1, .after = 5},
     all,
     Errc::aborted,
     [](Recovered r, Queue) { return r.queue_resets == 1; }},
    {"Row22LateDma",
     {.kind = FaultKind::late_dma, .queue = 1, .after = 5},
     all,
     Errc::aborted,
     [](Recovered r, Queue) { return r.queue_resets == 1; }},
    {"Row23TornCompletion",
     {.kind = FaultKind::torn_completion, .queue = 1, .after = 5, .every = 4, .count = 4}},
    {"Row24StormOfCorrectableErrors",
     {.kind = FaultKind::correctable, .queue = 1, .count = 4, .value = 1000},
     0,
     Errc::aborted,
     [](Recovered r, Queue) { return r.error_interrupts >= 1 && r.error_interrupts < 300; }},
    {"Row26InterruptLost",
     {.kind = FaultKind::drop_interrupt, .queue = 1, .after = 1},
     0,
     Errc::aborted,
     [](Recovered r, Queue q) { return q.completions_polled >= 1 && r.overdue == 0; }},
    {"Row27SpuriousInterrupt",
     {.kind = FaultKind::spurious_interrupt, .queue = 1, .count = 8},
     0,
     Errc::aborted,
     [](Recovered r, Queue) { return r.queue_resets == 0; }},
    {"Row28InterruptBeforeTheData",
     {.kind = FaultKind::early_interrupt, .queue = 1, .every = 3, .count = 4}},
    {"Row29InterruptStorm",
     {.kind = FaultKind::interrupt_storm, .queue = 1, .count = 2, .value = 3000},
     0,
     Errc::aborted,
     [](Recovered, Queue q) { return q.interrupts < 600; }},
    {"Row30VectorMasked",
     {.kind = FaultKind::mask_vector, .queue = 1, .after = 1},
     0,
     Errc::aborted,
     [](Recovered r, Queue q) { return q.completions_polled >= 1 && r.overdue == 0; }},
    {"Row30Misrouted",
     {.kind = FaultKind::misroute_interrupt, .queue = 1, .after = 1},
     0,
     Errc::aborted,
     [](Recovered r, Queue q) { return q.completions_polled >= 1 && r.overdue == 0; }},
    {"Row31CoalescedForEver",
     {.kind = FaultKind::coalesce_for_ever, .queue = 1, .count = 0},
     0,
     Errc::aborted,
     [](Recovered r, Queue q) { return q.completions_polled >= 1 && r.overdue == 0; }},
    {"Row31ModerationWithoutATimer",
     {},
     0,
     Errc::aborted,
     [](Recovered r, Queue q) { return q.completions_polled >= 1 && r.overdue == 0; },
     false,
     false,
     7},
};

driver::RecoveryPolicy policy() {
    return {.late_after = milliseconds(1),
            .operation_timeout = milliseconds(20),
            .abort_timeout = milliseconds(5),
            .heartbeat_timeout = milliseconds(10)};
}

class FaultyRun {
  public:
    FaultyRun(const Row& row, std::uint64_t seed)
        : row_(row),
          machine_(
              {.seed = seed},
              {.ring_entries = 8, .moderation_count = row.moderation_count, .recovery = policy()}),
          session_(machine_.create_session(spec::Algorithm::aes_cbc, key_)),
          oracle_(*machine_.device) {
        for (std::size_t i = 0; i < operations + 2; ++i) {
            targets_.push_back(machine_.device->dma().allocate(length).value());
        }
    }

    void go() {
        submit_one();
        machine_.platform->run_until_idle();
        expected_ = bytes_of(0);
        if (row_.rule.kind != FaultKind::none) {
            sim::inject(machine_.platform->link(), row_.rule, 0);
        }
        for (std::size_t i = 0; i < operations; ++i) {
            submit_one();
            if (row_.reset_asked && i == operations / 2) {
                machine_.device->request_reset();
            }
        }
        machine_.platform->run_until_idle();
        oracle_.expect_settled();
        check_outcomes();
        check_end();
    }
    std::uint64_t trace_hash() { return machine_.environment().trace().hash(); }

  private:
    void submit_one() {
        const driver::CipherBuffers buffers{source_.iova(), length, targets_[oracle_.size()].iova(),
                                            length};
        tracked_.push_back(
            &oracle_.submit(machine_.queue(),
                            driver::aes_cbc(driver::Direction::encrypt, session_, buffers, key_)));
    }
    std::vector<std::byte> bytes_of(std::size_t operation) const {
        const auto bytes = targets_[operation].bytes();
        return {bytes.begin(), bytes.end()};
    }
    void check_outcomes() {
        for (std::size_t i = 0; i < tracked_.size(); ++i) {
            const auto status = tracked_[i]->last.status;
            EXPECT_TRUE(!status || status == make_error_code(row_.as))
                << "operation " << i << ": " << status.message();
            EXPECT_TRUE(status || bytes_of(i) == expected_) << "operation " << i << " is wrong";
        }
        EXPECT_GE(oracle_.ended_with({}) + row_.may_fail, operations);
        if (row_.seen != nullptr) {
            EXPECT_TRUE(
                row_.seen(machine_.device->recovery_counters(), machine_.queue().counters()))
                << account();
        }
    }
    std::string account() {
        const auto r = machine_.device->recovery_counters();
        const auto q = machine_.queue().counters();
        std::ostringstream text;
        text << "late checks " << r.late_checks << ", overdue " << r.overdue << ", aborts "
             << r.aborts << ", in vain " << r.aborts_in_vain << ", queue resets " << r.queue_resets
             << ", device resets " << r.device_resets << ", failed " << r.failed_resets
             << ", stalls " << r.heartbeat_stalls << ", fatal " << r.fatal_errors << ", removals "
             << r.removals << ", error interrupts " << r.error_interrupts << ", stale "
             << q.stale_completions << ", bad heads " << q.bad_heads << ", polled "
             << q.completions_polled << ", interrupts " << q.interrupts << ", storms "
             << q.interrupt_storms;
        return text.str();
    }
    /// The liveness phase: the fault has stopped.
    void check_end() {
        submit_one();
        machine_.platform->run_until_idle();
        const auto& last = *tracked_.back();
        EXPECT_TRUE(last.ended);
        EXPECT_EQ(machine_.device->health(),
                  row_.dies ? DeviceHealth::dead : DeviceHealth::working);
        if (row_.dies) {
            EXPECT_EQ(last.last.status, Errc::dead);
        } else {
            EXPECT_FALSE(last.last.status) << last.last.status.message();
            EXPECT_EQ(bytes_of(tracked_.size() - 1), expected_);
        }
    }

    const Row& row_;
    const std::array<std::byte, 16> key_{std::byte{7}};
    Accelerator machine_;
    std::uint32_t session_;
    FaultOracle oracle_;
    driver::DmaBuffer source_ = machine_.device->dma().allocate(length).value();
    std::vector<driver::DmaBuffer> targets_;
    std::vector<FaultOracle::Tracked*> tracked_;
    std::vector<std::byte> expected_;
};

class FaultRowsOnTheChip : public ::testing::TestWithParam<Row> {};

TEST_P(FaultRowsOnTheChip, EndsAsTheMatrixSays) {
    for (std::uint64_t i = 0; i < 10 && !HasFailure(); ++i) {
        const std::uint64_t each = seed() + i;
        SCOPED_TRACE("platform seed " + std::to_string(each));
        FaultyRun(GetParam(), each).go();
    }
}

TEST_P(FaultRowsOnTheChip, IsTheSameRunForTheSameSeed) {
    const auto hash = [] {
        FaultyRun run(GetParam(), seed());
        run.go();
        return run.trace_hash();
    };
    EXPECT_EQ(hash(), hash());
}

INSTANTIATE_TEST_SUITE_P(Matrix, FaultRowsOnTheChip, ::testing::ValuesIn(rows),
                         [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace ringside::testing
