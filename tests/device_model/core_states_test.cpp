// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// States and resets against work in flight: a reset, an abort or a disable at every moment of an
// operation's way through the chip, and what is left, kept and begun anew after it.

#include <gtest/gtest.h>

#include <set>

#include "chip_bench.hpp"

namespace ringside::testing {
namespace {

using namespace std::chrono_literals;

// ---- states ----

TEST(CoreStates, EnablingAgainTakesItsWholeTimeAgain) {
    const core::DeviceConfig config;
    Bench bench(config);
    bench.write(spec::at("CC").of(), 0);
    bench.write(spec::at("CC").of(), 1);
    bench.run_for(config.enable / 2);
    bench.write(spec::at("CC").of(), 0);
    bench.write(spec::at("CC").of(), 1);
    bench.run_for(config.enable - Duration(1));
    EXPECT_EQ(bench.state(), spec::DeviceState::enabling);
    bench.run_for(Duration(1));
    EXPECT_EQ(bench.state(), spec::DeviceState::ready);
}

TEST(CoreStates, AResetDuringAResetTakesItsWholeTimeAgain) {
    const core::DeviceConfig config;
    Bench bench(config);
    bench.device_reset();
    const Duration whole = config.reset + config.self_test;
    bench.run_for(whole / 2);
    bench.device_reset();
    bench.run_for(whole - Duration(1));
    EXPECT_EQ(bench.state(), spec::DeviceState::reset);
    bench.run_for(Duration(1));
    EXPECT_EQ(bench.state(), spec::DeviceState::disabled);
}

TEST(CoreStates, AResetWhileEnablingLeadsToDisabled) {
    Bench bench;
    bench.write(spec::at("CC").of(), 0);
    bench.write(spec::at("CC").of(), 1);
    bench.device_reset();
    bench.run();
    EXPECT_EQ(bench.state(), spec::DeviceState::disabled);
    EXPECT_EQ(bench.read(spec::at("CC").of()), 0u);
}

/// In RESET, an access that is refused, which has been made fatal.
void fail_in_reset(Bench& bench) {
    bench.device_reset();
    bench.write(spec::at("ERR_SEV").of(), spec::bit_of(spec::ErrorSource::bad_access));
    bench.write(0xFFC, 0);
    EXPECT_EQ(bench.read(spec::at("N_FATAL").of()), 1u);
    EXPECT_EQ(bench.state(), spec::DeviceState::reset);
}

TEST(CoreStates, AFatalErrorInAResetLeadsToErrorAtItsEnd) {
    for (const bool is_cleared : {false, true}) {
        Bench bench;
        fail_in_reset(bench);
        if (is_cleared) {
            bench.clear_errors();
        }
        bench.run();
        const std::uint32_t status = bench.read(spec::at("CSTS").of());
        EXPECT_EQ(bench.state(), spec::DeviceState::error);
        EXPECT_EQ(spec::field("CSTS", "FATAL").get(status), 1u);
        EXPECT_EQ(spec::field("CSTS", "RESET_BUSY").get(status), 0u);
        bench.write(spec::at("CC").of(), 1);
        bench.run();
        EXPECT_EQ(bench.state(), spec::DeviceState::error);
    }
}

TEST(CoreStates, AnotherResetForgetsAFatalErrorInTheOneBefore) {
    Bench bench;
    fail_in_reset(bench);
    bench.device_reset();
    bench.run();
    EXPECT_EQ(bench.state(), spec::DeviceState::disabled);
    fail_in_reset(bench);
    bench.run();
    bench.device_reset();
    bench.write(0xFFC, 0);  // not fatal any more
    bench.run();
    EXPECT_EQ(bench.state(), spec::DeviceState::disabled);
}

TEST(CoreStates, AQueuePairSetUpInAResetWorksWhenTheChipIsReady) {
    Bench bench;
    bench.device_reset();
    bench.enable_queue(1, 8);
    bench.push(1, nop(7));
    bench.ring(1);
    bench.run();
    EXPECT_EQ(bench.state(), spec::DeviceState::disabled);
    EXPECT_TRUE(bench.reap(1).empty());
    bench.write(spec::at("CC").of(), 1);
    bench.run();
    EXPECT_EQ(cids(bench.reap(1)), std::vector<std::uint16_t>{7});
}

TEST(CoreStates, StickyErrorsOutlastEverythingButAWriteOfOneAndTheDeviceReset) {
    Bench bench;
    bench.enable_queue(1, 8);
    bench.write(spec::at("SQ_DB").of(1), 8);
    const std::uint32_t error = spec::bit_of(spec::ErrorSource::bad_doorbell);
    const auto origin = [&] { return bench.read(spec::at("ERR_INFO").of()); };
    EXPECT_EQ(origin(), 0x0001FFFFu);
    for (const std::uint32_t control : {3u, 1u, 0u, 1u}) {
        bench.write(spec::at("CC").of(), control);
        bench.run();
        EXPECT_EQ(bench.errors(), error);
        EXPECT_EQ(origin(), 0x0001FFFFu);
    }
    bench.write(spec::at("Q_RESET").of(1), 1);
    EXPECT_EQ(bench.errors(), error);
    bench.write(spec::at("ERR_SRC").of(), ~error);
    EXPECT_EQ(bench.errors(), error);
    bench.device_reset();
    EXPECT_EQ(bench.errors(), 0u);
    EXPECT_EQ(origin(), 0xFFFFFFFFu);
}

TEST(CoreStates, AWrongDoorbellDoesNotDisturbWhatIsUnderWay) {
    Bench bench;
    bench.enable_queue(1, 8);
    bench.push(1, nop(1));
    bench.ring(1);
    bench.write(spec::at("SQ_DB").of(1), 8);
    bench.run();
    EXPECT_EQ(bench.queue_state(1), spec::QueueState::enabled);
    EXPECT_EQ(cids(bench.reap(1)), (std::vector<std::uint16_t>{1}));
    EXPECT_EQ(bench.read(spec::at("INFLIGHT").of(1)), 0u);
}

// ---- at every moment ----

constexpr std::uint16_t operations = 6;

/// Six encryptions announced at once, more than the two slices hold.
struct BusyBench : Bench {
    explicit BusyBench(const core::DeviceConfig& config = {}) : Bench(config) {
        enable_queue(0, 16);
        enable_queue(1, 16);
        session = execute(0, session_request()).result;
        // Twice, so that the places in the chip are no longer in order.
        submit();
        run();
        reap(1);
        submit();
        memory.accesses.clear();
    }
    std::uint32_t session = 0;

