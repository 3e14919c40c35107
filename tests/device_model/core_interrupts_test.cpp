// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// How many messages completions make and when: moderation counted against closed forms, and the
// MSI-X table with its masks and pending bits.

#include <gtest/gtest.h>

#include "chip_bench.hpp"
#include "ringside/base/prng.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t queue_vector = spec::queue_vector(1);

/// One queue, armed, whose handler drains and re-arms at each message.
class ModeratedBench : public Bench {
  public:
    explicit ModeratedBench(std::uint32_t count, std::uint32_t time_us) {
        enable_queue(1, 64);
        write(spec::at("INT_MOD").of(1), count << 16 | time_us);
        acknowledge(1, true);
        trace.listen([this](const TraceEvent& event) {
            if (event.kind == TraceKind::completion) {
                completed_.push_back(event.time);
            }
        });
    }
    void submit(std::uint32_t count, unsigned flags = 0) {
        for (std::uint32_t i = 0; i < count; ++i) {
            push(1, nop(0, flags));
        }
        ring(1);
    }
    /// To the next calendar entry, or the end of `duration`, with the handler at work.
    void run_handled(Duration duration) {
        const Time end = now + duration;
        while (device.next_event() && *device.next_event() <= end) {
            step();
            if (messages.size() != handled_) {
                handled_ = messages.size();
                longest_wait_ = std::max(longest_wait_, now - completed_[consumed_]);
                consumed_ += reap(1, true).size();
            }
        }
        run_for(end - now);
    }
    std::size_t consumed() const { return consumed_; }
    /// From a completion to the message that told of it.
    Duration longest_wait() const { return longest_wait_; }

  private:
    std::vector<Time> completed_;
    Duration longest_wait_{};
    std::size_t handled_ = 0;
    std::size_t consumed_ = 0;
};

struct Moderation {
    std::uint32_t count;
    std::uint32_t time_us;
};

class ModerationByCount : public ::testing::TestWithParam<Moderation> {};

TEST_P(ModerationByCount, SendsAMessageForEachFullCountAndOneForTheRemainder) {
    const auto [count, time_us] = GetParam();
    const std::uint32_t each = std::max(count, 1u);
    for (const std::uint32_t total :
         {1u, each - 1, each, each + 1, 3 * each, 5 * each + each / 2}) {
        ModeratedBench bench(count, time_us);
        // One at a time, so that the handler is never late.
        for (std::uint32_t i = 0; i < total; ++i) {
            bench.submit(1);
            bench.run_handled(2us);
        }
        EXPECT_EQ(bench.messages_of(queue_vector), total / each) << total;
        EXPECT_EQ(bench.consumed(), total / each * each) << total;
        bench.run_handled(std::chrono::microseconds(time_us + 1));
        const bool rest = total % each != 0 && time_us != 0;
        EXPECT_EQ(bench.messages_of(queue_vector), total / each + (rest ? 1 : 0)) << total;
        EXPECT_EQ(bench.messages.size(), bench.messages_of(queue_vector)) << "on no other vector";
    }
}

std::string name_of(const ::testing::TestParamInfo<Moderation>& moderation) {
    return "count" + std::to_string(moderation.param.count) + "_time" +
           std::to_string(moderation.param.time_us);
}
INSTANTIATE_TEST_SUITE_P(Counts, ModerationByCount,
                         ::testing::Values(Moderation{0, 0}, Moderation{1, 0}, Moderation{1, 500},
                                           Moderation{2, 0}, Moderation{2, 500}, Moderation{3, 500},
                                           Moderation{8, 0}, Moderation{8, 500},
                                           Moderation{32, 500}),
                         name_of);

