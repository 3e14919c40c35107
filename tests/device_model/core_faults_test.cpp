// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// A DMA that fails, in every way it can and at every stage that makes one: what the descriptor's
// owner is told, what stays in the error registers, and who works on.

#include <gtest/gtest.h>

#include <ostream>

#include "chip_bench.hpp"

namespace ringside::testing {
namespace {

/// What a DMA is for. The first group fails its operation, the second its queue.
enum class Stage {
    session_key,
    source,
    source_list,
    source_piece,
    destination,
    log,
    descriptor,
    completion_body,
    completion_tail
};

struct Case {
    Stage stage;
    const char* name;
    bool is_write;
    bool stops_queue;
};
constexpr Case stages[] = {
    {Stage::session_key, "session_key", false, false},
    {Stage::source, "source", false, false},
    {Stage::source_list, "source_list", false, false},
    {Stage::source_piece, "source_piece", false, false},
    {Stage::destination, "destination", true, false},
    {Stage::log, "log", true, false},
    {Stage::descriptor, "descriptor", false, true},
    {Stage::completion_body, "completion_body", true, true},
    {Stage::completion_tail, "completion_tail", true, true},
};

std::ostream& operator<<(std::ostream& out, const Case& stage) {
    return out << stage.name;
}

/// A victim between two bystanders on one queue, and the one access of it that fails.
class DmaFault : public ::testing::TestWithParam<std::tuple<Case, core::DmaResult>> {
  protected:
    static constexpr std::uint16_t victim_cid = 7;

    DmaFault() {
        bench_.enable_queue(0, 16);
        bench_.enable_queue(1, 16);
        bench_.enable_queue(2, 16);
        session_ = bench_.execute(0, bench_.session_request()).result;
        queue_ = stage().stage == Stage::session_key || stage().stage == Stage::log ? 0 : 1;
    }

    const Case& stage() const { return std::get<0>(GetParam()); }
    core::DmaResult result() const { return std::get<1>(GetParam()); }
    bool is_iommu() const { return result() == core::DmaResult::iommu_fault; }

    spec::TransportError expected_code() const {
        const auto bus =
            stage().is_write ? spec::TransportError::dma_write : spec::TransportError::dma_read;
        return is_iommu() ? spec::TransportError::iommu : bus;
    }
    spec::ErrorSource expected_source() const {
        const auto bus =
            stage().is_write ? spec::ErrorSource::dma_write : spec::ErrorSource::dma_read;
        return is_iommu() ? spec::ErrorSource::iommu : bus;
    }

    spec::SubmissionEntry make_victim() {
        if (stage().stage == Stage::session_key) {
            return bench_.session_request(victim_cid);
        }
        if (stage().stage == Stage::log) {
            bench_.read(0xFFC);  // something to tell
            bench_.clear_errors();
            auto entry = nop(victim_cid);
            entry.opcode = static_cast<std::uint8_t>(spec::Opcode::get_log);
            entry.dst = bench_.memory.allocate(sizeof(spec::LogEntry));
            entry.dst_len = sizeof(spec::LogEntry);
            return entry;
        }
        auto entry = bench_.encryption(victim_cid, session_);
        if (stage().stage == Stage::source_list || stage().stage == Stage::source_piece) {
            entry.flags |= static_cast<std::uint8_t>(flag(spec::SubmissionFlag::src_list));
            second_piece_ = entry.src + 16;
            const std::uint64_t list = bench_.memory.allocate(2 * sizeof(spec::ListEntry));
            bench_.memory.put(list, spec::ListEntry{entry.src, 16, 0});
            bench_.memory.put(list + sizeof(spec::ListEntry),
                              spec::ListEntry{second_piece_, 48, spec::list_last});
            entry.src = list;
        }
        return entry;
    }

    /// Where the failing access of `victim` begins, as the second descriptor of its queue's lap.
    std::uint64_t failing_address(const spec::SubmissionEntry& victim,
                                  const Bench::Ring& ring) const {
        const std::uint32_t entry = (ring.tail + 1) & ring.sq_mask;
        switch (stage().stage) {
            case Stage::descriptor:
                return ring.sq_entry(entry);
            case Stage::completion_body:
                return ring.cq_entry(entry);
            case Stage::completion_tail:
                return ring.cq_entry(entry) + spec::completion_tail_offset;
            case Stage::destination:
            case Stage::log:
                return victim.dst;
            case Stage::source_piece:
                return second_piece_;
            case Stage::source_list:
                return victim.src + sizeof(spec::ListEntry);
            case Stage::session_key:
            case Stage::source:
                break;
        }
        return victim.src;
    }

