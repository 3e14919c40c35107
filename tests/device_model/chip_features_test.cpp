// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// What the chip does besides computing: who fetches next, rate limits, fences, scatter-gather
// lists, abort and log commands, severity of errors, heartbeat and watchdog.

#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <tuple>

#include "chip_bench.hpp"

namespace ringside::testing {
namespace {

using namespace std::chrono_literals;

// ---- arbitration ----

TEST(Arbitration, QueuesTakeTurnsByWeight) {
    Bench bench({.fetch_batch = 8});
    for (std::uint32_t queue = 1; queue <= 3; ++queue) {
        bench.enable_queue(queue, 64);
        const auto weight = spec::field("Q_CTRL", "WEIGHT").set(queue);
        bench.write(spec::at("Q_CTRL").of(queue), static_cast<std::uint32_t>(weight) | 1);
        for (std::uint16_t i = 0; i < 60; ++i) {
            bench.push(queue, nop(i));
        }
    }
    for (std::uint32_t queue = 1; queue <= 3; ++queue) {
        bench.ring(queue);
    }
    // Ten rounds of one, two and three descriptors: three fetches a round.
    bench.run_for(100ns + 30 * 500ns);
    for (std::uint32_t queue = 1; queue <= 3; ++queue) {
        EXPECT_EQ(bench.read64(spec::at("Q_SUBMITTED").of(queue)), 10 * queue);
    }
}

TEST(Arbitration, AWeightOfZeroFetchesWholeBatches) {
    Bench bench({.fetch_batch = 8});
    bench.enable_queue(1, 64);
    for (std::uint16_t i = 0; i < 60; ++i) {
        bench.push(1, nop(i));
    }
    bench.ring(1);
    bench.run_for(100ns + 500ns);
    EXPECT_EQ(bench.read64(spec::at("Q_SUBMITTED").of(1)), 8u);
    bench.run();
    EXPECT_EQ(bench.reap(1).size(), 60u);
}

/// Which queue the chip reads each of its descriptors for, in order, while this lives.
class FetchOrder {
  public:
    FetchOrder(Bench& bench, std::uint32_t queues) : bench_(bench) {
        bench.memory.judge = [this, queues](const BenchMemory::Access& access) {
            for (std::uint32_t queue = 1; queue <= queues; ++queue) {
                const auto& ring = bench_.rings.at(queue);
                if (!access.is_write && access.address >= ring.sq_entry(0) &&
                    access.address <= ring.sq_entry(ring.sq_mask)) {
                    order_ += static_cast<char>('0' + queue);
                }
            }
            return core::DmaResult::ok;
        };
    }
    FetchOrder(const FetchOrder&) = delete;
    FetchOrder& operator=(const FetchOrder&) = delete;
    ~FetchOrder() { bench_.memory.judge = nullptr; }
    const std::string& so_far() const { return order_; }

  private:
    Bench& bench_;
    std::string order_;
};

/// Queue 1 has the weight, queue 2 that of one.
class TurnsByWeight : public ::testing::TestWithParam<std::tuple<std::uint32_t, std::uint32_t>> {
  protected:
    static constexpr std::uint32_t entries = 256;

    TurnsByWeight() {
        for (const std::uint32_t queue : {1u, 2u}) {
            bench.enable_queue(queue, entries);
            set_weight(queue, queue == 1 ? weight : 1);
        }
    }
    void set_weight(std::uint32_t queue, std::uint32_t value) {
        const auto field = spec::field("Q_CTRL", "WEIGHT").set(value);
        bench.write(spec::at("Q_CTRL").of(queue), static_cast<std::uint32_t>(field) | 1);
    }
    void announce(std::uint32_t queue, std::uint32_t count) {
        for (std::uint32_t i = 0; i < count; ++i) {
            bench.push(queue, nop(static_cast<std::uint16_t>(i)));
        }
        bench.ring(queue);
    }
    static std::string times(std::uint32_t count, const std::string& what) {
        std::string all;
        for (std::uint32_t i = 0; i < count; ++i) {
            all += what;
        }
        return all;
    }

