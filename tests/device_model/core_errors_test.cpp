// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Errors as ERR_SRC and its neighbours tell of them: which one is latched, what a mask keeps back
// and what a severity makes of each source.

#include <gtest/gtest.h>

#include <ostream>

#include "chip_bench.hpp"
#include "ringside/core/fault_rule.hpp"
#include "ringside/spec/faults.hpp"

namespace ringside::testing {
namespace {

using spec::ErrorSource;
using spec::FaultKind;

constexpr std::uint32_t all_sources = 0x37FF;  // bit 11 is reserved
constexpr std::uint32_t nobody = 0xFFFF;
constexpr std::uint32_t bad_offset = 0xFFC;

/// An AES-CBC session for queue pair 1; queue pairs 2 and 3 are there to be used wrongly.
struct ErrorBench : CipherBench {
    ErrorBench() {
        write(spec::at("ERR_SEV").of(), 0);
        messages.clear();
    }
    void submit(const spec::SubmissionEntry& entry) {
        push(1, entry);
        ring(1);
    }
    void strike(FaultKind kind) {
        EXPECT_TRUE(device.inject({.kind = kind, .queue = 1, .value = 1}).has_value());
        submit(encryption(7, 64));
    }
    /// Of an operation of so many bytes, which no other has, its output's or its source's.
    void fail_dma(std::uint16_t cid, std::uint32_t length, bool is_write) {
        memory.judge = [length, is_write](const BenchMemory::Access& access) {
            const bool hit = access.is_write == is_write && access.size == length;
            return hit ? core::DmaResult::bus_error : core::DmaResult::ok;
        };
        auto entry = encryption(cid, length);
        (is_write ? entry.dst : entry.src) = BenchMemory::base;
        submit(entry);
    }
    std::uint32_t counted(spec::Address counter) { return read(counter.of()); }
};

/// What the three registers hold of the first error.
struct Latched {
    std::uint32_t code = 0;
    std::uint32_t queue = nobody;
    std::uint32_t cid = nobody;
    std::uint64_t address = 0;

    bool operator==(const Latched&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Latched& latched) {
    return out << std::hex << "ERR_CODE " << latched.code << ", of " << latched.queue << ", cid "
               << latched.cid << ", at " << latched.address << std::dec;
}

Latched latched(ErrorBench& bench) {
    const std::uint32_t origin = bench.read(spec::at("ERR_INFO").of());
    return {bench.read(spec::at("ERR_CODE").of()), origin >> 16, origin & 0xFFFF,
            bench.read64(spec::at("ERR_ADDR").of())};
}

/// A way to one error of one source.
struct Provocation {
    const char* name;
    ErrorSource source;
    void (*provoke)(ErrorBench&);
    Latched latched{};  ///< but for the code

