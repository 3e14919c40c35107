// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Access policies and reset values of every register, from the spec table; the states of the chip;
// what each reset brings back and forgets.

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "chip_bench.hpp"

namespace ringside::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t low_half = 0xFFFFFFFF;

/// One 32-bit word of a register as the bus sees it.
struct Word {
    const spec::Register* reg;
    std::uint32_t offset;
    unsigned shift;  ///< 32 for the upper half

    std::uint32_t reset() const { return static_cast<std::uint32_t>(reg->reset >> shift); }
    std::uint32_t writable() const { return static_cast<std::uint32_t>(reg->writable() >> shift); }
};

/// Every word of every register, those of queue pair `queue` where there is one for each.
std::vector<Word> words(std::uint32_t queue) {
    std::vector<Word> all;
    for (const auto& block : spec::blocks) {
        const std::uint32_t base = block.base + (block.count > 1 ? block.stride * queue : 0);
        for (const auto& reg : block.registers) {
            for (unsigned half = 0; half < reg.width / 32u; ++half) {
                all.push_back({&reg, base + reg.offset + 4 * half, 32 * half});
            }
        }
    }
    return all;
}

bool is_one_of(const Word& word, const std::set<std::string_view>& names) {
    return names.count(word.reg->name) != 0;
}

/// Set by the chip that is modelled, not by the map.
const std::set<std::string_view> chip_specific = {"CAP", "LIMITS", "MAX_SESS", "MAX_LEN", "TO"};
/// A write does more than keep the value; tests of their own below.
const std::set<std::string_view> commanding = {"CC", "Q_CTRL", "Q_RESET"};

TEST(RegisterPolicy, EveryRegisterHasItsResetValue) {
    Bench bench;
    bench.write(spec::at("RESET").of(), spec::reset_key);
    for (const std::uint32_t queue : {0u, 1u, 7u}) {
        for (const Word& word : words(queue)) {
            if (!is_one_of(word, chip_specific) && word.reg->name != "CSTS") {
                EXPECT_EQ(bench.read(word.offset), word.reset()) << word.reg->name;
            }
        }
    }
    EXPECT_EQ(bench.read(spec::at("CAP").of()) & 0xFFFF, 8u);
    EXPECT_EQ(bench.read(spec::at("MAX_SESS").of()), 4096u);
}

TEST(RegisterPolicy, EveryRegisterTakesTheWritesThatItsPolicyAllows) {
    for (const Word& word : words(1)) {
        if (is_one_of(word, commanding)) {
            continue;
        }
        for (const std::uint32_t value : {low_half, 0x5A5A5A5Au, 0u, 0x00000001u}) {
            Bench bench;
            const std::uint32_t before = bench.read(word.offset);
            bench.write(word.offset, value);
            std::uint32_t expected = before;
            if (word.reg->access == spec::Access::rw) {
                expected = (before & ~word.writable()) | (value & word.writable());
            }
            EXPECT_EQ(bench.read(word.offset), expected)
                << word.reg->name << " written with " << std::hex << value;
        }
    }
}

TEST(RegisterPolicy, AStickyBitIsClearedByAOneAlone) {
    Bench bench;
    bench.write(spec::at("SQ_DB").of(1), 1);  // the queue is not enabled
    bench.write(0xFFC, 1);                    // nothing stands there
    const std::uint32_t both =
        spec::bit_of(spec::ErrorSource::bad_doorbell) | spec::bit_of(spec::ErrorSource::bad_access);
    EXPECT_EQ(bench.read(spec::at("ERR_SRC").of()), both);
    bench.write(spec::at("ERR_SRC").of(), 0);
    EXPECT_EQ(bench.read(spec::at("ERR_SRC").of()), both);
    bench.write(spec::at("ERR_SRC").of(), spec::bit_of(spec::ErrorSource::bad_doorbell));
    EXPECT_EQ(bench.read(spec::at("ERR_SRC").of()), spec::bit_of(spec::ErrorSource::bad_access));
}

