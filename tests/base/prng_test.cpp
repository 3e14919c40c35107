// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Seeded streams: repeatable, independent by domain, unbiased.

#include "ringside/base/prng.hpp"

#include <gtest/gtest.h>

#include <array>

namespace ringside {
namespace {

TEST(Prng, SameSeedAndDomainGiveTheSameNumbers) {
    Prng a(42, "schedule");
    Prng b(42, "schedule");
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(a(), b());
    }
}

TEST(Prng, ANumberOnceDrawnIsDrawnForEver) {
    // Pinned: a seed in a bug report must replay years later.
    Prng stream(1, "a");
    EXPECT_EQ(stream(), 0x7160804b3e1b3543u);
}

TEST(Prng, DomainsAreIndependent) {
    Prng schedule(42, "schedule");
    Prng sizes(42, "sizes");
    int equal = 0;
    for (int i = 0; i < 1000; ++i) {
        equal += schedule() == sizes() ? 1 : 0;
    }
    EXPECT_EQ(equal, 0);
}

TEST(Prng, BelowIsUniform) {
    Prng stream(7, "uniform");
    std::array<int, 6> counts{};
    for (int i = 0; i < 60'000; ++i) {
        ++counts.at(stream.below(6));
    }
    for (const int count : counts) {
        EXPECT_NEAR(count, 10'000, 400);  // 4 sigma
    }
}

TEST(Prng, BetweenIncludesBothEnds) {
    Prng stream(7, "ends");
    bool low = false;
    bool high = false;
    for (int i = 0; i < 1000; ++i) {
        const auto value = stream.between(3, 5);
        ASSERT_GE(value, 3u);
        ASSERT_LE(value, 5u);
        low |= value == 3;
        high |= value == 5;
    }
    EXPECT_TRUE(low && high);
}

TEST(Prng, FillWritesEveryByteAndNoneMore) {
    Prng stream(7, "fill");
    std::array<std::byte, 13> bytes{};
    stream.fill(std::span(bytes).first(11));
    EXPECT_NE(bytes[10], std::byte{0});
    EXPECT_EQ(bytes[11], std::byte{0});
    EXPECT_EQ(bytes[12], std::byte{0});
}

}  // namespace
}  // namespace ringside
