// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// What the register table promises of every word of every register, asked of the chip: masks bit
// by bit, no word that changes with another, no instance that answers for another, every width, and
// what each reset brings back.

#include <gtest/gtest.h>

#include <set>

#include "chip_bench.hpp"

namespace ringside::testing {
namespace {

using namespace std::chrono_literals;

struct Word {
    const spec::Register* reg;
    std::uint32_t queue;
    std::uint32_t offset;
    unsigned shift;  ///< 32 for the upper half

    std::uint32_t writable() const { return static_cast<std::uint32_t>(reg->writable() >> shift); }
    bool is(std::string_view name) const { return reg->name == name; }
    bool is_kept() const { return reg->access == spec::Access::rw && !is("Q_RESET"); }
};

std::ostream& operator<<(std::ostream& out, const Word& word) {
    return out << word.reg->name << " of " << word.queue << (word.shift != 0 ? ", upper" : "");
}

/// Every word that a chip of so many queue pairs has.
std::vector<Word> all_words(std::uint32_t queue_pairs) {
    std::vector<Word> all;
    for (const auto& block : spec::blocks) {
        for (std::uint32_t queue = 0; queue < std::min(block.count, queue_pairs); ++queue) {
            for (const auto& reg : block.registers) {
                for (unsigned half = 0; half < reg.width / 32u; ++half) {
                    all.push_back({&reg, queue,
                                   block.base + block.stride * queue + reg.offset + 4 * half,
                                   32 * half});
                }
            }
        }
    }
    return all;
}

std::vector<std::uint32_t> values_of(const std::vector<Word>& words, const Bench& bench) {
    std::vector<std::uint32_t> values;
    values.reserve(words.size());
    for (const Word& word : words) {
        values.push_back(bench.peek(word.offset));
    }
    return values;
}

/// What a bit of EN or ACTIVE would start is tested elsewhere; all other bits are storage.
std::uint32_t safe_bits(const Word& word) {
    return word.is("CC") || word.is("Q_CTRL") || word.is("FI_CTRL") ? ~1u : ~0u;
}

constexpr std::uint32_t few = 3;  // queue pairs: the admin queue and two more

TEST(RegisterTable, NamesEachPlaceOnceAndWithinItsBlock) {
    std::set<std::uint32_t> places;
    for (const Word& word : all_words(spec::max_queue_pairs)) {
        EXPECT_TRUE(places.insert(word.offset).second) << word;
        EXPECT_EQ(word.offset % 4, 0u) << word;
        EXPECT_LT(word.offset, spec::bar0_size) << word;
        const spec::Location found = spec::locate(word.offset);
        EXPECT_EQ(found.reg, word.reg) << word;
        EXPECT_EQ(found.instance, word.queue) << word;
        EXPECT_EQ(found.upper_half, word.shift != 0) << word;
    }
}

TEST(RegisterTable, FieldsOfARegisterDoNotOverlapAndCoverItsResetValue) {
    for (const auto& block : spec::blocks) {
        for (const auto& reg : block.registers) {
            std::uint64_t seen = 0;
            for (const auto& field : reg.fields) {
                EXPECT_EQ(seen & field.mask(), 0u) << reg.name << '.' << field.name;
                seen |= field.mask();
            }
            EXPECT_TRUE(reg.fields.empty() || (reg.reset & ~seen) == 0) << reg.name;
            EXPECT_TRUE(reg.width == 64 || (seen >> 32) == 0) << reg.name;
        }
    }
}

TEST(RegisterBits, EachReadsBackAloneIfItIsWritableAndElseNotAtAll) {
    Bench bench({.queue_pairs = few});
    for (const Word& word : all_words(few)) {
        for (unsigned bit = 0; bit < 32; ++bit) {
            const std::uint32_t value = 1u << bit;
            if (!word.is_kept() || (safe_bits(word) & value) == 0) {
                continue;
            }
            // DRAIN takes the chip out of READY, where CC then stands as it was written.
            bench.write(word.offset, value);
            EXPECT_EQ(bench.read(word.offset), value & word.writable()) << word << " bit " << bit;
            bench.write(word.offset, 0);
            EXPECT_EQ(bench.read(word.offset), 0u) << word;
        }
    }
    EXPECT_EQ(bench.errors(), 0u);
}

TEST(RegisterBits, ThatAreStickyEachClearByTheirOwnOne) {
    const std::uint32_t both =
        spec::bit_of(spec::ErrorSource::bad_access) | spec::bit_of(spec::ErrorSource::bad_doorbell);
    for (const Word& word : all_words(1)) {
        if (word.reg->access != spec::Access::w1c) {
            continue;
        }
        ASSERT_TRUE(word.is("ERR_SRC")) << "a new W1C register wants its own way to be set here";
        for (unsigned bit = 0; bit < 32; ++bit) {
            Bench bench;
            bench.write(0xFFC, 0);
            bench.write(spec::at("SQ_DB").of(1), 1);
            ASSERT_EQ(bench.read(word.offset), both);
            bench.write(word.offset, 1u << bit);
            EXPECT_EQ(bench.read(word.offset), both & ~(1u << bit)) << bit;
        }
    }
}

TEST(RegisterIsolation, AWriteChangesNoWordButItsOwnAndWhatItIsThereToChange) {
    // What a write changes besides its own word, by the datasheet.
    const auto may_change = [](const Word& written, const Word& other) {
        if (written.reg->access == spec::Access::wo &&
            written.reg->domain == spec::ResetDomain::queue) {
            static const std::set<std::string_view> refusal = {"ERR_SRC", "ERR_ADDR", "ERR_CODE",
                                                               "ERR_INFO", "N_NONFATAL"};
            return refusal.count(other.reg->name) != 0;
        }
        if (written.is("STAT_SNAP")) {
            return other.reg->name.substr(0, 5) == "STAT_";
        }
        if (written.is("RL_RATE") || written.is("RL_BURST")) {
            return other.is("RL_STS") && other.queue == written.queue;
        }
        return written.is("CC") && other.is("CSTS");
    };
    const auto words = all_words(few);
    for (const Word& written : words) {
        Bench bench({.queue_pairs = few});
        const auto before = values_of(words, bench);
        bench.write(written.offset, 0xFFFFFFFF & (written.is("Q_RESET") ? 0 : safe_bits(written)));
        const auto after = values_of(words, bench);
        for (std::size_t i = 0; i < words.size(); ++i) {
            if (words[i].offset != written.offset && !may_change(written, words[i])) {
                EXPECT_EQ(after[i], before[i]) << written << " changed " << words[i];
            }
        }
    }
}

TEST(RegisterIsolation, EveryQueuePairOfTheLargestChipHasRegistersOfItsOwn) {
    Bench bench({.queue_pairs = spec::max_queue_pairs});
    const auto words = all_words(spec::max_queue_pairs);
    const auto value = [](const Word& word) {
        return (word.offset * 0x9E3779B1u) & word.writable() & safe_bits(word);
    };
    for (const Word& word : words) {
        if (word.is_kept() && !word.is("CC")) {
            bench.write(word.offset, value(word));
        }
    }
    for (const Word& word : words) {
        if (word.is_kept() && !word.is("CC")) {
            EXPECT_EQ(bench.read(word.offset), value(word)) << word;
        }
    }
    for (const std::uint32_t queue : {spec::max_queue_pairs - 1, 31u, 0u}) {
        const auto before = values_of(words, bench);
        bench.write(spec::at("Q_RESET").of(queue), 1);
        for (std::size_t i = 0; i < words.size(); ++i) {
            const bool hit =
                words[i].reg->domain == spec::ResetDomain::queue && words[i].queue == queue;
            EXPECT_EQ(bench.peek(words[i].offset), hit ? 0 : before[i]) << words[i];
        }
    }
}

TEST(RegisterWidth, NoOtherThanAlignedWordsReadsOrWritesAnything) {
    struct Odd {
        std::uint32_t shift;
        std::size_t size;
    };
    constexpr Odd odd[] = {{0, 0}, {0, 1}, {0, 2}, {0, 3}, {0, 8}, {1, 4}, {2, 4}, {3, 4}, {2, 2}};
    Bench bench({.queue_pairs = few});
    const auto words = all_words(few);
    bench.write(spec::at("ERR_SEV").of(), 0);
    static const std::set<std::string_view> of_errors = {"ERR_SRC", "ERR_ADDR", "ERR_CODE",
                                                         "ERR_INFO", "N_NONFATAL"};
    const auto before = values_of(words, bench);
    for (const Word& word : words) {
        for (const auto& [shift, size] : odd) {
            std::array<std::byte, 8> bytes{};
            bytes.fill(std::byte{0xFF});
            const auto data = std::span(bytes).first(size);
            bench.clear_errors();
            EXPECT_TRUE(
                bench.device.write(core::Bar::registers, bench.now, word.offset + shift, data));
            EXPECT_EQ(bench.errors(), spec::bit_of(spec::ErrorSource::bad_access)) << word;
            EXPECT_EQ(bench.read64(spec::at("ERR_ADDR").of()), word.offset + shift);
            bench.clear_errors();
            EXPECT_TRUE(
                bench.device.read(core::Bar::registers, bench.now, word.offset + shift, data));
            EXPECT_EQ(bench.errors(), spec::bit_of(spec::ErrorSource::bad_access)) << word;
            EXPECT_TRUE(std::all_of(data.begin(), data.end(), [](std::byte byte) {
                return byte == std::byte{0};
            })) << word;
        }
    }
    const auto after = values_of(words, bench);
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (of_errors.count(words[i].reg->name) == 0) {
            EXPECT_EQ(after[i], before[i]) << words[i];
        }
    }
}

// ---- constants ----

TEST(StateChangeTimeout, IsNoShorterThanTheSlowestChangeOfStateOfTheChip) {
    struct Case {
        core::DeviceConfig config;
        std::uint32_t ms;
    };
    const Case cases[] = {
        {{}, 100},
        {{.reset = 60ms, .self_test = 40ms}, 100},
        {{.reset = 60ms, .self_test = 40ms + Duration(1)}, 101},
        {{.self_test = 500ms}, 501},
        {{.enable = 2s}, 2000},
        {{.enable = 2s + Duration(1), .reset = 3s, .self_test = 1ms}, 3001},
        {{.reset = 1200h}, 0xFFFFFFFF},  // more than the register holds
    };
    for (const Case& chip : cases) {
        EXPECT_EQ(Bench(chip.config).read(spec::at("TO").of()), chip.ms);
    }
}

// ---- resets ----

/// A chip on which nothing that can be changed has its reset value.
struct DirtyBench : Bench {
    DirtyBench() : Bench({.queue_pairs = few}) {
        enable_queue(1, 8);
        execute(1, nop(1));  // counters and indices
        push(1, nop(2, 0x80));
        ring(1);
        run();  // an error in Q_ERRORS
        write(spec::at("ERR_SEV").of(), 0);
        write(0xFFC, 0);
        for (const Word& word : all_words(few)) {
            const auto reset = static_cast<std::uint32_t>(word.reg->reset >> word.shift);
            if (word.is_kept() && !word.is("Q_CTRL") && !word.is("CC")) {
                write(word.offset, ~reset & word.writable());
            }
        }
        write(spec::at("STAT_SNAP").of(), 1);
        for (const std::uint32_t queue : {0u, 2u}) {
            write(spec::at("Q_CTRL").of(queue), 0xF00);
        }
    }
};

class QueueResets : public ::testing::TestWithParam<bool> {};

TEST_P(QueueResets, BringBackAllOfTheirQueueAndNothingElse) {
    DirtyBench bench;
    const auto words = all_words(few);
    const auto before = values_of(words, bench);
    if (GetParam()) {
        bench.write(spec::at("Q_RESET").of(1), 1);
    } else {
        bench.write(spec::at("Q_CTRL").of(1), 0);
    }
    const auto after = values_of(words, bench);
    std::size_t brought_back = 0;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const bool of_queue = words[i].reg->domain == spec::ResetDomain::queue;
        const bool hit = of_queue && words[i].queue == 1;
        const auto reset = static_cast<std::uint32_t>(words[i].reg->reset >> words[i].shift);
        EXPECT_EQ(after[i], hit ? reset : before[i]) << words[i];
        brought_back += hit && before[i] != reset ? 1 : 0;
    }
    EXPECT_GT(brought_back, 15u) << "else it was not dirty";
}

