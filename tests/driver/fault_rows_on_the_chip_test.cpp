// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The fault matrix on the real chip, which injects every fault by itself: many operations run into
// it, in many interleavings, under the oracle; afterwards the device computes the right bytes with
// the session it had before, or is dead and says so.

#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "faulty_chip.hpp"

namespace ringside::testing {
namespace {

using driver::Errc;
using spec::FaultKind;

constexpr std::size_t operations = 24;

/// A reset in the middle of a run, apart from what the driver does by itself.
enum class Reset { none, of_the_device, of_the_function };

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
    Reset reset = Reset::none;
    std::uint16_t moderation_count = 0;
    std::size_t wrong = 0;  ///< operations that end well with other bytes than the right ones
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
    {"Row06BitFlipInTheOutput",
     {.kind = FaultKind::flip_output, .queue = 1, .after = 5},
     0,
     Errc::aborted,
     [](Recovered r, Queue) { return r.queue_resets == 0 && r.device_resets == 0; },
     false,
     Reset::none,
     0,
     1},
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
     Reset::of_the_device},
    {"Row11ResetFails",
     {.kind = FaultKind::fail_reset},
     all,
     Errc::dead,
     nullptr,
     true,
     Reset::of_the_device},
    {"Row12ResetDuringSubmit",
     {.kind = FaultKind::self_reset, .queue = 1, .after = 5},
     all,
     Errc::aborted,
     [](Recovered r, Queue) { return r.device_resets == 1 && r.sessions_restored == 1; }},
    {"Row13DoorbellDropped",
     {.kind = FaultKind::drop_doorbell, .queue = 1, .after = 12, .count = 6},
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
    {"Row25FunctionLevelReset",
     {},
     all,
     Errc::aborted,
     [](Recovered r, Queue) {
         return r.device_resets == 1 && r.sessions_restored == 1 && r.overdue == 0;
     },
     false,
     Reset::of_the_function},
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
     Reset::none,
     7},
};

void reset(FaultyChip& chip, Reset how) {
    if (how == Reset::of_the_device) {
        chip.machine.device->request_reset();
    } else if (how == Reset::of_the_function) {
        chip.machine.platform->reset_function();
    }
}

/// Many operations run into the fault of `row`; the trace's hash.
std::uint64_t run_into(const Row& row, std::uint64_t chip_seed) {
    FaultyChip chip(
        chip_seed,
        {.ring_entries = 8, .moderation_count = row.moderation_count, .recovery = impatient()},
        operations + 1);
    if (row.rule.kind != FaultKind::none) {
        chip.inject(row.rule, 0);
    }
    for (std::size_t i = 0; i < operations; ++i) {
        chip.submit();
        if (i == operations / 2) {
            reset(chip, row.reset);
        }
    }
    chip.machine.platform->run_until_idle();
    chip.oracle.expect_settled();
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < chip.tracked.size(); ++i) {
        const auto status = chip.tracked[i]->last.status;
        EXPECT_TRUE(!status || status == make_error_code(row.as))
            << "operation " << i << ": " << status.message();
        wrong += !status && !chip.is_right(i) ? 1 : 0;
    }
    EXPECT_EQ(wrong, row.wrong) << "operations that ended well with other bytes";
    EXPECT_GE(chip.oracle.ended_with({}) + row.may_fail, operations);
    if (row.seen != nullptr) {
        EXPECT_TRUE(
            row.seen(chip.machine.device->recovery_counters(), chip.machine.queue().counters()))
            << chip.account();
    }
    chip.expect_alive_or(row.dies);
    return chip.machine.environment().trace().hash();
}

class FaultRowsOnTheChip : public ::testing::TestWithParam<Row> {};

TEST_P(FaultRowsOnTheChip, EndsAsTheMatrixSays) {
    for (std::uint64_t i = 0; i < 10 && !HasFailure(); ++i) {
        const std::uint64_t each = seed() + i;
        SCOPED_TRACE("platform seed " + std::to_string(each));
        run_into(GetParam(), each);
    }
}

TEST_P(FaultRowsOnTheChip, IsTheSameRunForTheSameSeed) {
    EXPECT_EQ(run_into(GetParam(), seed()), run_into(GetParam(), seed()));
}

INSTANTIATE_TEST_SUITE_P(Matrix, FaultRowsOnTheChip, ::testing::ValuesIn(rows),
                         [](const auto& param_info) { return param_info.param.name; });

// ---- row 9: the verdict on a tag is the device's alone ----

