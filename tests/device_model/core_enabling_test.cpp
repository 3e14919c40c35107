// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Enabling a queue pair: each base, size and vector that the datasheet refuses leaves the queue
// pair in its error state and the others alone; what is just within the limits works.

#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "chip_bench.hpp"

namespace ringside::testing {
namespace {

constexpr std::uint32_t queue = 1;
constexpr std::uint32_t neighbour = 2;
constexpr std::uint32_t log2_max_entries = 6;
constexpr std::uint32_t interrupts_enabled = 1u << 31;

/// What is written before Q_CTRL.EN: 8 and 16 entries at their proper places, unless a test says
/// otherwise.
struct RingSetup {
    std::uint32_t sq_entries = 8;
    std::uint32_t cq_entries = 16;
    std::uint64_t sq_offset = 0;  ///< from an address that suits every ring that is allowed
    std::uint64_t cq_offset = 0;
    std::uint32_t vector = interrupts_enabled | spec::queue_vector(queue);
    bool is_at_zero = false;  ///< both rings: an address that suits any size
};

std::ostream& operator<<(std::ostream& out, const RingSetup& setup) {
    return out << setup.sq_entries << " entries at +" << setup.sq_offset << ", " << setup.cq_entries
               << " at +" << setup.cq_offset << ", CQ_VEC " << std::hex << setup.vector << std::dec;
}

std::vector<RingSetup> refused_setups() {
    std::vector<RingSetup> all;
    constexpr std::uint32_t bad_sizes[] = {1,   3,   5,    6,    7,    9,      24,
                                           63,  65,  96,   127,  128,  129,    256,
                                           512, 513, 4096, 4097, 8192, 0x8000, 0x10000};
    for (const std::uint32_t size : bad_sizes) {
        all.push_back({.sq_entries = size, .is_at_zero = true});
        all.push_back({.cq_entries = size, .is_at_zero = true});
    }
    for (std::uint64_t offset = 1; offset < 8 * sizeof(spec::SubmissionEntry); offset *= 2) {
        all.push_back({.sq_offset = offset});
    }
    for (std::uint64_t offset = 1; offset < 16 * sizeof(spec::CompletionEntry); offset *= 2) {
        all.push_back({.cq_offset = offset});
    }
    for (const std::uint32_t vector : {spec::max_vectors, spec::max_vectors + 1, 0x7FFu}) {
        all.push_back({.vector = vector});
        all.push_back({.vector = interrupts_enabled | vector});
    }
    return all;
}

class EnablingBench : public Bench {
  public:
    EnablingBench() : Bench({.log2_max_entries = log2_max_entries}) {
        enable_queue(neighbour, 8);
        messages.clear();
        memory.accesses.clear();
    }
    void enable(const RingSetup& setup) {
        Ring ring;
        ring.sq = setup.is_at_zero ? 0 : rings_ + setup.sq_offset;
        ring.cq = setup.is_at_zero ? 0 : rings_ + ring_room + setup.cq_offset;
        ring.sq_mask = setup.sq_entries - 1;
        ring.cq_mask = setup.cq_entries - 1;
        rings[queue] = ring;
        write64(spec::at("SQ_BASE").of(queue), ring.sq);
        write64(spec::at("CQ_BASE").of(queue), ring.cq);
        write(spec::at("Q_SIZE").of(queue), ring.cq_mask << 16 | ring.sq_mask);
        write(spec::at("CQ_VEC").of(queue), setup.vector);
        write(spec::at("Q_CTRL").of(queue), 1);
    }

