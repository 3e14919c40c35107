// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Rings as seen on the DMA port, at every pair of sizes, against the closed form: which entry is
// written when, with which phase, and that none is written that nobody has given back. Doorbells
// against a model, exhaustively. And the accounts: what is counted is what happened.

#include <gtest/gtest.h>

#include <set>

#include "chip_bench.hpp"
#include "ringside/base/prng.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t sizes[] = {2, 4, 8, 16, 32, 64};

// ---- laps ----

class RingPair : public ::testing::TestWithParam<std::tuple<std::uint32_t, std::uint32_t>> {
  protected:
    RingPair() {
        bench_.enable_queue(1, sq_entries_, cq_entries_);
        bench_.memory.judge = [this](const BenchMemory::Access& access) {
            access.is_write ? see_write(access) : see_read(access);
            return core::DmaResult::ok;
        };
    }

    std::uint32_t credits() const { return std::min(sq_entries_, cq_entries_) - 1; }

    void see_read(const BenchMemory::Access& access) {
        EXPECT_EQ(access.address, bench_.rings.at(1).sq_entry(fetched_ % sq_entries_));
        EXPECT_EQ(access.size, sizeof(spec::SubmissionEntry));
        EXPECT_LT(fetched_, announced_) << "before its doorbell";
        ++fetched_;
    }
    /// Body and tail alternate; the tail makes the entry the next one.
    void see_write(const BenchMemory::Access& access) {
        const std::uint64_t entry = bench_.rings.at(1).cq_entry(posted_ % cq_entries_);
        EXPECT_LT(posted_, fetched_) << "before its descriptor";
        EXPECT_LT(posted_ - consumed_, cq_entries_ - 1) << "over what nobody has given back";
        if (body_written_) {
            EXPECT_EQ(access.address, entry + spec::completion_tail_offset);
            EXPECT_EQ(access.size, sizeof(spec::CompletionEntry) - spec::completion_tail_offset);
            ++posted_;
        } else {
            EXPECT_EQ(access.address, entry);
            EXPECT_EQ(access.size, spec::completion_tail_offset);
        }
        body_written_ = !body_written_;
    }

    /// Entry number `number` of all, by the closed form of the phase.
    void expect_entry(std::uint64_t number) {
        const auto entry = bench_.memory.get<spec::CompletionEntry>(
            bench_.rings.at(1).cq_entry(number % cq_entries_));
        EXPECT_EQ(entry.user_tag, number);
        EXPECT_EQ(entry.cid, number % 0x10000);
        EXPECT_EQ(entry.qid, 1u);
        EXPECT_EQ(spec::phase_of(entry.status), number / cq_entries_ % 2 == 0) << number;
        EXPECT_EQ(entry.reserved, 0u);
    }

    void submit(std::uint64_t count) {
        for (std::uint64_t i = 0; i < count; ++i) {
            auto entry = nop(static_cast<std::uint16_t>(announced_));
            entry.user_tag = announced_++;
            bench_.push(1, entry);
        }
        bench_.ring(1);
    }
    void consume(std::uint64_t count) {
        for (std::uint64_t i = 0; i < count; ++i) {
            expect_entry(consumed_++);
        }
        bench_.rings.at(1).head = static_cast<std::uint32_t>(consumed_ % cq_entries_);
        bench_.acknowledge(1);
    }
    void expect_registers() {
        const auto is = [&](spec::Address address, std::uint64_t value) {
            EXPECT_EQ(bench_.peek(address.of(1)), value) << std::hex << address.of(1);
        };
        is(spec::at("SQ_TAIL"), announced_ % sq_entries_);
        is(spec::at("SQ_HEAD"), fetched_ % sq_entries_);
        is(spec::at("CQ_TAIL"), posted_ % cq_entries_);
        is(spec::at("CQ_HEAD"), consumed_ % cq_entries_);
        is(spec::at("INFLIGHT"), announced_ - consumed_);
        is(spec::at("Q_SUBMITTED"), fetched_);
        is(spec::at("Q_COMPLETED"), posted_);
        const auto drained = spec::field("CSTS", "DRAINED").get(bench_.peek(spec::at("CSTS").of()));
        EXPECT_EQ(drained, fetched_ == posted_ ? 1u : 0u);
    }

    const std::uint32_t sq_entries_ = std::get<0>(GetParam());
    const std::uint32_t cq_entries_ = std::get<1>(GetParam());
    Bench bench_;
    std::uint64_t announced_ = 0;
    std::uint64_t fetched_ = 0;
    std::uint64_t posted_ = 0;
    std::uint64_t consumed_ = 0;
    bool body_written_ = false;
};

TEST_P(RingPair, ManyLapsWriteEachEntryInItsPlaceWithItsPhaseAndAllCountsAgree) {
    Prng stream(seed(), "laps");
    const std::uint64_t laps = 5 * std::uint64_t{std::max(sq_entries_, cq_entries_)};
    while (consumed_ < laps && !HasFailure()) {
        submit(stream.between(0, credits() - (announced_ - consumed_)));
        for (std::uint64_t steps = stream.below(6); steps != 0 && bench_.step(); --steps) {
            expect_registers();
        }
        consume(stream.between(0, posted_ - consumed_));
        expect_registers();
    }
    EXPECT_EQ(bench_.errors(), 0u);
}