INSTANTIATE_TEST_SUITE_P(Both, QueueResets, ::testing::Bool(),
                         [](const auto& how) { return how.param ? "Q_RESET" : "Q_CTRL_EN"; });

TEST(DeviceResetOfRegisters, BringsBackAllButConstantsAndFaultRules) {
    Bench fresh({.queue_pairs = few});
    fresh.device_reset();
    DirtyBench bench;
    const auto words = all_words(few);
    const auto before = values_of(words, bench);
    bench.device_reset();
    std::size_t brought_back = 0;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const bool stays =
            words[i].is_kept() && words[i].reg->domain == spec::ResetDomain::power_on;
        EXPECT_EQ(bench.peek(words[i].offset), stays ? before[i] : fresh.peek(words[i].offset))
            << words[i];
        kept += stays && before[i] != fresh.peek(words[i].offset) ? 1 : 0;
        brought_back += before[i] != fresh.peek(words[i].offset) ? 1 : 0;
        if (words[i].reg->domain != spec::ResetDomain::power_on && !words[i].is("CSTS")) {
            EXPECT_EQ(bench.peek(words[i].offset),
                      static_cast<std::uint32_t>(words[i].reg->reset >> words[i].shift))
                << words[i];
        }
    }
    EXPECT_GT(brought_back, 40u) << "else it was not dirty";
    EXPECT_GT(kept, 20u);
    bench.write(spec::at("STAT_SNAP").of(), 1);
    for (const Word& word : words) {
        if (word.reg->name.substr(0, 5) == "STAT_") {
            EXPECT_EQ(bench.peek(word.offset), 0u) << word << " counts from the reset on";
        }
    }
}

}  // namespace
}  // namespace ringside::testing