    Latched expected() const {
        Latched all = latched;
        all.code = static_cast<std::uint32_t>(source);
        return all;
    }
};

std::ostream& operator<<(std::ostream& out, const Provocation& provocation) {
    return out << provocation.name;
}

constexpr std::uint64_t nowhere = 0x5'0000'1000;

const Provocation provocations[] = {
    {"Correctable",
     ErrorSource::correctable,
     [](ErrorBench& bench) { bench.strike(FaultKind::correctable); },
     {.queue = 1, .cid = 7}},
    {"UncorrectableData",
     ErrorSource::ecc_uncorrectable,
     [](ErrorBench& bench) { bench.strike(FaultKind::ecc_error); },
     {.queue = 1, .cid = 7}},
    {"UncorrectableState",
     ErrorSource::ecc_fatal,
     [](ErrorBench& bench) { bench.strike(FaultKind::ecc_fatal); },
     {.queue = 1, .cid = 7}},
    {"DmaRead",
     ErrorSource::dma_read,
     [](ErrorBench& bench) { bench.fail_dma(8, 80, false); },
     {.queue = 1, .cid = 8, .address = BenchMemory::base}},
    {"DmaWrite",
     ErrorSource::dma_write,
     [](ErrorBench& bench) { bench.fail_dma(9, 96, true); },
     {.queue = 1, .cid = 9, .address = BenchMemory::base}},
    {"Iommu",
     ErrorSource::iommu,
     [](ErrorBench& bench) {
         auto entry = bench.encryption(10, 64);
         entry.src = nowhere;
         bench.submit(entry);
     },
     {.queue = 1, .cid = 10, .address = nowhere}},
    {"SliceHang",
     ErrorSource::slice_hang,
     [](ErrorBench& bench) {
         bench.write(spec::at("WDT_SYM_US").of(), 1);
         bench.submit(bench.encryption(11, 1 << 16));
     },
     {.queue = 1, .cid = 11}},
    {"BadDoorbell",
     ErrorSource::bad_doorbell,
     [](ErrorBench& bench) { bench.write(spec::at("SQ_DB").of(1), 0x5000); },
     {.queue = 1, .address = spec::at("SQ_DB").of(1)}},
    {"CompletionRingOverrun",
     ErrorSource::cq_overrun,
     [](ErrorBench& bench) {
         bench.enable_queue(3, 8, 2);
         bench.push(3, nop(12));
         bench.push(3, nop(13));
         bench.ring(3);
     },
     {.queue = 3, .cid = 13}},
    {"BadAccess",
     ErrorSource::bad_access,
     [](ErrorBench& bench) { bench.write(bad_offset, 0); },
     {.address = bad_offset}},
    {"Link",
     ErrorSource::link,
     [](ErrorBench& bench) {
         EXPECT_TRUE(bench.device.inject({.kind = FaultKind::malformed_tlp}).has_value());
         auto entry = bench.encryption(14, 64);
         entry.src = BenchMemory::base;
         bench.submit(entry);
     },
     {.queue = 1, .cid = 14, .address = BenchMemory::base}},
    {"BadConfiguration",
     ErrorSource::bad_config,
     [](ErrorBench& bench) { bench.write(spec::at("Q_CTRL").of(2), 1); },
     {.queue = 2}},
};

std::string name_of(const ::testing::TestParamInfo<Provocation>& provocation) {
    return provocation.param.name;
}

class ErrorOfAnySource : public ::testing::TestWithParam<Provocation> {
  protected:
    void provoke() {
        GetParam().provoke(bench_);
        bench_.run();
    }
    const std::uint32_t bit_ = spec::bit_of(GetParam().source);
    const bool corrected_ = GetParam().source == ErrorSource::correctable;
    ErrorBench bench_;
};

TEST_P(ErrorOfAnySource, IsCountedLoggedLatchedAndAnnouncedOnce) {
    provoke();
    EXPECT_EQ(bench_.errors(), bit_);
    EXPECT_EQ(latched(bench_), GetParam().expected());
    EXPECT_EQ(bench_.counted(spec::at("N_NONFATAL")), corrected_ ? 0u : 1u);
    EXPECT_EQ(bench_.counted(spec::at("N_CORR")), corrected_ ? 1u : 0u);
    EXPECT_EQ(bench_.counted(spec::at("N_FATAL")), 0u);
    EXPECT_EQ(bench_.messages_of(spec::error_vector), 1u);
    EXPECT_EQ(bench_.state(), spec::DeviceState::ready);
    bench_.memory.judge = {};
    const auto log = bench_.error_log();
    ASSERT_EQ(log.size(), 1u);
    EXPECT_EQ((Latched{log[0].source, log[0].queue, log[0].cid, log[0].address}),
              GetParam().expected());
}

TEST_P(ErrorOfAnySource, ThatIsMaskedDiffersInItsMessageAlone) {
    bench_.write(spec::at("ERR_MASK").of(), bit_);
    provoke();
    EXPECT_EQ(bench_.messages_of(spec::error_vector), 0u);
    EXPECT_EQ(bench_.errors(), bit_);
    EXPECT_EQ(latched(bench_), GetParam().expected());
    EXPECT_EQ(bench_.counted(spec::at("N_NONFATAL")) + bench_.counted(spec::at("N_CORR")), 1u);
    bench_.write(spec::at("ERR_MASK").of(), 0);
    bench_.run();
    EXPECT_EQ(bench_.messages_of(spec::error_vector), 0u) << "nothing for what is latched";
    bench_.memory.judge = {};
    EXPECT_EQ(bench_.error_log().size(), 1u);
}

TEST_P(ErrorOfAnySource, IsAnnouncedWhenAllOthersAreMasked) {
    bench_.write(spec::at("ERR_MASK").of(), all_sources & ~bit_);
    provoke();
    EXPECT_EQ(bench_.messages_of(spec::error_vector), 1u);
}

TEST_P(ErrorOfAnySource, IsFatalIfItsSeveritySaysSoMaskedOrNot) {
    for (const std::uint32_t mask : {0u, bit_}) {
        ErrorBench bench;
        bench.write(spec::at("ERR_MASK").of(), mask);
        bench.write(spec::at("ERR_SEV").of(), bit_);
        GetParam().provoke(bench);
        bench.run();
        EXPECT_EQ(bench.state(), spec::DeviceState::error);
        EXPECT_EQ(bench.counted(spec::at("N_FATAL")), 1u);
        EXPECT_EQ(bench.counted(spec::at("N_NONFATAL")) + bench.counted(spec::at("N_CORR")), 0u);
        EXPECT_EQ(bench.messages_of(spec::error_vector), mask == 0 ? 1u : 0u);
        EXPECT_EQ(latched(bench), GetParam().expected());
    }
}

TEST_P(ErrorOfAnySource, IsSurvivedIfAllOthersAreFatal) {
    bench_.write(spec::at("ERR_SEV").of(), all_sources & ~bit_);
    provoke();
    EXPECT_EQ(bench_.state(), spec::DeviceState::ready);
    EXPECT_EQ(bench_.counted(spec::at("N_FATAL")), 0u);
}

TEST_P(ErrorOfAnySource, KeepsItsOriginWhateverElseComesUntilAllIsCleared) {
    for (const Provocation& other : provocations) {
        if (other.source == GetParam().source) {
            continue;
        }
        SCOPED_TRACE(other.name);
        ErrorBench bench;
        const auto provoke = [&](const Provocation& which) {
            which.provoke(bench);
            bench.run();
            bench.reap(1);
            bench.memory.judge = {};
        };
        provoke(GetParam());
        provoke(other);
        const std::uint32_t other_bit = spec::bit_of(other.source);
        EXPECT_EQ(bench.errors(), bit_ | other_bit);
        EXPECT_EQ(latched(bench), GetParam().expected());
        bench.write(spec::at("ERR_SRC").of(), bit_);
        EXPECT_EQ(latched(bench), GetParam().expected()) << "the other is not cleared yet";
        bench.write(spec::at("ERR_SRC").of(), other_bit);
        EXPECT_EQ(latched(bench), Latched{});
    }
}

TEST_P(ErrorOfAnySource, IsLatchedAgainWhenWhatCameBeforeIsCleared) {
    bench_.write(bad_offset - 4, 0);
    bench_.clear_errors();
    provoke();
    EXPECT_EQ(latched(bench_), GetParam().expected());
}

INSTANTIATE_TEST_SUITE_P(Sources, ErrorOfAnySource, ::testing::ValuesIn(provocations), name_of);

}  // namespace
}  // namespace ringside::testing