TEST(RegisterPolicy, TheFirstErrorIsLatchedUntilAllAreCleared) {
    Bench bench;
    bench.write(spec::at("SQ_DB").of(3), 1);
    bench.write(0xFFC, 1);
    EXPECT_EQ(bench.read(spec::at("ERR_CODE").of()),
              static_cast<std::uint32_t>(spec::ErrorSource::bad_doorbell));
    EXPECT_EQ(bench.read64(spec::at("ERR_ADDR").of()), spec::at("SQ_DB").of(3));
    EXPECT_EQ(bench.read(spec::at("ERR_INFO").of()), 0x0003FFFFu);
    bench.clear_errors();
    EXPECT_EQ(bench.read64(spec::at("ERR_ADDR").of()), 0u);
    bench.write(0xFFC, 1);
    EXPECT_EQ(bench.read64(spec::at("ERR_ADDR").of()), 0xFFCu);
}

TEST(RegisterPolicy, WhereNothingStandsReadsAsZeroAndIsAnError) {
    Bench bench({.queue_pairs = 4});
    std::set<std::uint32_t> known;
    for (std::uint32_t queue = 0; queue < 4; ++queue) {
        for (const Word& word : words(queue)) {
            known.insert(word.offset);
        }
    }
    const auto probe = [&](std::uint32_t offset) {
        bench.clear_errors();
        EXPECT_EQ(bench.read(offset), 0u) << std::hex << offset;
        EXPECT_TRUE(bench.has_error(spec::ErrorSource::bad_access)) << std::hex << offset;
    };
    for (std::uint32_t offset = 0; offset < 0x3000; offset += 4) {
        if (known.count(offset) == 0) {
            probe(offset);
        }
    }
    probe(spec::at("SQ_DB").of(4));  // of a queue pair that this chip does not have
    probe(spec::at("SQ_DB").of(1) + 4);
    probe(spec::bar0_size - 4);
}

TEST(RegisterPolicy, OddAccessesHaveNoEffectButTheirError) {
    Bench bench;
    const std::uint32_t offset = spec::at("ERR_MASK").of();
    bench.write(offset, 0x18);
    std::array<std::byte, 8> bytes{};
    for (const auto& [at, size] :
         std::vector<std::pair<std::uint32_t, std::size_t>>{{offset, 1},
                                                            {offset, 2},
                                                            {offset, 8},
                                                            {offset + 1, 4},
                                                            {offset + 2, 4},
                                                            {offset, 3}}) {
        bench.clear_errors();
        bytes.fill(std::byte{0xFF});
        EXPECT_TRUE(
            bench.device.read(core::Bar::registers, bench.now, at, std::span(bytes).first(size)));
        EXPECT_EQ(bytes[0], std::byte{0});
        EXPECT_TRUE(bench.has_error(spec::ErrorSource::bad_access));
        bytes.fill(std::byte{0xFF});
        EXPECT_TRUE(
            bench.device.write(core::Bar::registers, bench.now, at, std::span(bytes).first(size)));
        EXPECT_EQ(bench.read(offset), 0x18u);
    }
    EXPECT_FALSE(bench.device.read(core::Bar::registers, bench.now, spec::bar0_size,
                                   std::span(bytes).first(4)))
        << "outside the BAR";
}

TEST(RegisterPolicy, APeekSeesWhatAReadWouldAndChangesNothing) {
    Bench bench;
    bench.enable_queue(1, 8);
    const std::uint64_t before = bench.trace.hash();
    for (const Word& word : words(1)) {
        std::uint32_t value = 0;
        EXPECT_TRUE(bench.device.peek(core::Bar::registers, bench.now, word.offset,
                                      std::as_writable_bytes(std::span(&value, 1))));
    }
    std::uint32_t value = 1;
    bench.device.peek(core::Bar::registers, bench.now, 0xFFC,
                      std::as_writable_bytes(std::span(&value, 1)));
    EXPECT_EQ(value, 0u);
    EXPECT_EQ(bench.trace.hash(), before);
    EXPECT_EQ(bench.read(spec::at("ERR_SRC").of()), 0u);
}