  private:
    void submit() {
        for (std::uint16_t cid = 0; cid < operations; ++cid) {
            push(1, encryption(cid, session, 512));
        }
        ring(1);
    }
};

/// Calls `check` with the bench after no, one, two, ... calendar entries, to the end of the work.
template <typename Check>
void at_every_moment(const Check& check) {
    int moments = 0;
    for (bool more = true; more; ++moments) {
        BusyBench bench;
        int steps = 0;
        while (steps < moments && bench.step()) {
            ++steps;
        }
        more = steps == moments;
        SCOPED_TRACE("after " + std::to_string(steps) + " calendar entries");
        check(bench);
        if (::testing::Test::HasFailure()) {
            return;
        }
    }
    EXPECT_GT(moments, 4 * operations) << "each operation has at least four stages";
}

TEST(QueueResetAtAnyMoment, CompletesEachOperationOnceAndTheLatterAsAborted) {
    std::set<std::size_t> splits;
    at_every_moment([&](BusyBench& bench) {
        bench.write(spec::at("Q_RESET").of(1), 1);
        EXPECT_EQ(bench.read(spec::at("Q_RESET").of(1)), 0u);
        bench.memory.accesses.clear();
        std::set<std::uint16_t> seen;
        std::vector<std::uint16_t> aborted;
        while (const auto completion = bench.take(1)) {
            EXPECT_TRUE(seen.insert(completion->cid).second);
            if (status_of(*completion) ==
                spec::Status::of(spec::StatusType::aborted, spec::AbortReason::queue_reset)) {
                aborted.push_back(completion->cid);
            } else {
                EXPECT_TRUE(status_of(*completion).ok());
                EXPECT_TRUE(aborted.empty()) << "nothing succeeds after the reset";
            }
        }
        EXPECT_EQ(seen.size(), operations);
        EXPECT_TRUE(std::is_sorted(aborted.begin(), aborted.end()));
        splits.insert(aborted.size());
        bench.run();
        EXPECT_TRUE(bench.memory.accesses.empty()) << "no DMA after the reset is done";
    });
    EXPECT_EQ(splits.size(), operations + 1u) << "all aborted, all but one, ... none";
}

TEST(QueueResetAtAnyMoment, LeavesNothingInTheWayOfTheNextUser) {
    at_every_moment([&](BusyBench& bench) {
        bench.write(spec::at("Q_RESET").of(1), 1);
        auto cq = bench.memory.at(bench.rings.at(1).cq, 16 * sizeof(spec::CompletionEntry));
        std::fill(cq.begin(), cq.end(), std::byte{0});
        bench.enable_again(1);
        for (std::uint16_t cid = 100; cid < 110; ++cid) {
            bench.push(1, bench.encryption(cid, bench.session, 512));
        }
        bench.ring(1);
        bench.run();
        const auto completions = bench.reap(1);
        EXPECT_EQ(completions.size(), 10u);
        for (const auto& completion : completions) {
            EXPECT_TRUE(status_of(completion).ok());
            EXPECT_GE(completion.cid, 100);
            EXPECT_EQ(completion.result, 512u);
        }
        EXPECT_EQ(bench.read64(spec::at("Q_COMPLETED").of(1)), 10u);
        EXPECT_EQ(bench.read(spec::at("INFLIGHT").of(1)), 0u);
    });
}

TEST(DeviceResetAtAnyMoment, EndsDmaAndInterruptsAndTheChipCanBeUsedAgain) {
    at_every_moment([&](BusyBench& bench) {
        bench.acknowledge(1, true);
        bench.messages.clear();
        bench.device_reset();
        bench.memory.accesses.clear();
        bench.run();
        EXPECT_TRUE(bench.memory.accesses.empty());
        EXPECT_TRUE(bench.messages.empty());
        EXPECT_EQ(spec::field("CSTS", "DRAINED").get(bench.read(spec::at("CSTS").of())), 1u);
        bench.start();
        bench.enable_queue(0, 8);
        bench.enable_queue(1, 8);
        const auto session = bench.execute(0, bench.session_request()).result;
        EXPECT_TRUE(status_of(bench.execute(1, bench.encryption(1, session))).ok());
    });
}

TEST(DisablingAtAnyMoment, LetsWhatWasFetchedFinishAndTheRestComeAfterwards) {
    at_every_moment([&](BusyBench& bench) {
        const auto submitted = [&] { return bench.read64(spec::at("Q_SUBMITTED").of(1)); };
        const std::uint64_t fetched = submitted() - operations;
        bench.write(spec::at("CC").of(), 0);
        bench.run();
        EXPECT_EQ(submitted() - operations, fetched);
        EXPECT_EQ(bench.reap(1).size(), fetched);
        bench.write(spec::at("CC").of(), 1);
        bench.run();
        EXPECT_EQ(bench.reap(1).size(), operations - fetched);
    });
}

TEST(AbortAtAnyMoment, EndsTheOperationOnceAndLeavesTheOthersAlone) {
    at_every_moment([&](BusyBench& bench) {
        auto abort = nop(99);
        abort.opcode = static_cast<std::uint8_t>(spec::Opcode::abort);
        abort.session = spec::AbortTarget{1, 3}.encode();
        bench.push(0, abort);
        bench.ring(0);
        bench.run();
        const auto answer = bench.reap(0);
        ASSERT_EQ(answer.size(), 1u);
        std::set<std::uint16_t> seen;
        for (const auto& completion : bench.reap(1)) {
            EXPECT_TRUE(seen.insert(completion.cid).second);
            const bool aborted = status_of(completion).type == spec::StatusType::aborted;
            EXPECT_EQ(aborted, completion.cid == 3 && answer[0].result == 1);
            EXPECT_EQ(completion.result, aborted ? 0u : 512u);
        }
        EXPECT_EQ(seen.size(), operations);
    });
}

TEST(QueueReset, DuringAFetchDoesNotLendThatFetchToTheNextUser) {
    const core::DeviceConfig config;
    Bench bench(config);
    bench.enable_queue(1, 8);
    bench.push(1, nop(1));
    bench.ring(1);
    bench.run_for(config.doorbell + config.fetch - 50ns);
    bench.write(spec::at("Q_RESET").of(1), 1);
    bench.enable_queue(1, 8);
    bench.push(1, nop(2));
    bench.ring(1);
    const auto fetched = [&] { return bench.read64(spec::at("Q_SUBMITTED").of(1)); };
    bench.run_for(config.doorbell + config.fetch - Duration(1));
    EXPECT_EQ(fetched(), 0u);
    bench.run_for(Duration(1));
    EXPECT_EQ(fetched(), 1u);
}

// ---- what a device reset leaves to the next user ----

/// A chip with one slice and without a watchdog, whose time is passed no further than is said: what
/// an operation before a reset would have taken is not over when the next one comes.
struct OneSlice : Bench {
    explicit OneSlice(const core::DeviceConfig& config = {.slices = 1})
        : Bench(config), chip(config) {
        set_up();
    }
    void set_up() {
        write(spec::at("WDT_SYM_US").of(), 0);
        enable_queue(0, 8);
        enable_queue(1, 8);
        push(0, session_request());
        ring(0);
        run_for(10us);
        const auto created = reap(0);
        ASSERT_EQ(created.size(), 1u);
        session = created[0].result;
    }
    void submit(std::uint32_t length) {
        push(1, encryption(1, session, length));
        ring(1);
    }
    /// One operation is on the slice, for so many times as long as usual, and another waits for it.
    void occupy(std::int32_t factor) {
        device.inject({.kind = spec::FaultKind::slow_slice, .value = factor});
        submit(64);
        submit(64);
        run_for(10us);
        EXPECT_TRUE(reap(1).empty());
    }
    /// To READY, with its queue pairs and session again.
    void restart(bool is_function_level) {
        reset(is_function_level);
        run_for(chip.reset + chip.self_test);
        write(spec::at("CC").of(), 1);
        run_for(chip.enable);
        EXPECT_EQ(state(), spec::DeviceState::ready);
        set_up();
    }
    /// Of operations that are announced at one time.
    std::vector<std::uint32_t> latencies(const std::vector<std::uint32_t>& lengths) {
        for (const std::uint32_t length : lengths) {
            submit(length);
        }
        run_for(200us);
        std::vector<std::uint32_t> all;
        for (const auto& completion : reap(1)) {
            EXPECT_TRUE(status_of(completion).ok());
            all.push_back(completion.latency_ns);
        }
        return all;
    }
    const core::DeviceConfig chip;
    std::uint32_t session = 0;
};

class AfterAReset : public ::testing::TestWithParam<bool> {
  protected:
    const std::vector<std::uint32_t> lengths = {1 << 18, 1 << 17, 64};
};

TEST_P(AfterAReset, AllSlicesAreFree) {
    OneSlice bench;
    bench.occupy(spec::most_slowdown);
    bench.restart(GetParam());
    const auto after = bench.latencies(lengths);
    EXPECT_EQ(after.size(), lengths.size());
    EXPECT_EQ(after, OneSlice().latencies(lengths));
}

TEST_P(AfterAReset, NoSliceIsGivenAwayWhenWhatWasBeforeItWouldHaveBeenDone) {
    const auto fresh = OneSlice().latencies(lengths);
    for (std::int32_t factor = 1000; factor < 2000; factor += 25) {  // 416 us to 832 us
        OneSlice bench;
        bench.occupy(factor);
        bench.restart(GetParam());
        EXPECT_EQ(bench.latencies(lengths), fresh) << factor << " times as long";
    }
}

/// Thirty sources of 1 MiB cross in 2 ms, which is more than the reset and the bring-up take.
TEST_P(AfterAReset, NothingWaitsForWhatTheLinkHadStillToBring) {
    OneSlice bench;
    bench.enable_queue(2, 32);
    for (std::uint16_t cid = 0; cid < 30; ++cid) {
        bench.push(2, bench.Bench::encryption(cid, bench.session, 1 << 20));
    }
    bench.ring(2);
    bench.run_for(10us);
    bench.restart(GetParam());
    EXPECT_EQ(bench.latencies(lengths), OneSlice().latencies(lengths));
}

/// With a single credit an output of 4 KiB, 16 packets, crosses in 1.6 ms.
TEST_P(AfterAReset, NothingWaitsForACreditThatAnOutputBeforeItWouldHaveUsed) {
    const core::DeviceConfig chip{.slices = 1, .posted_credits = 1, .credit_return = 100us};
    OneSlice bench(chip);
    bench.submit(4096);
    bench.run_for(10us);
    bench.restart(GetParam());
    const auto after = bench.latencies({64});
    EXPECT_EQ(after.size(), 1u);
    EXPECT_EQ(after, OneSlice(chip).latencies({64}));
}

INSTANTIATE_TEST_SUITE_P(Both, AfterAReset, ::testing::Bool(), [](const auto& how) {
    return how.param ? "FunctionLevelReset" : "DeviceReset";
});

TEST(BusySlices, AreNoneInTheTraceFromAResetOn) {
    std::vector<std::uint32_t> busy;
    OneSlice bench;
    bench.trace.listen([&](const TraceEvent& event) {
        if (event.kind == TraceKind::slices) {
            busy.push_back(BusySlices::of(event.id).busy);
        }
    });
    bench.occupy(1000);
    EXPECT_EQ(busy, (std::vector<std::uint32_t>{1}));
    bench.device_reset();
    EXPECT_EQ(busy, (std::vector<std::uint32_t>{1, 0}));
    bench.run();
    EXPECT_EQ(busy.size(), 2u);
}

// ---- what an ended operation leaves to the next ----

/// A chip with one slice, which a long operation occupies until 83 us while another waits for it,
/// and whose completions take long.
struct QueueForTheSlice : Bench {
    static constexpr std::uint32_t long_length = 1 << 18;