    /// A bystander to its completion, then the victim and a bystander behind its fence.
    void run_with_fault() {
        const auto victim = make_victim();
        address_ = failing_address(victim, bench_.rings.at(queue_));
        bench_.memory.judge = [this](const BenchMemory::Access& access) {
            const bool hit = access.address == address_ && access.is_write == stage().is_write;
            hits_ += hit ? 1 : 0;
            return hit ? result() : core::DmaResult::ok;
        };
        bench_.push(queue_, nop(6));
        bench_.ring(queue_);
        bench_.run();
        bench_.push(queue_, victim);
        bench_.push(queue_, nop(8, flag(spec::SubmissionFlag::fence)));
        bench_.ring(queue_);
        bench_.run();
        bench_.memory.judge = nullptr;
    }

    void expect_error_registers(std::uint16_t cid, std::uint64_t address) {
        EXPECT_EQ(bench_.errors(), spec::bit_of(expected_source()));
        EXPECT_EQ(bench_.read(spec::at("ERR_CODE").of()),
                  static_cast<std::uint32_t>(expected_source()));
        EXPECT_EQ(bench_.read64(spec::at("ERR_ADDR").of()), address);
        EXPECT_EQ(bench_.read(spec::at("ERR_INFO").of()), queue_ << 16 | cid);
        EXPECT_EQ(bench_.messages_of(spec::error_vector), errors_announced_before_ + 1);
    }