// ---- states ----

TEST(States, TransitionsTakeTheirTime) {
    const core::DeviceConfig config;
    Bench bench(config);
    bench.write(spec::at("RESET").of(), spec::reset_key);
    EXPECT_EQ(bench.state(), spec::DeviceState::reset);
    EXPECT_EQ(spec::field("CSTS", "RESET_BUSY").get(bench.read(spec::at("CSTS").of())), 1u);
    bench.run_for(config.reset - Duration(1));
    EXPECT_EQ(bench.state(), spec::DeviceState::reset);
    bench.run_for(Duration(1));
    EXPECT_EQ(bench.state(), spec::DeviceState::disabled);
    bench.write(spec::at("CC").of(), 1);
    EXPECT_EQ(bench.state(), spec::DeviceState::enabling);
    bench.run_for(config.enable - Duration(1));
    EXPECT_EQ(bench.state(), spec::DeviceState::enabling);
    bench.run_for(Duration(1));
    EXPECT_EQ(bench.state(), spec::DeviceState::ready);
    bench.write(spec::at("CC").of(), 0);
    EXPECT_EQ(bench.state(), spec::DeviceState::disabled);
}

TEST(States, DisablingWhileEnablingWins) {
    Bench bench;
    bench.write(spec::at("CC").of(), 0);
    bench.write(spec::at("CC").of(), 1);
    bench.write(spec::at("CC").of(), 0);
    bench.run();
    EXPECT_EQ(bench.state(), spec::DeviceState::disabled);
}

TEST(States, AWrongKeyResetsNothing) {
    Bench bench;
    for (const std::uint32_t key : {0u, 1u, spec::reset_key + 1, ~spec::reset_key}) {
        bench.write(spec::at("RESET").of(), key);
        EXPECT_EQ(bench.state(), spec::DeviceState::ready);
    }
}

TEST(States, WhatIsAnnouncedBeforeReadyIsFetchedThen) {
    Bench bench;
    bench.write(spec::at("CC").of(), 0);
    bench.enable_queue(1, 8);
    bench.push(1, nop(5));
    bench.ring(1);
    bench.run();
    EXPECT_EQ(bench.reap(1).size(), 0u);
    bench.write(spec::at("CC").of(), 1);
    bench.run();
    EXPECT_EQ(bench.reap(1).size(), 1u);
}

TEST(States, DrainingFinishesWhatWasFetchedAndFetchesNoMore) {
    CipherBench bench;
    const auto drained = [&] {
        return spec::field("CSTS", "DRAINED").get(bench.read(spec::at("CSTS").of()));
    };
    bench.push(1, bench.encryption(1, 65536));
    bench.ring(1);
    bench.run_for(2us);  // fetched
    bench.write(spec::at("CC").of(), 3);
    EXPECT_EQ(bench.state(), spec::DeviceState::draining);
    EXPECT_EQ(drained(), 0u);
    bench.push(1, nop(2));
    bench.ring(1);
    bench.run();
    EXPECT_EQ(drained(), 1u);
    EXPECT_EQ(cids(bench.reap(1)), (std::vector<std::uint16_t>{1}));
    bench.write(spec::at("CC").of(), 1);
    EXPECT_EQ(bench.state(), spec::DeviceState::ready);
    bench.run();
    EXPECT_EQ(cids(bench.reap(1)), (std::vector<std::uint16_t>{2}));
}

// ---- resets ----

