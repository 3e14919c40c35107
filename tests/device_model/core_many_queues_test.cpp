// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Every queue pair of the largest chip at work at once, each with a vector of its own: whatever one
// of them asks for, it alone gets, and none waits for ever.

#include <gtest/gtest.h>

#include <set>

#include "chip_bench.hpp"
#include "ringside/core/chips.hpp"

namespace ringside::testing {
namespace {

constexpr std::uint32_t queues = spec::max_queue_pairs;
constexpr std::uint16_t operations = 5;
constexpr std::uint32_t entries = 8;

class EveryQueueBench : public Bench {
  public:
    EveryQueueBench() : Bench(core::find_chip("server")->config()) {
        EXPECT_EQ(spec::field("CAP", "MAX_QP").get(read(spec::at("CAP").of())), queues);
        for (std::uint32_t queue = 0; queue < queues; ++queue) {
            enable_queue(queue, entries);
        }
        session_ = execute(0, session_request()).result;
        for (std::uint32_t queue = 0; queue < queues; ++queue) {
            acknowledge(queue, true);
        }
        memory.accesses.clear();
    }
    /// Without the doorbell. The length tells the queue pairs apart, the admin one has none.
    void prepare(std::uint32_t queue) {
        for (std::uint16_t cid = 0; cid < operations; ++cid) {
            auto entry = queue == 0 ? nop(cid) : encryption(cid, session_, length_of(queue));
            entry.user_tag = tag_of(queue, cid);
            push(queue, entry);
        }
    }
    /// All operations of the queue pair, each once, and one message on its own vector.
    void expect_all(std::uint32_t queue) {
        SCOPED_TRACE("queue pair " + std::to_string(queue));
        EXPECT_EQ(messages_of(spec::queue_vector(queue)), 1u);
        std::set<std::uint16_t> seen;
        for (const auto& completion : reap(queue, true)) {
            EXPECT_TRUE(seen.insert(completion.cid).second);
            EXPECT_TRUE(status_of(completion).ok());
            EXPECT_EQ(completion.qid, queue);
            EXPECT_EQ(completion.user_tag, tag_of(queue, completion.cid));
            EXPECT_EQ(completion.result, length_of(queue));
        }
        EXPECT_EQ(seen.size(), operations);
        EXPECT_EQ(read(spec::at("INFLIGHT").of(queue)), 0u);
    }

  private:
    static std::uint64_t tag_of(std::uint32_t queue, std::uint16_t cid) {
        return std::uint64_t{queue} << 32 | cid;
    }
    static std::uint32_t length_of(std::uint32_t queue) { return 16 * queue; }

    std::uint32_t session_ = 0;
};

TEST(EveryQueuePair, OfTheLargestChipWorksAtOnceOnItsOwnRingAndVector) {
    EveryQueueBench bench;
    for (int laps = 0; laps < 4; ++laps) {
        bench.messages.clear();
        for (std::uint32_t queue = 0; queue < queues; ++queue) {
            bench.prepare(queue);
        }
        for (std::uint32_t queue = 0; queue < queues; ++queue) {
            bench.ring(queue);
        }
        bench.run();
        EXPECT_EQ(bench.messages.size(), queues);
        for (std::uint32_t queue = 0; queue < queues; ++queue) {
            bench.expect_all(queue);
        }
        ASSERT_FALSE(::testing::Test::HasFailure());
    }
    EXPECT_EQ(bench.errors(), 0u);
}

TEST(EveryQueuePair, OfTheLargestChipWorksAloneAndWakesNoOther) {
    EveryQueueBench bench;
    for (std::uint32_t queue = 0; queue < queues; ++queue) {
        bench.messages.clear();
        bench.prepare(queue);
        bench.ring(queue);
        bench.run();
        EXPECT_EQ(bench.messages.size(), 1u);
        bench.expect_all(queue);
    }
}

TEST(EveryQueuePair, OfTheLargestChipIsResetWithoutTheOthers) {
    for (const std::uint32_t victim : {queues - 1, 34u, 33u, 32u, 31u, 2u, 1u}) {
        EveryQueueBench bench;
        for (std::uint32_t queue = 0; queue < queues; ++queue) {
            bench.prepare(queue);
            bench.ring(queue);
        }
        bench.write(spec::at("Q_RESET").of(victim), 1);
        bench.run();
        for (std::uint32_t queue = 0; queue < queues; ++queue) {
            if (queue != victim) {
                bench.expect_all(queue);
            }
        }
        EXPECT_EQ(bench.read(spec::at("INFLIGHT").of(victim)), 0u);
        for (std::uint16_t cid = 0; cid < operations; ++cid) {
            const auto completion = bench.take(victim);
            ASSERT_TRUE(completion.has_value());
            EXPECT_EQ(completion->cid, cid);
            EXPECT_EQ(status_of(*completion).type, spec::StatusType::aborted);
        }
    }
}

}  // namespace
}  // namespace ringside::testing