TEST(Moderation, NoCompletionWaitsLongerThanTheTimeAndNoneIsMissed) {
    constexpr Duration limit = 20us;
    ModeratedBench bench(8, 20);
    Prng stream(seed(), "moderated traffic");
    std::uint32_t submitted = 0;
    for (int i = 0; i < 300; ++i) {
        const auto burst = static_cast<std::uint32_t>(stream.between(1, 12));
        submitted += burst;
        bench.submit(burst);
        bench.run_handled(std::chrono::nanoseconds(stream.below(30'000)));
    }
    bench.run_handled(limit + 5us);
    EXPECT_EQ(bench.consumed(), submitted);
    EXPECT_EQ(bench.longest_wait(), limit + core::DeviceConfig{}.interrupt) << "and some wait so";
    EXPECT_LT(bench.messages_of(queue_vector), submitted / 2);
}

TEST(Moderation, TheTimeRunsFromTheFirstUnannouncedCompletionAfterARearm) {
    // The driver polls what the timer runs for, and arms again: nothing is unannounced then.
    const core::DeviceConfig config;
    ModeratedBench bench(8, 50);
    bench.submit(1);
    bench.run_for(30us);
    EXPECT_EQ(bench.reap(1, true).size(), 1u);
    bench.run_for(10us);
    const Time start = bench.now;
    bench.submit(1);
    bench.run();
    ASSERT_EQ(bench.messages.size(), 1u);
    const Duration completed = config.doorbell + config.fetch + config.completion;
    EXPECT_EQ(bench.messages[0].time - start, completed + 50us + config.interrupt);
}

TEST(Moderation, ATimerWhoseCompletionsWerePolledSendsNothing) {
    ModeratedBench bench(8, 50);
    bench.submit(3);
    bench.run_for(30us);
    EXPECT_EQ(bench.reap(1, true).size(), 3u);
    bench.run();
    EXPECT_EQ(bench.messages.size(), 0u);
    bench.submit(8);
    bench.run();
    EXPECT_EQ(bench.messages.size(), 1u) << "and the queue is still armed";
}

TEST(Moderation, InterruptNowAnnouncesAllAndStopsTheTimer) {
    ModeratedBench bench(8, 50);
    bench.submit(3);
    bench.submit(1, flag(spec::SubmissionFlag::interrupt_now));
    bench.run_for(10us);
    EXPECT_EQ(bench.messages.size(), 1u);
    EXPECT_EQ(bench.reap(1, true).size(), 4u);
    bench.run();
    EXPECT_EQ(bench.messages.size(), 1u);
}

TEST(Moderation, OfAQueueThatIsResetEndsWithIt) {
    ModeratedBench bench(8, 50);
    bench.submit(3);
    bench.run_for(10us);
    bench.write(spec::at("Q_RESET").of(1), 1);
    bench.enable_queue(1, 64);
    bench.write(spec::at("INT_MOD").of(1), 8u << 16 | 50);
    bench.acknowledge(1, true);
    const Time start = bench.now;
    bench.submit(1);
    bench.run();
    ASSERT_EQ(bench.messages.size(), 1u);
    EXPECT_GT(bench.messages[0].time - start, 50us) << "the old timer is not the new one's";
}

TEST(Moderation, MayChangeWhileCompletionsWait) {
    ModeratedBench bench(8, 0);
    bench.submit(3);
    bench.run();
    EXPECT_EQ(bench.messages.size(), 0u);
    bench.write(spec::at("INT_MOD").of(1), 4u << 16);
    bench.submit(1);
    bench.run();
    EXPECT_EQ(bench.messages.size(), 1u) << "the fourth";
}

// ---- MSI-X ----

constexpr std::uint32_t control_of(std::uint32_t which) {
    return which * 16 + 12;
}

/// Raises any vector: the queue's own is programmable, that of the errors comes with one.
struct VectorBench : Bench {
    void use(std::uint32_t which) {
        vector = which;
        enable_queue(1, 8);
        if (which == spec::error_vector) {
            return;
        }
        write(spec::at("Q_RESET").of(1), 1);
        auto& ring = rings.at(1);
        write64(spec::at("SQ_BASE").of(1), ring.sq);
        write64(spec::at("CQ_BASE").of(1), ring.cq);
        write(spec::at("Q_SIZE").of(1), 7u << 16 | 7u);
        write(spec::at("CQ_VEC").of(1), 1u << 31 | which);
        write(spec::at("Q_CTRL").of(1), 1);
        acknowledge(1, true);
    }
    void raise() {
        if (vector == spec::error_vector) {
            write(0xFFC, 0);
            run();
            return;
        }
        execute(1, nop(0));
        acknowledge(1, true);
    }
    /// Whose mask is set: its message waits.
    void raise_masked(std::uint32_t which) {
        use(which);
        write_msix(control_of(which), 1);
        raise();
    }
    std::uint64_t pending() {
        return read_msix(spec::msix_pba_offset) |
               std::uint64_t{read_msix(spec::msix_pba_offset + 4)} << 32;
    }
    std::uint64_t read_msix64(std::uint32_t offset) {
        std::uint64_t value = 0;
        EXPECT_TRUE(device.read(core::Bar::msix, now, offset,
                                std::as_writable_bytes(std::span(&value, 1))));
        return value;
    }
    void write_msix64(std::uint32_t offset, std::uint64_t value) {
        EXPECT_TRUE(
            device.write(core::Bar::msix, now, offset, std::as_bytes(std::span(&value, 1))));
    }
    std::uint32_t vector = 0;
};

TEST(Msix, NoQueuePairHasTheVectorOfTheErrorsUnlessItSendsNothing) {
    for (const std::uint32_t queue : {0u, 1u}) {
        for (const bool sends : {false, true}) {
            Bench bench;
            bench.enable_queue(queue, 8);
            bench.write(spec::at("Q_CTRL").of(queue), 0);
            const auto& ring = bench.rings.at(queue);
            bench.write64(spec::at("SQ_BASE").of(queue), ring.sq);
            bench.write64(spec::at("CQ_BASE").of(queue), ring.cq);
            bench.write(spec::at("Q_SIZE").of(queue), 7u << 16 | 7u);
            const auto enabled = spec::field("CQ_VEC", "IEN").set(sends ? 1 : 0);
            bench.write(spec::at("CQ_VEC").of(queue),
                        static_cast<std::uint32_t>(enabled) | spec::error_vector);
            bench.write(spec::at("Q_CTRL").of(queue), 1);
            EXPECT_EQ(bench.queue_state(queue),
                      sends ? spec::QueueState::error : spec::QueueState::enabled);
            EXPECT_EQ(bench.errors(), sends ? spec::bit_of(spec::ErrorSource::bad_config) : 0u);
        }
    }
}

TEST(Msix, EachVectorHasItsMaskItsPendingBitAndItsMessage) {
    for (std::uint32_t which = 0; which < spec::max_vectors; ++which) {
        SCOPED_TRACE(which);
        VectorBench bench;
        bench.write_msix(which * 16, 0xFEE00000 + which * 8);
        bench.write_msix(which * 16 + 4, 0x12);
        bench.write_msix(which * 16 + 8, 0xD0000000 + which);
        bench.raise_masked(which);
        bench.raise();
        EXPECT_TRUE(bench.messages.empty());
        EXPECT_EQ(bench.pending(), std::uint64_t{1} << which);
        bench.write_msix(control_of((which + 1) % spec::max_vectors), 0);
        EXPECT_TRUE(bench.messages.empty()) << "another vector's mask";
        bench.write_msix(control_of(which), 0);
        ASSERT_EQ(bench.messages.size(), 1u) << "two that were masked are one message";
        EXPECT_EQ(bench.messages[0].address, 0x12'FEE00000u + which * 8);
        EXPECT_EQ(bench.messages[0].data, 0xD0000000 + which);
        EXPECT_EQ(bench.pending(), 0u);
        bench.write_msix(control_of(which), 0);
        EXPECT_EQ(bench.messages.size(), 1u) << "sent once";
    }
}

TEST(Msix, AMaskedVectorKeepsItsMessageBackWhileTheTableIsRewritten) {
    VectorBench bench;
    bench.raise_masked(5);
    bench.write_msix(5 * 16 + 8, 0xABCD);
    EXPECT_TRUE(bench.messages.empty());
    bench.write_msix(control_of(5), 0);
    ASSERT_EQ(bench.messages.size(), 1u);
    EXPECT_EQ(bench.messages[0].data, 0xABCDu) << "as the table says when it is sent";
}

TEST(Msix, ADeviceResetForgetsWhatIsPendingAndKeepsTheTable) {
    VectorBench bench;
    bench.raise_masked(5);
    bench.device_reset();
    bench.run();
    EXPECT_EQ(bench.pending(), 0u);
    EXPECT_EQ(bench.read_msix(control_of(5)), 1u);
    EXPECT_EQ(bench.read_msix(5 * 16 + 8), 5u);
    bench.write_msix(control_of(5), 0);
    EXPECT_TRUE(bench.messages.empty());
}

TEST(Msix, AllIsMaskedAfterPowerOn) {
    Trace trace(1);
    BenchMemory memory;
    struct : core::MsiPort {
        void send(std::uint64_t, std::uint32_t) override { ADD_FAILURE() << "sent"; }
    } nobody;
    core::Device device({}, memory, nobody, trace);
    for (std::uint32_t which = 0; which < spec::max_vectors; ++which) {
        std::uint32_t control = 0;
        device.peek(core::Bar::msix, Time{}, control_of(which),
                    std::as_writable_bytes(std::span(&control, 1)));
        EXPECT_EQ(control & 1, 1u) << which;
    }
}

TEST(Msix, AnAligned64BitAccessIsTheLowWordAndThenTheHighOne) {
    VectorBench bench;
    bench.raise_masked(5);
    EXPECT_EQ(bench.read_msix64(spec::msix_pba_offset), 1u << 5);
    bench.write_msix64(5 * 16, 0x12'FEE00028);
    EXPECT_TRUE(bench.messages.empty()) << "still masked";
    EXPECT_EQ(bench.read_msix64(5 * 16), 0x12'FEE00028u);
    EXPECT_EQ(bench.read_msix64(5 * 16 + 8), 0x1'0000'0005u);
    bench.write_msix64(5 * 16 + 8, 0xABCD);
    ASSERT_EQ(bench.messages.size(), 1u) << "unmasked by the high word";
    EXPECT_EQ(bench.messages[0].address, 0x12'FEE00028u);
    EXPECT_EQ(bench.messages[0].data, 0xABCDu) << "which came second";
    EXPECT_EQ(bench.read_msix64(spec::msix_pba_offset), 0u);
    EXPECT_EQ(bench.read_msix(5 * 16 + 4), 0x12u);
    EXPECT_EQ(bench.errors(), 0u);
}

TEST(Msix, AWriteOf64BitsLeavesThePendingBitsAsTheyAre) {
    VectorBench bench;
    bench.raise_masked(40);
    EXPECT_EQ(bench.read_msix64(spec::msix_pba_offset), 1ull << 40);
    for (const std::uint64_t value : {std::uint64_t{0}, UINT64_MAX}) {
        bench.write_msix64(spec::msix_pba_offset, value);
        EXPECT_EQ(bench.read_msix64(spec::msix_pba_offset), 1ull << 40);
    }
    EXPECT_EQ(bench.errors(), 0u);
    EXPECT_TRUE(bench.messages.empty());
}

TEST(Msix, WhereNothingStandsA64BitAccessIsAnErrorToo) {
    VectorBench bench;
    for (const std::uint32_t offset :
         {spec::max_vectors * 16, spec::msix_pba_offset - 8, spec::msix_pba_offset + 8}) {
        bench.clear_errors();
        EXPECT_EQ(bench.read_msix64(offset), 0u);
        EXPECT_EQ(bench.errors(), spec::bit_of(spec::ErrorSource::bad_access)) << offset;
        bench.clear_errors();
        bench.write_msix64(offset, 1);
        EXPECT_EQ(bench.errors(), spec::bit_of(spec::ErrorSource::bad_access)) << offset;
    }
}

TEST(Msix, NothingButAlignedAccessesOf32And64BitsReadsOrWritesTheTable) {
    Bench bench;
    std::array<std::byte, 16> bytes{};
    for (const std::uint32_t offset : {0u, 8u, spec::msix_pba_offset}) {
        for (const auto& [shift, size] : std::vector<std::pair<std::uint32_t, std::size_t>>{
                 {0, 1}, {0, 2}, {0, 12}, {0, 16}, {1, 4}, {2, 4}, {3, 4}, {1, 8}, {4, 8}}) {
            const auto data = std::span(bytes).first(size);
            bytes.fill(std::byte{0xFF});
            bench.clear_errors();
            EXPECT_TRUE(bench.device.write(core::Bar::msix, bench.now, offset + shift, data));
            EXPECT_EQ(bench.errors(), spec::bit_of(spec::ErrorSource::bad_access));
            bench.clear_errors();
            EXPECT_TRUE(bench.device.read(core::Bar::msix, bench.now, offset + shift, data));
            EXPECT_EQ(bench.errors(), spec::bit_of(spec::ErrorSource::bad_access));
            EXPECT_EQ(bytes[0], std::byte{0});
        }
        EXPECT_EQ(bench.read_msix(offset), 0u);
        EXPECT_EQ(bench.read_msix(offset + 4), 0u);
    }
    EXPECT_FALSE(bench.device.read(core::Bar::msix, bench.now, spec::bar2_size - 3,
                                   std::span(bytes).first(4)))
        << "outside the BAR";
}

TEST(Msix, WhereNothingStandsIsAnErrorAndThePendingBitsAreReadOnly) {
    Bench bench;
    for (std::uint32_t offset = 0; offset < spec::bar2_size; offset += 4) {
        const bool table = offset < spec::max_vectors * 16;
        const bool pending = offset >= spec::msix_pba_offset && offset < spec::msix_pba_offset + 8;
        bench.clear_errors();
        const std::uint32_t before = bench.read_msix(offset);
        EXPECT_EQ(bench.errors() != 0, !table && !pending) << std::hex << offset;
        if (!table) {
            bench.clear_errors();
            bench.write_msix(offset, 0xFFFFFFFF);
            EXPECT_EQ(bench.errors() != 0, !pending) << std::hex << offset;
            EXPECT_EQ(bench.read_msix(offset), before) << std::hex << offset;
        }
    }
}

}  // namespace
}  // namespace ringside::testing