TEST(DeviceReset, LeavesNothingUnderWayAndTouchesMemoryNoMore) {
    CipherBench bench;
    for (std::uint16_t i = 0; i < 10; ++i) {
        bench.push(1, bench.encryption(i, 4096));
    }
    bench.ring(1);
    bench.run_for(3us);
    bench.write(spec::at("RESET").of(), spec::reset_key);
    bench.memory.accesses.clear();
    bench.messages.clear();
    bench.run();
    EXPECT_TRUE(bench.memory.accesses.empty());
    EXPECT_TRUE(bench.messages.empty());
    EXPECT_EQ(bench.read(spec::at("INFLIGHT").of(1)), 0u);
    EXPECT_EQ(bench.read(spec::at("Q_STS").of(1)), 0u);
}

TEST(DeviceReset, ForgetsSessionsAndStartsAfresh) {
    CipherBench bench;
    const std::uint32_t old_session = bench.session;
    bench.write(spec::at("RESET").of(), spec::reset_key);
    bench.start();
    bench.enable_queue(0, 8);
    bench.enable_queue(1, 8);
    EXPECT_EQ(status_of(bench.execute(1, bench.encryption(1, 64))),
              spec::Status::of(spec::StatusType::request, spec::RequestError::bad_session));
    bench.session = bench.create_session(spec::Algorithm::aes_cbc, bench.key);
    EXPECT_NE(bench.session, old_session) << "the generation has moved on";
    EXPECT_TRUE(status_of(bench.execute(1, bench.encryption(2, 64))).ok());
    EXPECT_EQ(bench.read64(spec::at("Q_SUBMITTED").of(1)), 2u) << "counts from the reset on";
}

TEST(QueueReset, CompletesAllThatWasAnnouncedInOrderAsAborted) {
    CipherBench bench;
    bench.enable_queue(2, 8);
    for (std::uint16_t i = 0; i < 20; ++i) {
        bench.push(1, bench.encryption(i, i == 0 ? 65536 : 64));
    }
    bench.push(2, bench.encryption(100, 4096));
    bench.ring(1);
    bench.ring(2);
    bench.run_for(1us);  // some fetched, none completed
    bench.memory.accesses.clear();
    bench.write(spec::at("Q_RESET").of(1), 1);
    EXPECT_EQ(bench.read(spec::at("Q_RESET").of(1)), 0u);
    EXPECT_EQ(bench.read(spec::at("Q_STS").of(1)), 0u);
    const auto ring = bench.rings.at(1);
    for (std::uint16_t i = 0; i < 20; ++i) {
        const auto entry =
            bench.memory.get<spec::CompletionEntry>(ring.cq + i * sizeof(spec::CompletionEntry));
        EXPECT_EQ(entry.cid, i);
        EXPECT_EQ(status_of(entry),
                  spec::Status::of(spec::StatusType::aborted, spec::AbortReason::queue_reset));
    }
    bench.memory.accesses.clear();
    const auto other = bench.encryption(0, 64);
    bench.run();
    for (const auto& access : bench.memory.accesses) {
        EXPECT_FALSE(access.address >= ring.cq && access.address < ring.cq + 64 * 32);
    }
    EXPECT_EQ(cids(bench.reap(2)), (std::vector<std::uint16_t>{100})) << "other queues go on";
    bench.enable_queue(1, 8);
    EXPECT_TRUE(status_of(bench.execute(1, other)).ok());
}

TEST(QueueReset, BringsBackTheResetValuesOfItsQueueAlone) {
    Bench bench;
    bench.enable_queue(1, 8);
    bench.enable_queue(2, 8);
    bench.write(spec::at("INT_MOD").of(1), 0x00040010);
    bench.write(spec::at("ERR_MASK").of(), 1);
    bench.write(spec::at("Q_CTRL").of(1), 0);
    for (const Word& word : words(1)) {
        if (word.reg->domain == spec::ResetDomain::queue) {
            EXPECT_EQ(bench.read(word.offset), word.reset()) << word.reg->name;
        }
    }
    EXPECT_EQ(bench.read(spec::at("ERR_MASK").of()), 1u);
    EXPECT_EQ(bench.read(spec::at("Q_STS").of(2)), 1u);
}

}  // namespace
}  // namespace ringside::testing