TEST_P(RingPair, FullToItsLastCreditItGoesOnForManyLaps) {
    for (std::uint32_t round = 0; round < 12 && !HasFailure(); ++round) {
        submit(credits());
        bench_.run();
        EXPECT_EQ(posted_, announced_);
        expect_registers();
        consume(credits());
    }
    EXPECT_EQ(bench_.errors(), 0u);
}

INSTANTIATE_TEST_SUITE_P(AllSizes, RingPair,
                         ::testing::Combine(::testing::ValuesIn(sizes), ::testing::ValuesIn(sizes)),
                         [](const auto& pair) {
                             return "SQ" + std::to_string(std::get<0>(pair.param)) + "_CQ" +
                                    std::to_string(std::get<1>(pair.param));
                         });

// ---- a completion ring that nobody reads ----

class Unread : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(Unread, ACompletionRingIsFilledToItsLastFreeEntryAndThenLeftAlone) {
    const std::uint32_t entries = GetParam();
    for (const std::uint32_t lap : {0u, 1u, 2u}) {
        Bench bench;
        bench.enable_queue(1, 256, entries);
        for (std::uint32_t i = 0; i < lap * entries; ++i) {
            bench.execute(1, nop(0));
        }
        const auto ring = bench.rings.at(1);
        for (std::uint16_t i = 0; i < entries + 5; ++i) {
            bench.push(1, nop(i));
        }
        bench.ring(1);
        bench.run();
        EXPECT_EQ(bench.errors(), spec::bit_of(spec::ErrorSource::cq_overrun));
        EXPECT_EQ(bench.read(spec::at("ERR_INFO").of()), 1u << 16 | (entries - 1)) << "whose";
        EXPECT_EQ(bench.queue_state(1), spec::QueueState::error);
        EXPECT_EQ(bench.read64(spec::at("Q_COMPLETED").of(1)), (lap + 1) * entries - 1);
        const auto memory = bench.memory.at(ring.cq, entries * sizeof(spec::CompletionEntry));
        const std::vector<std::byte> before(memory.begin(), memory.end());

        // Giving entries back does not revive it, and what was lost stays lost.
        bench.memory.accesses.clear();
        EXPECT_EQ(bench.reap(1).size(), entries - 1);
        bench.run();
        EXPECT_TRUE(bench.memory.accesses.empty());
        EXPECT_EQ(bench.queue_state(1), spec::QueueState::error);
        EXPECT_TRUE(std::equal(before.begin(), before.end(),
                               bench.memory.at(ring.cq, before.size()).begin()));
    }
}

INSTANTIATE_TEST_SUITE_P(Sizes, Unread, ::testing::ValuesIn(sizes));

// ---- order ----

TEST(Order, OfWritesIsPayloadThenBodyThenTailForEveryOperationOfABusyChip) {
    Bench bench;
    bench.enable_queue(0, 8);
    bench.enable_queue(1, 64);
    const auto session = bench.execute(0, bench.session_request()).result;
    std::map<std::uint64_t, std::uint16_t> owner_of;  // by destination
    for (std::uint16_t cid = 0; cid < 40; ++cid) {
        const auto entry = bench.encryption(cid, session, 16 + cid % 7 * 512);
        owner_of[entry.dst] = cid;
        bench.push(1, entry);
    }
    bench.ring(1);
    bench.memory.accesses.clear();
    bench.run();
    std::set<std::uint16_t> delivered;
    const auto ring = bench.rings.at(1);
    std::uint32_t index = 0;
    for (const auto& access : bench.memory.accesses) {
        if (!access.is_write) {
            continue;
        }
        if (owner_of.count(access.address) != 0) {
            EXPECT_TRUE(delivered.insert(owner_of.at(access.address)).second);
        } else if (access.address == ring.cq_entry(index) + spec::completion_tail_offset) {
            const auto entry = bench.memory.get<spec::CompletionEntry>(ring.cq_entry(index++));
            EXPECT_TRUE(delivered.count(entry.cid) != 0) << "told of before it was there";
        }
    }
    EXPECT_EQ(delivered.size(), 40u);
    EXPECT_EQ(index, 40u);
}

// ---- doorbells ----

constexpr std::uint32_t entries = 8;

/// A fresh ring, empty, its indices at `head`.
void begin_at(Bench& bench, std::uint32_t head) {
    bench.write(spec::at("Q_RESET").of(1), 1);
    bench.clear_errors();
    bench.enable_queue(1, entries);
    for (std::uint32_t i = 0; i < head; ++i) {
        bench.execute(1, nop(0));
    }
}

/// What the datasheet says of a tail doorbell: in the ring, and not over what is unfetched.
struct TailModel {
    std::uint32_t head;
    std::uint32_t tail;