    Bench bench_;
    std::uint32_t session_ = 0;
    std::uint32_t queue_ = 1;
    std::uint64_t second_piece_ = 0;
    std::uint64_t address_ = 0;
    int hits_ = 0;
    std::size_t errors_announced_before_ = 0;
};

class FaultOfOneOperation : public DmaFault {};
class FaultOfTheRing : public DmaFault {};

TEST_P(FaultOfOneOperation, FailsItAloneWithATypedStatus) {
    const auto count = [this](spec::Address address) { return bench_.read64(address.of(queue_)); };
    const std::uint64_t completed = count(spec::at("Q_COMPLETED"));
    if (stage().stage == Stage::log) {
        errors_announced_before_ = 1;  // the one that the log tells of
    }
    run_with_fault();
    EXPECT_EQ(hits_, 1) << "a failed DMA is not repeated";
    const auto completions = bench_.reap(queue_);
    ASSERT_EQ(cids(completions), (std::vector<std::uint16_t>{6, victim_cid, 8}));
    EXPECT_TRUE(status_of(completions[0]).ok());
    EXPECT_EQ(status_of(completions[1]),
              spec::Status::of(spec::StatusType::transport, expected_code()));
    EXPECT_EQ(completions[1].result, 0u);
    EXPECT_EQ(completions[1].detail, static_cast<std::uint32_t>(address_));
    EXPECT_TRUE(status_of(completions[2]).ok());
    EXPECT_EQ(completions[2].detail, 0u) << "the next descriptor inherits nothing";
    expect_error_registers(victim_cid, address_);
    EXPECT_EQ(count(spec::at("Q_COMPLETED")), completed + 3);
    EXPECT_EQ(count(spec::at("Q_ERRORS")), 1u);
    EXPECT_EQ(bench_.queue_state(queue_), spec::QueueState::enabled);
    EXPECT_EQ(bench_.read(spec::at("INFLIGHT").of(queue_)), 0u);
    bench_.clear_errors();
    auto again = make_victim();
    EXPECT_TRUE(status_of(bench_.execute(queue_, again)).ok()) << "and nothing is left behind";
}

TEST_P(FaultOfTheRing, StopsTheQueueAloneUntilItsReset) {
    run_with_fault();
    EXPECT_EQ(hits_, 1) << "a failed DMA is not repeated";
    const auto ring = bench_.rings.at(queue_);
    EXPECT_EQ(cids(bench_.reap(queue_)), (std::vector<std::uint16_t>{6}));
    const bool unknown = stage().stage == Stage::descriptor;
    const std::uint64_t entry = stage().stage == Stage::completion_tail
                                    ? address_ - spec::completion_tail_offset
                                    : address_;
    expect_error_registers(unknown ? 0xFFFF : victim_cid, entry);
    EXPECT_EQ(bench_.queue_state(queue_), spec::QueueState::error);
    EXPECT_EQ(bench_.state(), spec::DeviceState::ready);
    EXPECT_TRUE(status_of(bench_.execute(2, bench_.encryption(9, session_))).ok());

    bench_.memory.accesses.clear();
    bench_.clear_errors();
    bench_.write(spec::at("SQ_DB").of(queue_), ring.tail);
    EXPECT_EQ(bench_.errors(), spec::bit_of(spec::ErrorSource::bad_doorbell));
    bench_.write(spec::at("Q_RESET").of(queue_), 1);
    bench_.run();
    EXPECT_TRUE(bench_.memory.accesses.empty()) << "a failed ring is not touched, nor aborted";
    EXPECT_EQ(bench_.queue_state(queue_), spec::QueueState::disabled);
    EXPECT_EQ(bench_.errors(), spec::bit_of(spec::ErrorSource::bad_doorbell)) << "still sticky";
    bench_.enable_queue(queue_, 8);
    EXPECT_TRUE(status_of(bench_.execute(queue_, bench_.encryption(9, session_))).ok());
}

TEST_P(FaultOfTheRing, ShowsNoEntryWhoseTailWasNotWritten) {
    run_with_fault();
    const auto ring = bench_.rings.at(queue_);
    const auto entry =
        bench_.memory.get<spec::CompletionEntry>(ring.cq_entry((ring.head + 1) & ring.cq_mask));
    EXPECT_EQ(entry.status, 0u);
    EXPECT_EQ(bench_.read64(spec::at("Q_COMPLETED").of(queue_)), 1u);
    EXPECT_EQ(bench_.read(spec::at("CQ_TAIL").of(queue_)), 1u);
}

std::vector<Case> stages_that(bool stop_the_queue) {
    std::vector<Case> some;
    std::copy_if(std::begin(stages), std::end(stages), std::back_inserter(some),
                 [=](const Case& stage) { return stage.stops_queue == stop_the_queue; });
    return some;
}
const auto failures = ::testing::Values(core::DmaResult::iommu_fault, core::DmaResult::bus_error);
std::string name_of(const ::testing::TestParamInfo<DmaFault::ParamType>& info) {
    return std::string(std::get<0>(info.param).name) +
           (std::get<1>(info.param) == core::DmaResult::iommu_fault ? "_iommu" : "_bus");
}
INSTANTIATE_TEST_SUITE_P(Stages, FaultOfOneOperation,
                         ::testing::Combine(::testing::ValuesIn(stages_that(false)), failures),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Stages, FaultOfTheRing,
                         ::testing::Combine(::testing::ValuesIn(stages_that(true)), failures),
                         name_of);

TEST(DmaFaults, DuringAQueueResetLeaveTheQueueDisabledAndTheChipAlive) {
    // The descriptors that a reset fetches to abort them, and the entries in which it says so.
    for (const bool is_write : {false, true}) {
        for (const auto result : {core::DmaResult::iommu_fault, core::DmaResult::bus_error}) {
            Bench bench;
            bench.enable_queue(1, 8);
            bench.enable_queue(2, 8);
            for (std::uint16_t i = 0; i < 5; ++i) {
                bench.push(1, nop(i));
            }
            bench.ring(1);
            int accesses = 0;
            bench.memory.judge = [&](const BenchMemory::Access& access) {
                return access.is_write == is_write && ++accesses >= 3 ? result
                                                                      : core::DmaResult::ok;
            };
            bench.write(spec::at("Q_RESET").of(1), 1);
            bench.memory.judge = nullptr;
            EXPECT_GE(accesses, 3);
            EXPECT_EQ(bench.queue_state(1), spec::QueueState::disabled);
            bench.memory.accesses.clear();
            bench.run();
            EXPECT_TRUE(bench.memory.accesses.empty());
            EXPECT_NE(bench.errors(), 0u) << "whoever waits for the rest can know";
            EXPECT_TRUE(status_of(bench.execute(2, nop(1))).ok());
        }
    }
}

}  // namespace
}  // namespace ringside::testing