/// Messages to be opened, every other one with a broken tag, on a chip that turns one verdict
/// round.
class TurnedVerdict : public ::testing::TestWithParam<FaultKind> {
  protected:
    static constexpr std::uint32_t length = 64;
    static constexpr std::uint32_t tag_length = 16;

    TurnedVerdict() : machine_({.seed = seed()}, {.ring_entries = 8, .recovery = impatient()}) {
        auto plaintext = allocate(length);
        std::ranges::copy(plaintext_, plaintext.bytes().begin());
        RecordedOperation seal(machine_.environment());
        EXPECT_TRUE(machine_.queue()
                        .submit(request(driver::Direction::encrypt, plaintext, good_), seal)
                        .has_value());
        EXPECT_FALSE(seal.wait().status);
        std::copy_n(good_.bytes().begin(), length + tag_length, bad_.bytes().begin());
        bad_.bytes()[length] ^= std::byte{1};
    }
    driver::DmaBuffer allocate(std::size_t size) {
        return machine_.device->dma().allocate(size).value();
    }
    spec::SubmissionEntry request(driver::Direction direction, const driver::DmaBuffer& from,
                                  const driver::DmaBuffer& to) {
        const bool seals = direction == driver::Direction::encrypt;
        const driver::CipherBuffers buffers{from.iova(), length + (seals ? 0 : tag_length),
                                            to.iova(), length + (seals ? tag_length : 0)};
        return driver::aead(direction, session_, buffers, iv_, 0, tag_length);
    }
    bool is_plaintext(const driver::DmaBuffer& target) const {
        return std::ranges::equal(target.bytes().first(length), plaintext_);
    }
    static bool is_untouched(const driver::DmaBuffer& target) {
        return std::ranges::all_of(target.bytes(),
                                   [](std::byte byte) { return byte == std::byte{0}; });
    }

    Accelerator machine_;
    const std::array<std::byte, 16> key_{std::byte{7}};
    const std::array<std::byte, 12> iv_{};
    const std::array<std::byte, length> plaintext_{std::byte{1}, std::byte{2}};
    const std::uint32_t session_ = machine_.create_session(spec::Algorithm::aes_gcm, key_);
    driver::DmaBuffer good_ = allocate(length + tag_length);
    driver::DmaBuffer bad_ = allocate(length + tag_length);
};

TEST_P(TurnedVerdict, Row09PassesAsTheDeviceSaysItAndConcernsOneOperation) {
    sim::inject(machine_.platform->link(), {.kind = GetParam(), .queue = 1, .after = 5}, 0);
    FaultOracle oracle(*machine_.device);
    std::vector<driver::DmaBuffer> targets;
    std::vector<FaultOracle::Tracked*> tracked;
    for (std::size_t i = 0; i < operations; ++i) {
        targets.push_back(allocate(length));
        const auto& sealed = i % 2 == 0 ? good_ : bad_;
        tracked.push_back(&oracle.submit(
            machine_.queue(), request(driver::Direction::decrypt, sealed, targets.back())));
    }
    machine_.platform->run_until_idle();
    oracle.expect_settled();
    std::array<std::size_t, 2> opened{};  // of the good ones, of the bad ones
    for (std::size_t i = 0; i < operations; ++i) {
        const auto& last = tracked[i]->last;
        if (!last.status) {
            ++opened.at(i % 2);
            EXPECT_EQ(last.result, length);
            EXPECT_TRUE(is_plaintext(targets[i])) << "operation " << i;
        } else {
            EXPECT_EQ(last.status, Errc::auth_failed);
            EXPECT_TRUE(is_untouched(targets[i])) << "operation " << i;
        }
    }
    const bool refuses = GetParam() == FaultKind::refuse_good_tag;
    EXPECT_EQ(opened[0], operations / 2 - (refuses ? 1 : 0));
    EXPECT_EQ(opened[1], refuses ? 0u : 1u);
    const auto recovery = machine_.device->recovery_counters();
    EXPECT_EQ(recovery.overdue + recovery.aborts + recovery.queue_resets + recovery.device_resets,
              0u);
}

INSTANTIATE_TEST_SUITE_P(Matrix, TurnedVerdict,
                         ::testing::Values(FaultKind::accept_bad_tag, FaultKind::refuse_good_tag),
                         [](const auto& kind) {
                             return std::string(
                                 spec::find_fault(static_cast<std::uint32_t>(kind.param))->name);
                         });

}  // namespace
}  // namespace ringside::testing
