// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Rings, phase, doorbells and credits; interrupts with their moderation, masks and re-arming; DMA
// that fails at each stage.

#include <gtest/gtest.h>

#include "chip_bench.hpp"
#include "ringside/base/prng.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::testing {
namespace {

using namespace std::chrono_literals;

// ---- rings ----

class RingSizes : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(RingSizes, ManyLapsInBatchesOfAnySizeLoseAndDoubleNothing) {
    const std::uint32_t entries = GetParam();
    Bench bench;
    bench.enable_queue(1, entries);
    Prng stream(seed(), "batches");
    std::uint16_t submitted = 0;
    std::uint16_t completed = 0;
    while (completed < 20 * entries + 7) {
        const auto in_use = static_cast<std::uint32_t>(submitted - completed);
        const auto batch = stream.between(0, entries - 1 - in_use);
        for (std::uint64_t i = 0; i < batch; ++i) {
            bench.push(1, nop(submitted++));
        }
        if (batch != 0) {
            bench.ring(1);
        }
        EXPECT_EQ(bench.read(spec::at("INFLIGHT").of(1)),
                  static_cast<std::uint32_t>(submitted - completed));
        bench.run_for(std::chrono::nanoseconds(stream.between(0, 2000)));
        for (const auto& completion : bench.reap(1)) {
            EXPECT_EQ(completion.cid, completed++);
            EXPECT_EQ(completion.qid, 1u);
        }
    }
    EXPECT_EQ(bench.read(spec::at("ERR_SRC").of()), 0u);
    EXPECT_GE(bench.read64(spec::at("Q_COMPLETED").of(1)), completed);
}

INSTANTIATE_TEST_SUITE_P(Sizes, RingSizes, ::testing::Values(2, 4, 8, 64, 256));

TEST(Rings, UpToTheLargestSizeAndNoOther) {
    Bench bench;
    for (const std::uint32_t entries : {2u, 4096u}) {
        bench.enable_queue(1, entries);
        EXPECT_EQ(bench.read(spec::at("Q_STS").of(1)), 1u) << entries;
        bench.write(spec::at("Q_CTRL").of(1), 0);
    }
    for (const std::uint32_t entries : {1u, 3u, 100u, 8192u}) {
        bench.clear_errors();
        bench.enable_queue(1, entries);
        EXPECT_EQ(bench.read(spec::at("Q_STS").of(1)), 3u) << entries;
        EXPECT_TRUE(bench.has_error(spec::ErrorSource::bad_config));
        bench.write(spec::at("Q_RESET").of(1), 1);
    }
}

TEST(Rings, AMisalignedBaseOrAWrongVectorIsRefused) {
    const auto enable = [](std::uint64_t sq_offset, std::uint64_t cq_offset, std::uint32_t vector) {
        Bench bench;
        const std::uint64_t memory = bench.memory.allocate(4096);
        bench.write64(spec::at("SQ_BASE").of(1), memory + sq_offset);
        bench.write64(spec::at("CQ_BASE").of(1), memory + 2048 + cq_offset);
        bench.write(spec::at("Q_SIZE").of(1), 7u << 16 | 7u);
        bench.write(spec::at("CQ_VEC").of(1), vector);
        bench.write(spec::at("Q_CTRL").of(1), 1);
        return bench.read(spec::at("Q_STS").of(1));
    };
    EXPECT_EQ(enable(0, 0, 2), 1u);
    EXPECT_EQ(enable(256, 0, 2), 3u);
    EXPECT_EQ(enable(0, 128, 2), 3u);
    EXPECT_EQ(enable(0, 0, 64), 3u);
}

TEST(Rings, TheCompletionIsWrittenAfterThePayloadAndItsStatusLast) {
    CipherBench bench;
    const auto entry = bench.encryption(1, 256);
    bench.memory.accesses.clear();
    bench.execute(1, entry);
    std::vector<BenchMemory::Access> writes;
    for (const auto& access : bench.memory.accesses) {
        if (access.is_write) {
            writes.push_back(access);
        }
    }
    ASSERT_EQ(writes.size(), 3u);
    EXPECT_EQ(writes[0].address, entry.dst);
    EXPECT_EQ(writes[1].address, bench.rings.at(1).cq);
    EXPECT_EQ(writes[1].size, 24u);
    EXPECT_EQ(writes[2].address, bench.rings.at(1).cq + 24);
    EXPECT_EQ(writes[2].size, 8u);
}

TEST(Rings, AWrongDoorbellIsRefusedAndChangesNothing) {
    Bench bench;
    bench.enable_queue(1, 8);
    const auto refused = [&](const char* which, std::uint32_t offset, std::uint32_t value) {
        bench.clear_errors();
        bench.write(offset, value);
        EXPECT_TRUE(bench.has_error(spec::ErrorSource::bad_doorbell)) << which;
        EXPECT_EQ(bench.read(spec::at("INFLIGHT").of(1)), 0u) << which;
    };
    refused("tail beyond the ring", spec::at("SQ_DB").of(1), 8);
    refused("reserved bits", spec::at("SQ_DB").of(1), 0x10001);
    refused("head overtakes the tail", spec::at("CQ_DB").of(1), 1);
    refused("head beyond the ring", spec::at("CQ_DB").of(1), 8);
    refused("a queue that is not enabled", spec::at("SQ_DB").of(2), 1);
    bench.run();
    EXPECT_EQ(bench.read64(spec::at("Q_SUBMITTED").of(1)), 0u);
}

TEST(Rings, ACompletionWithoutRoomStopsTheQueueAndOverwritesNothing) {
    Bench bench;
    const std::uint64_t sq = bench.memory.allocate(16 * sizeof(spec::SubmissionEntry));
    const std::uint64_t cq = bench.memory.allocate(4 * sizeof(spec::CompletionEntry));
    bench.write64(spec::at("SQ_BASE").of(1), sq);
    bench.write64(spec::at("CQ_BASE").of(1), cq);
    bench.write(spec::at("Q_SIZE").of(1), 3u << 16 | 15u);
    bench.write(spec::at("Q_CTRL").of(1), 1);
    for (std::uint16_t i = 0; i < 10; ++i) {
        bench.memory.put(sq + i * sizeof(spec::SubmissionEntry), nop(i));
    }
    bench.write(spec::at("SQ_DB").of(1), 10);
    bench.run();
    EXPECT_TRUE(bench.has_error(spec::ErrorSource::cq_overrun));
    EXPECT_EQ(bench.read(spec::at("Q_STS").of(1)), 3u);
    for (std::uint16_t i = 0; i < 3; ++i) {
        EXPECT_EQ(
            bench.memory.get<spec::CompletionEntry>(cq + i * sizeof(spec::CompletionEntry)).cid, i);
    }
}

// ---- DMA that fails ----

TEST(DmaFaults, EachStageHasItsStatusAndTheQueueGoesOn) {
    CipherBench bench;
    const auto iommu = spec::Status::of(spec::StatusType::transport, spec::TransportError::iommu);
    for (const bool at_source : {true, false}) {
        bench.clear_errors();
        auto entry = bench.encryption(3, 64);
        bench.memory.unmap((at_source ? entry.src : entry.dst) + 63, 1);
        const auto completion = bench.execute(1, entry);
        EXPECT_EQ(status_of(completion), iommu);
        EXPECT_EQ(completion.detail, static_cast<std::uint32_t>(at_source ? entry.src : entry.dst));
        EXPECT_EQ(completion.result, 0u);
        EXPECT_EQ(bench.read(spec::at("ERR_INFO").of()), 0x00010003u);
        bench.memory.map_all();
        EXPECT_TRUE(status_of(bench.execute(1, entry)).ok());
    }
}

TEST(DmaFaults, WithoutItsRingAQueueStopsAndAResetLeadsOut) {
    for (const bool submission : {true, false}) {
        Bench bench;
        bench.enable_queue(1, 8);
        bench.enable_queue(2, 8);
        const auto ring = bench.rings.at(1);
        bench.memory.unmap(submission ? ring.sq : ring.cq, 8);
        bench.push(1, nop(1));
        bench.ring(1);
        bench.run();
        EXPECT_TRUE(bench.has_error(spec::ErrorSource::iommu));
        EXPECT_EQ(bench.read(spec::at("Q_STS").of(1)), 3u);
        EXPECT_TRUE(status_of(bench.execute(2, nop(2))).ok());
        bench.memory.map_all();
        bench.write(spec::at("Q_RESET").of(1), 1);
        bench.enable_queue(1, 8);
        EXPECT_TRUE(status_of(bench.execute(1, nop(3))).ok());
    }
}

// ---- interrupts ----

/// A bench with one armed queue that has `moderation`, and what its vector sent.
struct InterruptBench : Bench {
    explicit InterruptBench(std::uint32_t count = 0, std::uint32_t time_us = 0) {
        enable_queue(1, 64);
        write(spec::at("INT_MOD").of(1), count << 16 | time_us);
        reap(1, true);
    }
    void complete(std::uint16_t count, unsigned flags = 0) {
        for (std::uint16_t i = 0; i < count; ++i) {
            push(1, nop(i, flags));
        }
        ring(1);
    }
    static constexpr std::uint32_t vector = spec::queue_vector(1);
};

TEST(Interrupts, FireOnceUntilTheyAreArmedAgain) {
    InterruptBench bench;
    bench.complete(3);
    bench.run();
    ASSERT_EQ(bench.messages.size(), 1u);
    EXPECT_EQ(bench.messages[0].second, bench.vector);
    bench.complete(3);
    bench.run();
    EXPECT_EQ(bench.messages.size(), 1u);
    bench.reap(1, true);
    bench.complete(1);
    bench.run();
    EXPECT_EQ(bench.messages.size(), 2u);
}

TEST(Interrupts, ArmingOverAnUnconsumedCompletionFiresAtOnce) {
    InterruptBench bench;
    bench.complete(1);
    bench.run();
    bench.reap(1);  // the handler's last look
    bench.complete(1);
    bench.run();  // a completion comes before the re-arm
    const auto head = bench.rings.at(1).head;
    bench.write(spec::at("CQ_DB").of(1),
                head | static_cast<std::uint32_t>(spec::field("CQ_DB", "ARM").set(1)));
    bench.run();
    EXPECT_EQ(bench.messages.size(), 2u);
}

TEST(Interrupts, CountAndTimeModerate) {
    InterruptBench bench(8, 50);
    bench.complete(7);
    bench.run_for(10us);
    EXPECT_EQ(bench.messages.size(), 0u);
    bench.complete(1);
    bench.run_for(10us);
    EXPECT_EQ(bench.messages.size(), 1u) << "the eighth";
    bench.reap(1, true);
    const Time start = bench.now;
    bench.complete(2);
    bench.run();
    ASSERT_EQ(bench.messages.size(), 2u) << "the time limit";
    const core::DeviceConfig config;
    const Duration first = config.doorbell + config.fetch + config.completion;
    EXPECT_EQ(bench.messages[1].first - start, first + 50us + config.interrupt);
}

TEST(Interrupts, NOperationsByEightsGiveAnEighthOfTheMessages) {
    InterruptBench bench(8, 0);
    for (int round = 0; round < 20; ++round) {
        bench.complete(8);
        bench.run();
        bench.reap(1, true);
    }
    EXPECT_EQ(bench.messages.size(), 20u);
}

TEST(Interrupts, InterruptNowPassesTheModeration) {
    InterruptBench bench(32, 60'000);
    bench.complete(1, flag(spec::SubmissionFlag::interrupt_now));
    bench.run_for(10us);
    EXPECT_EQ(bench.messages.size(), 1u);
}

TEST(Interrupts, AMaskedVectorIsPendingAndSentWhenUnmasked) {
    InterruptBench bench;
    const std::uint32_t control = bench.vector * 16 + 12;
    const auto pending = [&] {
        std::uint32_t word = 0;
        bench.device.peek(core::Bar::msix, bench.now, spec::msix_pba_offset,
                          std::as_writable_bytes(std::span(&word, 1)));
        return word >> bench.vector & 1;
    };
    bench.write_msix(control, 1);
    bench.complete(1);
    bench.run();
    EXPECT_EQ(bench.messages.size(), 0u);
    EXPECT_EQ(pending(), 1u);
    bench.write_msix(control, 0);
    EXPECT_EQ(bench.messages.size(), 1u);
    EXPECT_EQ(pending(), 0u);
}

TEST(Interrupts, OfAQueueThatWantsNoneDoNotCome) {
    Bench bench;
    bench.enable_queue(1, 8);
    bench.write(spec::at("Q_CTRL").of(1), 0);
    const auto ring = bench.rings.at(1);
    bench.write64(spec::at("SQ_BASE").of(1), ring.sq);
    bench.write64(spec::at("CQ_BASE").of(1), ring.cq);
    bench.write(spec::at("Q_SIZE").of(1), 7u << 16 | 7u);
    bench.write(spec::at("CQ_VEC").of(1), spec::queue_vector(1));  // IEN is 0
    bench.write(spec::at("Q_CTRL").of(1), 1);
    bench.reap(1, true);
    EXPECT_TRUE(status_of(bench.execute(1, nop(1))).ok());
    EXPECT_EQ(bench.messages.size(), 0u);
}

TEST(Interrupts, OfErrorsComeOnVectorZeroUnlessMasked) {
    Bench bench;
    bench.write(0xFFC, 1);
    bench.run();
    ASSERT_EQ(bench.messages.size(), 1u);
    EXPECT_EQ(bench.messages[0].second, spec::error_vector);
    bench.write(spec::at("ERR_MASK").of(), spec::bit_of(spec::ErrorSource::bad_access));
    bench.write(0xFFC, 1);
    bench.run();
    EXPECT_EQ(bench.messages.size(), 1u);
}

TEST(Statistics, AddUpToWhatWasDone) {
    CipherBench bench;
    bench.write(spec::at("STAT_SNAP").of(), 1);
    const auto value = [&](spec::Address address) { return bench.read64(address.of()); };
    const auto operations = value(spec::at("STAT_OPS"));
    for (std::uint16_t i = 0; i < 5; ++i) {
        bench.execute(1, bench.encryption(i, 1024));
    }
    auto bad = bench.encryption(9, 1024);
    bad.iv_len = 3;
    bench.execute(1, bad);
    EXPECT_EQ(value(spec::at("STAT_OPS")), operations) << "latched";
    bench.write(spec::at("STAT_SNAP").of(), 1);
    EXPECT_EQ(value(spec::at("STAT_OPS")), operations + 6);
    EXPECT_EQ(value(spec::at("STAT_BYTES")), 5 * 1024u);
    EXPECT_EQ(value(spec::at("STAT_ERRS")), 1u);
    EXPECT_EQ(value(spec::at("STAT_BUSY_NS")), 5 * (400u + 256u));
    EXPECT_EQ(bench.read64(spec::at("Q_ERRORS").of(1)), 1u);
}

}  // namespace
}  // namespace ringside::testing