    bool accepts(std::uint32_t value) const {
        const std::uint32_t mask = entries - 1;
        return value < entries && ((tail - head) & mask) + ((value - tail) & mask) < entries;
    }
};

TEST(Doorbells, AnyTailIsTakenExactlyIfTheRingHasRoomForIt) {
    Bench bench;
    for (std::uint32_t head = 0; head < entries; ++head) {
        for (std::uint32_t unfetched = 0; unfetched < entries; ++unfetched) {
            for (std::uint32_t value = 0; value < 2 * entries + 2; ++value) {
                begin_at(bench, head);
                const TailModel model{head, (head + unfetched) % entries};
                bench.write(spec::at("SQ_DB").of(1), model.tail);
                ASSERT_EQ(bench.errors(), 0u);
                const bool high_bits = value > 2 * entries;
                bench.write(spec::at("SQ_DB").of(1), high_bits ? 0x10000 | head : value);
                const bool good = !high_bits && model.accepts(value);
                EXPECT_EQ(bench.errors(), good ? 0 : spec::bit_of(spec::ErrorSource::bad_doorbell))
                    << "head " << head << ", unfetched " << unfetched << ", value " << value;
                EXPECT_EQ(bench.peek(spec::at("SQ_TAIL").of(1)), good ? value : model.tail);
                EXPECT_EQ(bench.peek(spec::at("INFLIGHT").of(1)),
                          ((good ? value : model.tail) - head) % entries);
            }
        }
    }
}

TEST(Doorbells, AnyHeadIsTakenExactlyIfItGivesBackWhatWasWritten) {
    Bench bench;
    for (std::uint32_t head = 0; head < entries; ++head) {
        for (std::uint32_t unconsumed = 0; unconsumed < entries; ++unconsumed) {
            for (std::uint32_t value = 0; value < 2 * entries + 1; ++value) {
                begin_at(bench, head);
                for (std::uint32_t i = 0; i < unconsumed; ++i) {
                    bench.push(1, nop(0));
                }
                bench.ring(1);
                bench.run();
                bench.write(spec::at("CQ_DB").of(1), value);
                const std::uint32_t given_back = (value - head) % entries;
                const bool good = value < entries && given_back <= unconsumed;
                EXPECT_EQ(bench.errors(), good ? 0 : spec::bit_of(spec::ErrorSource::bad_doorbell))
                    << "head " << head << ", unconsumed " << unconsumed << ", value " << value;
                EXPECT_EQ(bench.peek(spec::at("CQ_HEAD").of(1)), good ? value : head);
                EXPECT_EQ(bench.peek(spec::at("INFLIGHT").of(1)),
                          unconsumed - (good ? given_back : 0));
            }
        }
    }
}

// ---- accounts ----

TEST(Accounts, StatisticsAreWhatTheBusAndTheVectorsSaw) {
    Bench bench;
    for (const std::uint32_t queue : {0u, 1u, 2u}) {
        bench.enable_queue(queue, 32);
    }
    const auto session = bench.execute(0, bench.session_request()).result;
    std::uint64_t operations = 1;
    std::uint64_t errors = 0;
    std::uint64_t bytes = 0;
    for (std::uint16_t cid = 0; cid < 20; ++cid) {
        const std::uint32_t queue = 1 + cid % 2;
        bench.acknowledge(queue, true);
        auto entry = bench.encryption(cid, session, 64);
        const bool bad = cid % 5 == 4;
        entry.iv_len = bad ? 3 : 16;
        errors += status_of(bench.execute(queue, entry)).ok() ? 0 : 1;
        bytes += bad ? 0 : 64;
        ++operations;
    }
    EXPECT_EQ(errors, 4u);
    // A reset aborts what one more doorbell announced: it reads descriptors and posts entries, too.
    for (std::uint16_t cid = 0; cid < 7; ++cid) {
        bench.push(1, nop(cid));
    }
    bench.ring(1);
    bench.write(spec::at("Q_RESET").of(1), 1);
    bench.run();
    operations += 7;
    errors += 7;

    std::uint64_t moved[2] = {};
    for (const auto& access : bench.memory.accesses) {
        moved[access.is_write ? 1 : 0] += access.size;
    }
    bench.write(spec::at("STAT_SNAP").of(), 1);
    EXPECT_EQ(bench.read64(spec::at("STAT_OPS").of()), operations);
    EXPECT_EQ(bench.read64(spec::at("STAT_ERRS").of()), errors);
    EXPECT_EQ(bench.read64(spec::at("STAT_BYTES").of()), bytes);
    EXPECT_EQ(bench.read64(spec::at("STAT_DMA_RD").of()), moved[0]);
    EXPECT_EQ(bench.read64(spec::at("STAT_DMA_WR").of()), moved[1]);
    EXPECT_EQ(bench.read64(spec::at("STAT_MSIX").of()), bench.messages.size());
    EXPECT_GE(bench.messages.size(), 20u);
}

}  // namespace
}  // namespace ringside::testing