  private:
    static constexpr std::size_t ring_room =
        (1u << log2_max_entries) * 2 * sizeof(spec::SubmissionEntry);
    const std::uint64_t rings_ = memory.allocate(2 * ring_room);
};

class RefusedSetup : public ::testing::TestWithParam<RingSetup> {
  protected:
    EnablingBench bench_;
};

TEST_P(RefusedSetup, IsTheErrorOfItsQueuePairAndBadConfig) {
    bench_.enable(GetParam());
    EXPECT_EQ(bench_.queue_state(queue), spec::QueueState::error);
    EXPECT_EQ(bench_.errors(), spec::bit_of(spec::ErrorSource::bad_config));
    EXPECT_EQ(bench_.read(spec::at("ERR_CODE").of()),
              static_cast<std::uint32_t>(spec::ErrorSource::bad_config));
    EXPECT_EQ(bench_.read(spec::at("ERR_INFO").of()), queue << 16 | 0xFFFF);
    EXPECT_EQ(bench_.read64(spec::at("ERR_ADDR").of()), 0u);
    EXPECT_EQ(bench_.read(spec::at("N_NONFATAL").of()), 1u);
    bench_.run();
    EXPECT_EQ(bench_.messages_of(spec::error_vector), 1u);
    EXPECT_EQ(bench_.state(), spec::DeviceState::ready);
}

TEST_P(RefusedSetup, FetchesNothingAndLeavesTheOthersAlone) {
    bench_.enable(GetParam());
    ASSERT_EQ(bench_.queue_state(queue), spec::QueueState::error);
    bench_.clear_errors();
    bench_.write(spec::at("SQ_DB").of(queue), 1);
    EXPECT_EQ(bench_.errors(), spec::bit_of(spec::ErrorSource::bad_doorbell));
    bench_.run();
    EXPECT_TRUE(bench_.memory.accesses.empty());
    EXPECT_EQ(bench_.execute(neighbour, nop(5)).cid, 5);
    EXPECT_EQ(bench_.read64(spec::at("Q_SUBMITTED").of(queue)), 0u);
}

TEST_P(RefusedSetup, CanBeCorrectedAfterAQueueResetAndNotBefore) {
    bench_.enable(GetParam());
    bench_.write(spec::at("Q_CTRL").of(queue), 1);
    EXPECT_EQ(bench_.queue_state(queue), spec::QueueState::error);
    bench_.write(spec::at("Q_RESET").of(queue), 1);
    EXPECT_EQ(bench_.queue_state(queue), spec::QueueState::disabled);
    bench_.clear_errors();
    bench_.enable({});
    EXPECT_EQ(bench_.queue_state(queue), spec::QueueState::enabled);
    EXPECT_EQ(bench_.execute(queue, nop(6)).cid, 6);
    EXPECT_EQ(bench_.errors(), 0u);
}

INSTANTIATE_TEST_SUITE_P(All, RefusedSetup, ::testing::ValuesIn(refused_setups()));

TEST(Enabling, TakesAllSizesUpToTheLimitAtTheirOwnAlignment) {
    constexpr std::uint32_t most = 1 << log2_max_entries;
    for (std::uint32_t sq_entries = spec::min_ring_entries; sq_entries <= most; sq_entries *= 2) {
        for (std::uint32_t cq_entries = spec::min_ring_entries; cq_entries <= most;
             cq_entries *= 2) {
            const RingSetup setup{.sq_entries = sq_entries,
                                  .cq_entries = cq_entries,
                                  .sq_offset = sq_entries * sizeof(spec::SubmissionEntry),
                                  .cq_offset = cq_entries * sizeof(spec::CompletionEntry)};
            SCOPED_TRACE(::testing::PrintToString(setup));
            EnablingBench bench;
            bench.enable(setup);
            EXPECT_EQ(bench.queue_state(queue), spec::QueueState::enabled);
            EXPECT_EQ(bench.errors(), 0u);
            EXPECT_EQ(bench.execute(queue, nop(7)).cid, 7);
        }
    }
}

TEST(Enabling, TakesEveryVectorThatTheChipHas) {
    for (std::uint32_t vector = 1; vector < spec::max_vectors; ++vector) {
        EnablingBench bench;
        bench.enable({.vector = interrupts_enabled | vector});
        ASSERT_EQ(bench.queue_state(queue), spec::QueueState::enabled) << vector;
        bench.acknowledge(queue, true);
        EXPECT_EQ(bench.execute(queue, nop(8)).cid, 8);
        EXPECT_EQ(bench.messages.size(), 1u);
        EXPECT_EQ(bench.messages_of(vector), 1u);
    }
}

}  // namespace
}  // namespace ringside::testing