    QueueForTheSlice() : Bench({.slices = 1, .completion = 1ms}) {
        for (const std::uint32_t queue : {0u, 1u, 2u}) {
            enable_queue(queue, 16);
        }
        session = execute(0, session_request()).result;
        push(1, encryption(1, session, long_length));
        ring(1);
        run_for(20us);  // its source is read, the slice works
        push(2, encryption(2, session, 64));
        ring(2);
        run_for(5us);  // waits for the slice
        write(spec::at("Q_RESET").of(2), 1);
        const auto aborted = take(2);
        EXPECT_TRUE(aborted && status_of(*aborted).type == spec::StatusType::aborted);
        enable_queue(2, 16);
    }
    /// What the slice worked, against what operations of these lengths take.
    void expect_slice_time(std::initializer_list<std::uint32_t> lengths) {
        const core::DeviceConfig config;
        Duration busy{};
        for (const std::uint32_t length : lengths) {
            const core::ServiceTime& time = config.service.aes_cbc;
            busy += time.fixed + time.per_byte * std::int64_t{length};
        }
        write(spec::at("STAT_SNAP").of(), 1);
        EXPECT_EQ(read64(spec::at("STAT_BUSY_NS").of()), static_cast<std::uint64_t>(to_ns(busy)));
    }
    std::uint32_t session = 0;
};

TEST(WaitingForASlice, WhatTakesThePlaceOfAnAbortedOneWaitsForItsOwnSource) {
    QueueForTheSlice bench;
    constexpr std::uint32_t length = 1 << 20;  // on the link when the slice becomes free
    const auto next = bench.encryption(3, bench.session, length);
    bool read = false;
    bool written = false;
    bench.memory.judge = [&](const BenchMemory::Access& access) {
        read |= !access.is_write && access.address == next.src;
        if (access.is_write && access.address == next.dst) {
            EXPECT_TRUE(read) << "a result without a source";
            EXPECT_FALSE(written) << "a result twice";
            written = true;
        }
        return core::DmaResult::ok;
    };
    bench.push(2, next);
    bench.ring(2);
    bench.run();
    const auto completions = bench.reap(2);
    ASSERT_EQ(completions.size(), 1u);
    EXPECT_EQ(completions[0].result, length);
    bench.expect_slice_time({bench.long_length, length});
}

TEST(WaitingForASlice, WhatTakesThePlaceOfAnAbortedOneRunsOnce) {
    QueueForTheSlice bench;
    constexpr std::uint32_t length = 64;  // waits for the slice, too
    EXPECT_EQ(bench.execute(2, bench.encryption(3, bench.session, length)).result, length);
    bench.expect_slice_time({bench.long_length, length});
}

TEST(WaitingForASlice, ANopThatTakesThePlaceOfAnAbortedOneIsNoCipher) {
    QueueForTheSlice bench;
    EXPECT_TRUE(status_of(bench.execute(2, nop(3))).ok());
    bench.expect_slice_time({bench.long_length});
}

}  // namespace
}  // namespace ringside::testing
