// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// CC.DRAIN at every moment of a queue's work: what has been fetched finishes, nothing more is
// fetched, and what stayed in the ring comes when the chip is READY again.

#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "chip_bench.hpp"

namespace ringside::testing {
namespace {

constexpr std::uint16_t operations = 20;
constexpr std::uint32_t length = 64;
constexpr std::uint32_t enabled = 1;
constexpr std::uint32_t drain = 3;

/// Twenty encryptions in three batches for one slice, which does them in order.
struct DrainedBench : CipherBench {
    DrainedBench() : CipherBench({.slices = 1}) {
        for (std::uint16_t cid = 0; cid < operations; ++cid) {
            entries.push_back(encryption(cid, length));
            push(1, entries.back());
        }
        memory.accesses.clear();
        ring(1);
    }
    void control(std::uint32_t value) { write(spec::at("CC").of(), value); }
    std::uint64_t fetched() const { return peek(spec::at("Q_SUBMITTED").of(1)); }
    bool is_drained() const {
        return spec::field("CSTS", "DRAINED").get(peek(spec::at("CSTS").of())) != 0;
    }
    std::ptrdiff_t writes_to(std::uint64_t address) const {
        return std::count_if(
            memory.accesses.begin(), memory.accesses.end(),
            [=](const auto& access) { return access.is_write && access.address == address; });
    }
    /// The next completions are those from `first` up to `end`, in order, and all are good.
    void expect_completions(std::uint64_t first, std::uint64_t end) {
        std::vector<std::uint16_t> expected(end - first);
        std::iota(expected.begin(), expected.end(), static_cast<std::uint16_t>(first));
        const auto completions = reap(1);
        EXPECT_EQ(cids(completions), expected);
        for (const auto& completion : completions) {
            EXPECT_TRUE(status_of(completion).ok());
            EXPECT_EQ(completion.result, length);
        }
    }

    std::vector<spec::SubmissionEntry> entries;
};

/// Calls `check` with the bench after no, one, two, ... calendar entries, to the end of the work,
/// and gives how many descriptors had been fetched then.
template <typename Check>
std::set<std::uint64_t> at_every_moment(const Check& check) {
    std::set<std::uint64_t> fetched;
    for (int moments = 0;; ++moments) {
        DrainedBench bench;
        int steps = 0;
        while (steps < moments && bench.step()) {
            ++steps;
        }
        SCOPED_TRACE("after " + std::to_string(steps) + " calendar entries");
        fetched.insert(bench.fetched());
        check(bench);
        if (steps < moments || ::testing::Test::HasFailure()) {
            return fetched;
        }
    }
}

TEST(DrainingAtAnyMoment, FinishesWhatWasFetchedAndTheRestComesInOrderAfterwards) {
    const auto splits = at_every_moment([](DrainedBench& bench) {
        const std::uint64_t fetched = bench.fetched();
        bench.control(drain);
        EXPECT_EQ(bench.state(), spec::DeviceState::draining);
        EXPECT_EQ(bench.is_drained(), bench.peek(spec::at("Q_COMPLETED").of(1)) == fetched);
        bench.run();
        EXPECT_EQ(bench.state(), spec::DeviceState::draining);
        EXPECT_EQ(bench.fetched(), fetched);
        EXPECT_EQ(bench.read(spec::at("SQ_HEAD").of(1)), fetched);
        EXPECT_TRUE(bench.is_drained());
        bench.expect_completions(0, fetched);

        bench.control(enabled);
        EXPECT_EQ(bench.state(), spec::DeviceState::ready);
        bench.run();
        EXPECT_EQ(bench.fetched(), operations);
        EXPECT_TRUE(bench.is_drained());
        bench.expect_completions(fetched, operations);
        EXPECT_EQ(bench.read(spec::at("INFLIGHT").of(1)), 0u);
        for (const auto& entry : bench.entries) {
            EXPECT_EQ(bench.writes_to(entry.dst), 1) << entry.cid;
        }
        EXPECT_EQ(bench.errors(), 0u);
    });
    EXPECT_EQ(splits, (std::set<std::uint64_t>{0, 8, 16, 20})) << "before and after each batch";
}

TEST(DrainingAtAnyMoment, IsOverAtOnceForWhoChangesTheirMind) {
    at_every_moment([](DrainedBench& bench) {
        bench.control(drain);
        bench.control(enabled);
        bench.run();
        bench.expect_completions(0, operations);
        EXPECT_EQ(bench.fetched(), operations);
    });
}

TEST(DrainingAtAnyMoment, MayEndInDisabledWhichFetchesNothingEither) {
    at_every_moment([](DrainedBench& bench) {
        const std::uint64_t fetched = bench.fetched();
        bench.control(drain);
        bench.control(0);
        EXPECT_EQ(bench.state(), spec::DeviceState::disabled);
        bench.run();
        EXPECT_TRUE(bench.is_drained());
        bench.expect_completions(0, fetched);
        bench.control(enabled);
        bench.run();
        bench.expect_completions(fetched, operations);
    });
}

TEST(Draining, LeavesWhatIsAnnouncedMeanwhileInEveryRing) {
    DrainedBench bench;
    bench.enable_queue(2, 8);
    bench.run();
    bench.expect_completions(0, operations);
    bench.control(drain);
    bench.memory.accesses.clear();
    for (const std::uint32_t queue : {0u, 1u, 2u}) {
        bench.push(queue, nop(100));
        bench.ring(queue);
    }
    bench.run();
    EXPECT_TRUE(bench.memory.accesses.empty());
    EXPECT_TRUE(bench.is_drained()) << "what is not fetched does not count";
    for (const std::uint32_t queue : {0u, 1u, 2u}) {
        EXPECT_EQ(bench.read(spec::at("INFLIGHT").of(queue)), 1u);
    }
    bench.control(enabled);
    bench.run();
    for (const std::uint32_t queue : {0u, 1u, 2u}) {
        EXPECT_EQ(cids(bench.reap(queue)), (std::vector<std::uint16_t>{100}));
    }
    EXPECT_EQ(bench.errors(), 0u);
}

}  // namespace
}  // namespace ringside::testing
