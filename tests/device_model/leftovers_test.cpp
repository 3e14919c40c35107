// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// What the chip was given to compute goes to the host, and nowhere stays what came out: looked for
// in all of this process's memory.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "crypto_bench.hpp"
#include "ringside/base/prng.hpp"
#include "ringside/testing/seed.hpp"
#include "scratch.hpp"

namespace ringside::testing {
namespace {

/// Long enough to be nobody else's, and longer than what a cipher keeps of its last block.
using Sample = std::array<std::uint64_t, 4>;

/// Also what has been freed is looked at, which a sanitizer does not like.
[[gnu::no_sanitize_address]] std::uint64_t count_in(const std::uint64_t* begin,
                                                    const std::uint64_t* end,
                                                    const std::uint64_t* sample) {
    std::uint64_t count = 0;
    for (const auto* at = begin; at + 4 <= end; ++at) {
        count +=
            at[0] == sample[0] && at[1] == sample[1] && at[2] == sample[2] && at[3] == sample[3]
                ? 1
                : 0;
    }
    return count;
}

/// How often it stands somewhere in this process's memory, at a multiple of eight bytes.
std::uint64_t count_in_memory(const std::uint64_t* sample) {
    constexpr std::ptrdiff_t too_large = std::ptrdiff_t{1} << 27;  // words; a sanitizer's own
    std::uint64_t count = 0;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        void* first = nullptr;
        void* last = nullptr;
        char mode[5] = {};
        if (std::sscanf(line.c_str(), "%p-%p %4s", &first, &last, mode) == 3 && mode[0] == 'r' &&
            mode[1] == 'w') {
            const auto* const begin = static_cast<const std::uint64_t*>(first);
            const auto* const end = static_cast<const std::uint64_t*>(last);
            count += end - begin < too_large ? count_in(begin, end, sample) : 0;
        }
    }
    return count;
}

/// With so many helpers.
class Leftovers : public ::testing::TestWithParam<unsigned> {
  protected:
    static constexpr std::size_t size = 1024;
    static constexpr std::uint16_t count = 40;
    static constexpr Duration long_enough = std::chrono::milliseconds(1);

    /// AES-CBC, of other bytes each, and in each test: what one test has freed is there in the
    /// next.
    void SetUp() override {
        const auto* const test = ::testing::UnitTest::GetInstance()->current_test_info();
        Prng stream(seed(), test->name());
        const auto random = [&](std::size_t length) {
            Bytes bytes(length);
            stream.fill(bytes);
            return bytes;
        };
        const std::uint32_t session = bench_->create_session(spec::Algorithm::aes_cbc, random(16));
        for (std::uint16_t cid = 0; cid < count; ++cid) {
            entries_.push_back(bench_->cipher(session, random(16), random(size), size));
            entries_.back().cid = cid;
        }
    }
    void submit() {
        for (const auto& entry : entries_) {
            bench_->push(SliceBench::io, entry);
        }
        bench_->ring(SliceBench::io);
    }
    std::span<std::byte> output(const spec::SubmissionEntry& entry) {
        return bench_->memory.at(entry.dst, size);
    }

    void run_for(Duration time) { bench_->run_ahead(bench_->now + time); }

    std::unique_ptr<CryptoBench> bench_ =
        std::make_unique<CryptoBench>(core::DeviceConfig{.helpers = GetParam()});
    std::vector<spec::SubmissionEntry> entries_;
};

TEST_P(Leftovers, AreGoneWhenTheChipIsIdle) {
    submit();
    run_for(long_enough);
    EXPECT_EQ(bench_->reap(SliceBench::io).size(), count);
    for (std::size_t i = 0; i < count; i += count / 4) {
        const auto* const sample =
            reinterpret_cast<const std::uint64_t*>(output(entries_[i]).data() + size / 2);
        ASSERT_EQ(count_in_memory(sample), 1u) << "at its destination alone";
    }
}

TEST_P(Leftovers, GoWithTheChipThatHadWork) {
    submit();
    run_for(long_enough);
    Sample sample{};
    const auto last = output(entries_.back());
    std::memcpy(sample.data(), last.data() + size / 2, sizeof sample);
    std::fill(last.begin(), last.end(), std::byte{0});
    ASSERT_EQ(count_in_memory(sample.data()), 1u) << "here alone";
    submit();
    while (count_in_memory(sample.data()) == 1) {  // until it has been computed
        run_for(std::chrono::nanoseconds(500));
    }
    ASSERT_EQ(last[size / 2], std::byte{0}) << "it has not been written";
    bench_.reset();
    EXPECT_EQ(count_in_memory(sample.data()), 1u) << "here alone";
}

INSTANTIATE_TEST_SUITE_P(Helpers, Leftovers, ::testing::Values(0u, 1u, 3u));

bool is_zero(const core::Scratch& scratch) {
    const std::span<const std::byte> bytes = scratch;
    return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

TEST(Scratch, GivesZerosToWhoDoesNotFillIt) {
    for (const std::size_t next : {10, 64, 100, 1000}) {
        core::Scratch scratch;
        scratch.begin_to_fill(100);
        std::fill_n(scratch.data(), 100, std::byte{1});
        scratch.leave();
        scratch.begin_to_fill(20);  // and fails before it has filled anything
        scratch.leave();
        scratch.begin(next);
        EXPECT_TRUE(is_zero(scratch)) << next;
        scratch.begin(100);
        EXPECT_TRUE(is_zero(scratch)) << next;
    }
}

TEST(Scratch, LeavesNothingBehindWhenItGrows) {
    core::Scratch scratch;
    scratch.begin_to_fill(100);
    std::fill_n(scratch.data(), 100, std::byte{1});
    scratch.leave();
    scratch.begin_to_fill(1000);
    EXPECT_TRUE(is_zero(scratch));
}

}  // namespace
}  // namespace ringside::testing