    const std::uint32_t fetch_batch = std::get<0>(GetParam());
    const std::uint32_t weight = std::get<1>(GetParam());
    const std::uint32_t batches = (weight + fetch_batch - 1) / fetch_batch;
    Bench bench{{.fetch_batch = fetch_batch}};
    FetchOrder order{bench, 2};
};

TEST_P(TurnsByWeight, AreOfSoManyDescriptorsInAsManyBatchesAsTheyTake) {
    constexpr std::uint32_t rounds = 10;
    announce(1, rounds * weight + 1);
    announce(2, rounds + 1);
    const std::string round = times(weight, "1") + "2";
    bench.run_for(100ns + rounds * (batches + 1) * 500ns - Duration(1));
    EXPECT_EQ(order.so_far() + "2", times(rounds, round));
    bench.run_for(Duration(1));
    EXPECT_EQ(order.so_far(), times(rounds, round));
}

TEST_P(TurnsByWeight, EndWhenNothingIsLeft) {
    announce(1, weight + 1);
    announce(2, 4);
    bench.run();
    EXPECT_EQ(order.so_far(), times(weight, "1") + "21222");
    announce(1, weight);
    announce(2, 1);
    bench.run();
    EXPECT_EQ(order.so_far(), times(weight, "1") + "21222" + times(weight, "1") + "2");
}

TEST_P(TurnsByWeight, EndWhenTheRateIsUsedUp) {
    const std::uint32_t burst = fetch_batch;
    bench.write(spec::at("RL_BURST").of(1), burst);
    bench.write(spec::at("RL_RATE").of(1), 1000);
    announce(1, 3 * weight + burst);
    announce(2, 8);
    bench.run_for(20us);
    const std::uint32_t first = std::min(burst, weight);
    EXPECT_EQ(order.so_far().substr(0, first + 1), times(first, "1") + "2");
    EXPECT_EQ(order.so_far().size(), burst + 8);
}

TEST_P(TurnsByWeight, BeginAnewAfterTheRateHasHeldThemBack) {
    bench.write(spec::at("RL_BURST").of(1), fetch_batch);
    bench.write(spec::at("RL_RATE").of(1), 1000);
    announce(1, fetch_batch + weight + 1);
    bench.run_for(20us);
    EXPECT_EQ(order.so_far(), times(fetch_batch, "1"));
    bench.write(spec::at("RL_RATE").of(1), 0);
    announce(2, 1);
    bench.run();
    EXPECT_EQ(order.so_far(), times(fetch_batch + weight, "1") + "21");
}

TEST_P(TurnsByWeight, EndWithAResetInTheirMiddle) {
    for (const bool is_of_chip : {false, true}) {
        announce(1, 64);
        announce(2, 1);
        bench.run_for(100ns + 500ns + 250ns);
        if (is_of_chip) {
            bench.device_reset();
            bench.start();
            bench.enable_again(2);
            set_weight(2, 1);
        } else {
            bench.write(spec::at("Q_RESET").of(1), 1);
            bench.reap(2);
        }
        const std::size_t before = order.so_far().size();
        bench.enable_again(1);
        set_weight(1, weight);
        announce(1, weight + 1);
        announce(2, 2);
        bench.run();
        const std::string after = order.so_far().substr(before);
        EXPECT_NE(after.find(times(weight, "1") + "2"), std::string::npos) << after;
        bench.reap(1);
        bench.reap(2);
    }
}

INSTANTIATE_TEST_SUITE_P(All, TurnsByWeight,
                         ::testing::Combine(::testing::Values(2u, 8u), ::testing::Range(1u, 16u)),
                         [](const auto& chip) {
                             return "Batch" + std::to_string(std::get<0>(chip.param)) + "Weight" +
                                    std::to_string(std::get<1>(chip.param));
                         });

TEST(Arbitration, AQueueResetDuringItsFetchLeavesTheArbiterToTheOthers) {
    Bench bench;
    bench.enable_queue(1, 8);
    bench.enable_queue(2, 8);
    bench.push(1, nop(1));
    bench.ring(1);
    bench.run_for(100ns + 200ns);  // in the middle of the fetch
    bench.write(spec::at("Q_RESET").of(1), 1);
    bench.push(2, nop(2));
    bench.ring(2);
    bench.run();
    EXPECT_EQ(cids(bench.reap(2)), (std::vector<std::uint16_t>{2}));
}

// ---- rate limits ----

TEST(RateLimit, LetsABurstThroughAndThenOneAnInterval) {
    Bench bench;
    bench.enable_queue(1, 64);
    bench.write(spec::at("RL_BURST").of(1), 4);
    bench.write(spec::at("RL_RATE").of(1), 100'000);  // one in 10 us
    for (std::uint16_t i = 0; i < 20; ++i) {
        bench.push(1, nop(i));
    }
    const Time start = bench.now;
    bench.ring(1);
    bench.run_for(5us);
    EXPECT_EQ(bench.read64(spec::at("Q_SUBMITTED").of(1)), 4u);
    EXPECT_EQ(spec::field("RL_STS", "LIMITED").get(bench.read(spec::at("RL_STS").of(1))), 1u);
    bench.run();
    EXPECT_EQ(bench.reap(1).size(), 20u);
    // The bucket was full at the start: the last of the sixteen others came 16 intervals later.
    const Duration taken = bench.now - start;
    EXPECT_GE(taken, 160us);
    EXPECT_LE(taken, 162us);
    EXPECT_GT(bench.read64(spec::at("Q_STALLS").of(1)), 0u);
    EXPECT_EQ(bench.read(spec::at("ERR_SRC").of()), 0u) << "a limit is no error";
}

TEST(RateLimit, SavesUpNoMoreThanItsBurst) {
    Bench bench;
    bench.enable_queue(1, 64);
    bench.write(spec::at("RL_BURST").of(1), 3);
    bench.write(spec::at("RL_RATE").of(1), 1'000'000);
    bench.run_for(1ms);
    EXPECT_EQ(spec::field("RL_STS", "TOKENS").get(bench.read(spec::at("RL_STS").of(1))), 3u);
}

TEST(RateLimit, TakenAwayLetsTheQueueRun) {
    Bench bench;
    bench.enable_queue(1, 16);
    bench.write(spec::at("RL_RATE").of(1), 1);  // one a second
    for (std::uint16_t i = 0; i < 10; ++i) {
        bench.push(1, nop(i));
    }
    bench.ring(1);
    bench.run_for(10us);
    EXPECT_EQ(bench.reap(1).size(), 1u);
    bench.write(spec::at("RL_RATE").of(1), 0);
    bench.run_for(10us);
    EXPECT_EQ(bench.reap(1).size(), 9u);
}

TEST(RateLimit, OfOneQueueHoldsBackNoOther) {
    Bench bench;
    bench.enable_queue(1, 16);
    bench.enable_queue(2, 16);
    bench.write(spec::at("RL_RATE").of(1), 1);
    for (std::uint16_t i = 0; i < 10; ++i) {
        bench.push(1, nop(i));
        bench.push(2, nop(i));
    }
    bench.ring(1);
    bench.ring(2);
    bench.run_for(10us);
    EXPECT_EQ(bench.reap(2).size(), 10u);
}

// ---- fences ----

TEST(Fence, StartsAfterEverythingBeforeItIsCompleted) {
    CipherBench bench;
    bench.push(1, bench.encryption(1, 65536));  // slow
    bench.push(1, bench.encryption(2, 16));
    bench.push(1, nop(3, flag(spec::SubmissionFlag::fence)));
    bench.push(1, nop(4));
    bench.ring(1);
    bench.run();
    const auto order = cids(bench.reap(1));
    EXPECT_EQ(order, (std::vector<std::uint16_t>{2, 1, 3, 4}));
}

TEST(Fence, WithNothingBeforeItWaitsForNothing) {
    Bench bench;
    bench.enable_queue(1, 8);
    EXPECT_TRUE(status_of(bench.execute(1, nop(1, flag(spec::SubmissionFlag::fence)))).ok());
}

TEST(Fence, OfOneQueueHoldsBackNoOther) {
    CipherBench bench;
    bench.enable_queue(2, 8);
    bench.push(1, bench.encryption(1, 1 << 20));
    bench.push(1, nop(2, flag(spec::SubmissionFlag::fence)));
    bench.push(2, nop(3));
    bench.ring(1);
    bench.ring(2);
    bench.run_for(20us);
    EXPECT_EQ(bench.reap(2).size(), 1u);
    EXPECT_EQ(bench.reap(1).size(), 0u);
}

// ---- scatter-gather ----

/// A list over the pieces, in memory.
std::uint64_t put_list(Bench& bench, std::vector<spec::ListEntry> pieces) {
    const std::uint64_t address = bench.memory.allocate(pieces.size() * sizeof(spec::ListEntry));
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        bench.memory.put(address + i * sizeof(spec::ListEntry), pieces[i]);
    }
    return address;
}

TEST(ScatterGather, PiecesGiveTheBytesOfTheWhole) {
    CipherBench bench;
    auto whole = bench.encryption(1, 160);
    const auto source = bench.memory.at(whole.src, 160);
    for (std::size_t i = 0; i < source.size(); ++i) {
        source[i] = static_cast<std::byte>(i * 7);
    }
    ASSERT_TRUE(status_of(bench.execute(1, whole)).ok());
    auto pieces = whole;
    pieces.flags = flag(spec::SubmissionFlag::src_list) | flag(spec::SubmissionFlag::dst_list);
    const std::uint64_t target = bench.memory.allocate(400);
    pieces.src = put_list(
        bench, {{whole.src, 1, 0}, {whole.src + 1, 95, 0}, {whole.src + 96, 64, spec::list_last}});
    pieces.dst = put_list(bench, {{target + 200, 33, 0}, {target, 127, spec::list_last}});
    const auto completion = bench.execute(1, pieces);
    ASSERT_TRUE(status_of(completion).ok());
    EXPECT_EQ(completion.result, 160u);
    const auto expected = bench.memory.at(whole.dst, 160);
    const auto first = bench.memory.at(target + 200, 33);
    const auto second = bench.memory.at(target, 127);
    EXPECT_TRUE(std::equal(first.begin(), first.end(), expected.begin()));
    EXPECT_TRUE(std::equal(second.begin(), second.end(), expected.begin() + 33));
}

TEST(ScatterGather, AWrongListIsRefused) {
    CipherBench bench;
    const auto good = bench.encryption(1, 64);
    const std::vector<std::vector<spec::ListEntry>> lists = {
        {{good.src, 63, spec::list_last}},                                  // too short
        {{good.src, 64, 0}, {good.src, 16, spec::list_last}},               // too long
        {{good.src, 0, 0}, {good.src, 64, spec::list_last}},                // an empty piece
        {{good.src, 64, 2}},                                                // an unknown flag
        std::vector<spec::ListEntry>(33, spec::ListEntry{good.src, 1, 0}),  // no end
    };
    for (const auto side : {spec::SubmissionFlag::src_list, spec::SubmissionFlag::dst_list}) {
        for (const auto& list : lists) {
            auto entry = good;
            entry.flags = static_cast<std::uint8_t>(flag(side));
            (side == spec::SubmissionFlag::src_list ? entry.src : entry.dst) =
                put_list(bench, list);
            EXPECT_EQ(status_of(bench.execute(1, entry)),
                      spec::Status::of(spec::StatusType::request, spec::RequestError::bad_list));
        }
    }
}

TEST(ScatterGather, AnUnmappedPieceOrListIsATransportError) {
    CipherBench bench;
    const auto iommu = spec::Status::of(spec::StatusType::transport, spec::TransportError::iommu);
    auto entry = bench.encryption(1, 64);
    entry.flags = static_cast<std::uint8_t>(flag(spec::SubmissionFlag::src_list));
    entry.src = put_list(bench, {{entry.src, 32, 0}, {0x1000, 32, spec::list_last}});
    const auto piece = bench.execute(1, entry);
    EXPECT_EQ(status_of(piece), iommu);
    EXPECT_EQ(piece.detail, 0x1000u);
    entry.src = 0x2000;
    EXPECT_EQ(status_of(bench.execute(1, entry)), iommu);
    EXPECT_NE(bench.read(spec::at("ERR_SRC").of()) & spec::bit_of(spec::ErrorSource::iommu), 0u);
}

TEST(ScatterGather, TheAdminQueueTakesNoLists) {
    CipherBench bench;
    EXPECT_EQ(status_of(bench.execute(0, nop(1, flag(spec::SubmissionFlag::src_list)))),
              spec::Status::of(spec::StatusType::request, spec::RequestError::bad_field));
}

// ---- abort and log ----

spec::SubmissionEntry admin(spec::Opcode opcode) {
    spec::SubmissionEntry entry;
    entry.opcode = static_cast<std::uint8_t>(opcode);
    return entry;
}

TEST(Abort, EndsAnOperationInTheChipAndNothingMoreIsWritten) {
    CipherBench bench;
    const auto slow = bench.encryption(7, 1 << 20);
    bench.push(1, slow);
    bench.ring(1);
    bench.run_for(5us);
    auto abort = admin(spec::Opcode::abort);
    abort.session = spec::AbortTarget{1, 7}.encode();
    EXPECT_EQ(bench.execute(0, abort).result, 1u);
    const auto reaped = bench.reap(1);
    ASSERT_EQ(reaped.size(), 1u);
    EXPECT_EQ(status_of(reaped.front()),
              spec::Status::of(spec::StatusType::aborted, spec::AbortReason::admin));
    const auto target = bench.memory.at(slow.dst, slow.dst_len);
    EXPECT_TRUE(std::all_of(target.begin(), target.end(),
                            [](std::byte byte) { return byte == std::byte{0}; }));
}

TEST(Abort, OfWhatIsDoneOrUnknownChangesNothing) {
    CipherBench bench;
    EXPECT_TRUE(status_of(bench.execute(1, bench.encryption(7, 64))).ok());
    for (const spec::AbortTarget target : {spec::AbortTarget{1, 7}, spec::AbortTarget{1, 8},
                                           spec::AbortTarget{0, 0}, spec::AbortTarget{200, 7}}) {
        auto abort = admin(spec::Opcode::abort);
        abort.session = target.encode();
        const auto completion = bench.execute(0, abort);
        EXPECT_TRUE(status_of(completion).ok());
        EXPECT_EQ(completion.result, 0u);
    }
    EXPECT_EQ(bench.reap(1).size(), 0u);
}

TEST(Abort, LiftsTheFenceBehindIt) {
    CipherBench bench;
    bench.push(1, bench.encryption(1, 1 << 20));
    bench.push(1, nop(2, flag(spec::SubmissionFlag::fence)));
    bench.ring(1);
    bench.run_for(5us);
    auto abort = admin(spec::Opcode::abort);
    abort.session = spec::AbortTarget{1, 1}.encode();
    bench.execute(0, abort);
    EXPECT_EQ(cids(bench.reap(1)), (std::vector<std::uint16_t>{1, 2}));
}

TEST(Log, TellsTheLatestErrorsNewestFirst) {
    CipherBench bench;
    bench.write(spec::at("SQ_DB").of(1), 0x5000);  // out of range
    auto entry = bench.encryption(9, 64);
    entry.src = 0x1000;
    bench.execute(1, entry);
    auto log = admin(spec::Opcode::get_log);
    log.dst = bench.memory.allocate(4096);
    log.dst_len = 4096;
    const auto completion = bench.execute(0, log);
    ASSERT_EQ(completion.result, 2 * sizeof(spec::LogEntry));
    const auto newest = bench.memory.get<spec::LogEntry>(log.dst);
    EXPECT_EQ(newest.serial, 2u);
    EXPECT_EQ(newest.source, static_cast<std::uint32_t>(spec::ErrorSource::iommu));
    EXPECT_EQ(newest.queue, 1u);
    EXPECT_EQ(newest.cid, 9u);
    EXPECT_EQ(newest.address, 0x1000u);
    const auto oldest = bench.memory.get<spec::LogEntry>(log.dst + sizeof newest);
    EXPECT_EQ(oldest.serial, 1u);
    EXPECT_EQ(oldest.source, static_cast<std::uint32_t>(spec::ErrorSource::bad_doorbell));
    EXPECT_LE(oldest.time_ns, newest.time_ns);
}

TEST(Log, KeepsABoundedNumberAndWritesNoMoreThanThereIsRoomFor) {
    CipherBench bench;
    for (int i = 0; i < 100; ++i) {
        bench.write(spec::at("SQ_DB").of(1), 0x5000);
    }
    auto log = admin(spec::Opcode::get_log);
    log.dst = bench.memory.allocate(4096);
    log.dst_len = 4096;
    EXPECT_EQ(bench.execute(0, log).result, spec::log_entries * sizeof(spec::LogEntry));
    EXPECT_EQ(bench.memory.get<spec::LogEntry>(log.dst).serial, 100u);
    log.dst_len = 3 * sizeof(spec::LogEntry) + 5;
    EXPECT_EQ(bench.execute(0, log).result, 3 * sizeof(spec::LogEntry));
}

// ---- errors and life ----

TEST(Severity, AFatalErrorStopsTheChipUntilAReset) {
    CipherBench bench;
    bench.write(spec::at("ERR_SEV").of(), spec::bit_of(spec::ErrorSource::iommu));
    bench.messages.clear();
    bench.push(1, bench.encryption(1, 1 << 20));
    auto entry = bench.encryption(2, 64);
    entry.src = 0x1000;
    bench.push(1, entry);
    bench.ring(1);
    bench.run();
    EXPECT_EQ(bench.state(), spec::DeviceState::error);
    EXPECT_EQ(spec::field("CSTS", "FATAL").get(bench.read(spec::at("CSTS").of())), 1u);
    EXPECT_EQ(bench.read(spec::at("N_FATAL").of()), 1u);
    EXPECT_EQ(bench.read(spec::at("N_NONFATAL").of()), 0u);
    EXPECT_EQ(bench.reap(1).size(), 0u) << "the driver completes what the chip has dropped";
    ASSERT_EQ(bench.messages.size(), 1u);
    EXPECT_EQ(bench.messages.front().data, spec::error_vector);
    bench.push(1, nop(3));
    bench.ring(1);
    bench.memory.accesses.clear();
    bench.write(spec::at("Q_RESET").of(1), 1);
    bench.write(spec::at("CC").of(), 0);
    bench.write(spec::at("CC").of(), 1);
    bench.run();
    EXPECT_TRUE(bench.memory.accesses.empty()) << "no DMA in ERROR, not for a queue reset either";
    EXPECT_EQ(bench.state(), spec::DeviceState::error) << "RESET alone leads out";
    bench.write(spec::at("RESET").of(), spec::reset_key);
    bench.run();
    EXPECT_EQ(bench.state(), spec::DeviceState::disabled);
}

TEST(Severity, WhatIsNotFatalIsCountedApart) {
    CipherBench bench;
    bench.write(spec::at("SQ_DB").of(1), 0x5000);
    EXPECT_EQ(bench.read(spec::at("N_NONFATAL").of()), 1u);
    EXPECT_EQ(bench.read(spec::at("N_FATAL").of()), 0u);
    EXPECT_EQ(bench.read(spec::at("N_CORR").of()), 0u);
    EXPECT_EQ(bench.state(), spec::DeviceState::ready);
}

TEST(Heartbeat, CountsPeriodsWhileTheChipIsReady) {
    Bench bench;
    const auto beats = [&] { return bench.read(spec::at("HB_COUNT").of()); };
    const std::uint32_t before = beats();
    bench.run_for(10ms);
    EXPECT_EQ(beats(), before + 10);
    bench.write(spec::at("HB_PERIOD_US").of(), 10);
    bench.run_for(1ms);
    EXPECT_EQ(beats(), before + 110);
    bench.write(spec::at("CC").of(), 0);
    bench.run_for(1ms);
    EXPECT_EQ(beats(), before + 110) << "stands still when the chip is not READY";
    bench.write(spec::at("CC").of(), 1);
    bench.run();
    bench.run_for(1ms);
    EXPECT_EQ(beats(), before + 210);
}

TEST(Watchdog, StopsASliceThatTakesTooLong) {
    CipherBench bench;
    bench.write(spec::at("WDT_SYM_US").of(), 100);
    EXPECT_TRUE(status_of(bench.execute(1, bench.encryption(1, 4096))).ok());
    const Time start = bench.now;
    const auto completion = bench.execute(1, bench.encryption(2, 1 << 20));  // 262 us of work
    EXPECT_EQ(status_of(completion),
              spec::Status::of(spec::StatusType::transport, spec::TransportError::hang));
    EXPECT_LT(bench.now - start, 200us);
    EXPECT_NE(bench.read(spec::at("ERR_SRC").of()) & spec::bit_of(spec::ErrorSource::slice_hang),
              0u);
    bench.write(spec::at("WDT_SYM_US").of(), 0);
    EXPECT_TRUE(status_of(bench.execute(1, bench.encryption(3, 1 << 20))).ok());
}

}  // namespace
}  // namespace ringside::testing
