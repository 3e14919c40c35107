// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Each fault that strikes one operation, row by row of the datasheet's table "Faults": twelve
// operations with a rule and twelve without must differ in what the row says, at the two
// operations that the rule chooses, and in nothing else.

#include <gtest/gtest.h>

#include <functional>
#include <optional>

#include "fault_workload.hpp"

namespace ringside::testing {
namespace {

using spec::FaultKind;

/// What the struck operation looks like: the observation without the fault, changed.
using Change = std::function<void(Observation&, const spec::SubmissionEntry&)>;

struct Row {
    FaultKind kind;
    Work work;
    core::FaultRule rule;  ///< offset and value, where they are not the usual ones
    Change change;
    std::optional<Work> looks_like = {};  ///< instead of a change: as this, without a fault
};

std::ostream& operator<<(std::ostream& out, const Row& row) {
    return out << spec::find_fault(static_cast<std::uint32_t>(row.kind))->name;
}

void lose_completion(Observation& seen) {
    seen.completions.clear();
    seen.messages.clear();
    seen.duration = {};
}
void lose_output(Observation& seen) {
    std::fill(seen.output.begin(), seen.output.end(), std::byte{0});
}
/// The read of the source fails, and the stages behind it are left out.
void fail_read(Observation& seen, const spec::SubmissionEntry& entry, spec::ErrorSource source,
               spec::TransportError error, bool has_address = true) {
    const std::uint64_t address = has_address ? entry.src : 0;
    seen.fail(spec::StatusType::transport, static_cast<std::uint16_t>(error), address);
    seen.add_error(source, address, entry.cid);
    seen.duration -= seen.behind_source;
    seen.completions.at(0).latency_ns = static_cast<std::uint32_t>(to_ns(Time{seen.duration}));
}

namespace aer = spec::pci::uncorrectable;
namespace devsta = spec::pci::device_status;

const Row rows[] = {
    {FaultKind::never_complete,
     Work::encrypt,
     {},
     [](Observation& seen, const auto&) {
         lose_completion(seen);
         lose_output(seen);
         seen.device_status |= devsta::transactions_pending;
     }},
    {FaultKind::drop_completion,
     Work::encrypt,
     {},
     [](Observation& seen, const auto&) { lose_completion(seen); }},
    {FaultKind::late_completion,
     Work::encrypt,
     {.value = 7'000},
     [](Observation& seen, const auto&) { seen.duration += std::chrono::nanoseconds(7'000); }},
    {FaultKind::duplicate_completion,
     Work::encrypt,
     {.value = 5'000},
     [](Observation& seen, const auto&) {
         seen.completions.push_back(seen.completions.at(0));
         seen.duration += std::chrono::nanoseconds(5'000);
     }},
    {FaultKind::wrong_cid,
     Work::encrypt,
     {.value = 0x0100},
     [](Observation& seen, const auto&) { seen.completions.at(0).cid ^= 0x0100; }},
    {FaultKind::stale_tag,
     Work::encrypt,
     {},
     [](Observation& seen, const auto&) {
         --seen.completions.at(0).cid;
         --seen.completions.at(0).user_tag;
     }},
    {FaultKind::delay_completion,
     Work::encrypt,
     {.value = 3'000},
     [](Observation& seen, const auto&) { seen.take_longer(std::chrono::nanoseconds(3'000)); }},
    {FaultKind::flip_output,
     Work::encrypt,
     {.offset = FaultBench::length + 17, .value = 0x24},
     [](Observation& seen, const auto&) { seen.output.at(17) ^= std::byte{0x24}; }},
    {FaultKind::wrong_length,
     Work::encrypt,
     {.value = -3},
     [](Observation& seen, const auto&) { seen.completions.at(0).result -= 3; }},
    {FaultKind::wrong_length,
     Work::encrypt,
     {.value = 1'000'000},
     [](Observation& seen, const auto&) { seen.completions.at(0).result += 1'000'000; }},
    {FaultKind::wrong_head,
     Work::encrypt,
     {},
     [](Observation& seen, const auto&) { --seen.completions.at(0).sq_head; }},
    {FaultKind::wrong_head,
     Work::encrypt,
     {.value = 40'000},
     [](Observation& seen, const auto&) { seen.completions.at(0).sq_head += 40'000; }},
    {FaultKind::accept_bad_tag, Work::decrypt_bad_tag, {}, {}, Work::decrypt_good_tag},
    {FaultKind::refuse_good_tag, Work::decrypt_good_tag, {}, {}, Work::decrypt_bad_tag},
    {FaultKind::slow_slice,
     Work::encrypt,
     {.value = 5},
     [](Observation& seen, const auto&) { seen.take_longer(4 * seen.service); }},
    {FaultKind::dma_timeout,
     Work::encrypt,
     {.value = 9'000},
     [](Observation& seen, const spec::SubmissionEntry& entry) {
         fail_read(seen, entry, spec::ErrorSource::dma_read, spec::TransportError::dma_read);
         seen.take_longer(std::chrono::nanoseconds(9'000));
         seen.uncorrectable = aer::completion_timeout;
         seen.device_status = devsta::non_fatal_error;
     }},
    {FaultKind::poison,
     Work::encrypt,
     {},
     [](Observation& seen, const spec::SubmissionEntry& entry) {
         fail_read(seen, entry, spec::ErrorSource::dma_read, spec::TransportError::dma_read);
         seen.uncorrectable = aer::poisoned;
         seen.device_status = devsta::non_fatal_error;
         seen.status |= spec::pci::status::detected_parity_error;
     }},
    {FaultKind::ecc_error,
     Work::encrypt,
     {},
     [](Observation& seen, const spec::SubmissionEntry& entry) {
         fail_read(seen, entry, spec::ErrorSource::ecc_uncorrectable, spec::TransportError::ecc,
                   false);
         seen.uncorrectable = aer::internal;
         seen.device_status = devsta::fatal_error;
     }},
    {FaultKind::unsupported_request,
     Work::encrypt,
     {},
     [](Observation& seen, const spec::SubmissionEntry& entry) {
         fail_read(seen, entry, spec::ErrorSource::dma_read, spec::TransportError::dma_read);
         seen.status |= spec::pci::status::received_master_abort;
     }},
    {FaultKind::completer_abort,
     Work::encrypt,
     {},
     [](Observation& seen, const spec::SubmissionEntry& entry) {
         fail_read(seen, entry, spec::ErrorSource::dma_read, spec::TransportError::dma_read);
         seen.status |= spec::pci::status::received_target_abort;
     }},
    {FaultKind::iommu_read,
     Work::encrypt,
     {},
     [](Observation& seen, const spec::SubmissionEntry& entry) {
         fail_read(seen, entry, spec::ErrorSource::iommu, spec::TransportError::iommu);
         seen.status |= spec::pci::status::received_master_abort;
     }},
    {FaultKind::iommu_write,
     Work::encrypt,
     {},
     [](Observation& seen, const spec::SubmissionEntry& entry) {
         seen.fail(spec::StatusType::transport,
                   static_cast<std::uint16_t>(spec::TransportError::iommu), entry.dst);
         seen.add_error(spec::ErrorSource::iommu, entry.dst, entry.cid);
     }},
    {FaultKind::late_dma,
     Work::encrypt,
     {.value = 50'000},
     [](Observation& seen, const auto&) { lose_completion(seen); }},
    {FaultKind::torn_completion, Work::encrypt, {.value = 4'000}, [](Observation&, const auto&) {}},
    {FaultKind::correctable,
     Work::encrypt,
     {.value = 300},
     [](Observation& seen, const spec::SubmissionEntry& entry) {
         seen.add_error(spec::ErrorSource::correctable, 0, entry.cid);
         seen.messages[spec::error_vector] = 300;
         seen.correctable = spec::pci::correctable::receiver_error;
         seen.device_status = devsta::correctable_error;
     }},
    {FaultKind::drop_interrupt,
     Work::encrypt,
     {},
     [](Observation& seen, const auto&) { seen.messages.clear(); }},
    {FaultKind::spurious_interrupt,
     Work::encrypt,
     {},
     [](Observation& seen, const auto&) { ++seen.messages[spec::queue_vector(1)]; }},
    {FaultKind::early_interrupt,
     Work::encrypt,
     {.value = 2'000},
     [](Observation& seen, const auto&) { seen.take_longer(std::chrono::nanoseconds(2'000)); }},
    {FaultKind::interrupt_storm,
     Work::encrypt,
     {.value = 500},
     [](Observation& seen, const auto&) { seen.messages[spec::queue_vector(1)] += 500; }},
    {FaultKind::mask_vector,
     Work::encrypt,
     {},
     [](Observation& seen, const auto&) { seen.messages.clear(); }},
    {FaultKind::misroute_interrupt,
     Work::encrypt,
     {.value = 9},
     [](Observation& seen, const auto&) {
         seen.messages = {{9u, 1u}};
     }},
    {FaultKind::coalesce_for_ever,
     Work::encrypt,
     {},
     [](Observation& seen, const auto&) { seen.messages.clear(); }},
};

class FaultOfAnOperation : public ::testing::TestWithParam<Row> {
  protected:
    static constexpr std::uint16_t operations = 12;

    struct Run {
        std::vector<spec::SubmissionEntry> entries;
        std::vector<Observation> seen;
    };
    static Run run(FaultBench& bench, Work work = GetParam().work) {
        Run run;
        for (std::uint16_t cid = 0; cid < operations; ++cid) {
            run.entries.push_back(bench.make(work, cid));
            run.seen.push_back(bench.observe(run.entries.back()));
        }
        return run;
    }
    /// The fourth event of queue pair 1, and the fourth behind it.
    static core::FaultRule rule() {
        core::FaultRule rule = GetParam().rule;
        rule.kind = GetParam().kind;
        rule.queue = FaultBench::queue;
        rule.after = 3;
        rule.every = 4;
        rule.count = 2;
        return rule;
    }
    /// stale_tag has no event at the first operation: there is no entry before it.
    static bool is_struck(std::uint16_t cid) {
        const int first_event = GetParam().kind == FaultKind::stale_tag ? 1 : 0;
        return cid == first_event + 3 || cid == first_event + 7;
    }
    /// Whether the driver has a credit less from this operation on.
    static bool keeps_its_credit() {
        switch (GetParam().kind) {
            case FaultKind::never_complete:
            case FaultKind::drop_completion:
            case FaultKind::late_dma:
                return true;
            default:
                return false;
        }
    }
};

TEST_P(FaultOfAnOperation, ShowsWhatItsRowSaysWhereTheRuleStrikesAndNothingElsewhere) {
    FaultBench clean_bench;
    FaultBench bench;
    const std::uint32_t slot = bench.inject(rule());
    const Run clean = run(clean_bench);
    const Run faulty = run(bench);
    FaultBench model_bench;
    const Run model = run(model_bench, GetParam().looks_like.value_or(GetParam().work));
    std::uint32_t credits_gone = 0;
    bool pending = false;
    for (std::uint16_t cid = 0; cid < operations; ++cid) {
        SCOPED_TRACE("operation " + std::to_string(cid));
        ASSERT_EQ(clean.entries[cid].src, faulty.entries[cid].src);
        Observation expected = clean.seen[cid];
        if (is_struck(cid)) {
            expected = model.seen[cid];
            if (GetParam().change) {
                GetParam().change(expected, clean.entries[cid]);
            }
            credits_gone += keeps_its_credit() ? 1 : 0;
            pending |= GetParam().kind == FaultKind::never_complete;
        }
        expected.in_flight += credits_gone;
        expected.device_status |= pending ? devsta::transactions_pending : 0u;
        EXPECT_EQ(faulty.seen[cid], expected);
    }
    EXPECT_EQ(bench.fired(slot), 2u);
    EXPECT_EQ(bench.matched(slot), 8u) << "a rule that has ended looks at nothing more";
    EXPECT_FALSE(bench.is_active(slot));
    ASSERT_EQ(bench.struck.size(), 2u);
    EXPECT_EQ(bench.struck[0].id, static_cast<std::uint64_t>(GetParam().kind));
    EXPECT_EQ(clean_bench.struck.size(), 0u);
}

std::string name_of(const ::testing::TestParamInfo<Row>& info) {
    const auto kind = static_cast<std::uint32_t>(info.param.kind);
    return std::to_string(info.index) + "_" + std::string(spec::find_fault(kind)->name);
}
INSTANTIATE_TEST_SUITE_P(Rows, FaultOfAnOperation, ::testing::ValuesIn(rows), name_of);

}  // namespace
}  // namespace ringside::testing
