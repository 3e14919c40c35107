// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Digests of payloads: every difference shows, and every processor computes the same.

#include "ringside/base/digest.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <string>
#include <unordered_map>
#include <vector>

#include "digest.hpp"
#include "ringside/base/prng.hpp"

namespace ringside {
namespace {

using Bytes = std::vector<std::byte>;

Bytes random_bytes(std::size_t size) {
    Bytes bytes(size);
    Prng(1, "digest_test").fill(bytes);
    return bytes;
}

/// Below, at and above a block of the digest, its stripe, and several of these.
constexpr std::size_t digested_sizes[] = {1,   15,  16,  17,  32,  37,  64,
                                          127, 128, 129, 200, 256, 400, 1024};

/// Inputs of which no two may have the same digest.
class Variants {
  public:
    void add(const Bytes& bytes, const std::string& what) {
        const auto [place, is_new] = seen_.emplace(digest_of(bytes), what);
        EXPECT_TRUE(is_new) << what << " is taken for " << place->second;
    }

  private:
    std::unordered_map<std::uint64_t, std::string> seen_;
};

TEST(Digest, SeesEveryBit) {
    for (const std::size_t size : digested_sizes) {
        for (Bytes bytes : {Bytes(size), random_bytes(size)}) {
            Variants variants;
            variants.add(bytes, "the original");
            for (std::size_t bit = 0; bit < 8 * size; ++bit) {
                bytes[bit / 8] ^= std::byte{1} << bit % 8;
                variants.add(bytes, "bit " + std::to_string(bit) + " of " + std::to_string(size));
                bytes[bit / 8] ^= std::byte{1} << bit % 8;
            }
        }
    }
}

TEST(Digest, SeesWhatChangesPlaces) {
    for (const std::size_t size : {8, 16, 128}) {
        Bytes bytes = random_bytes(1024);
        Variants variants;
        variants.add(bytes, "the original");
        for (auto a = bytes.begin(); a != bytes.end(); a += size) {
            for (auto b = a + size; b != bytes.end(); b += size) {
                std::swap_ranges(a, a + size, b);
                variants.add(bytes, std::to_string(a - bytes.begin()) + " and " +
                                        std::to_string(b - bytes.begin()));
                std::swap_ranges(a, a + size, b);
            }
        }
    }
}

TEST(Digest, SeesTheLengthOfZeros) {
    Variants variants;
    for (std::size_t size = 0; size < 1000; ++size) {
        variants.add(Bytes(size), std::to_string(size));
    }
}

TEST(Digest, OneBitChangesHalfOfTheDigest) {
    for (const std::size_t size : digested_sizes) {
        Bytes bytes(size);
        const std::uint64_t base = digest_of(bytes);
        int changed = 0;
        for (std::size_t bit = 0; bit < 8 * size; ++bit) {
            bytes[bit / 8] ^= std::byte{1} << bit % 8;
            changed += std::popcount(digest_of(bytes) ^ base);
            bytes[bit / 8] ^= std::byte{1} << bit % 8;
        }
        EXPECT_NEAR(changed / (8.0 * static_cast<double>(size)), 32, 5) << size << " bytes";
    }
}

/// The last of usable() is what processors without instructions for AES do.
TEST(Digest, IsTheSameOnEveryProcessorAndAtEveryAddress) {
    const Bytes bytes = random_bytes(5000);
    const auto expect_same = [&](std::size_t size, std::size_t offset) {
        const Bytes aligned(bytes.begin() + offset, bytes.begin() + offset + size);
        const std::uint64_t digest = digest_of(aligned);
        for (const digest::Functions* const kind : digest::usable()) {
            ASSERT_EQ(kind->compute(&bytes[offset], size), digest) << size << " at " << offset;
        }
    };
    for (const std::size_t offset : {0, 1, 7, 16}) {
        for (std::size_t size = 0; size <= 300; ++size) {
            expect_same(size, offset);
        }
        expect_same(1024, offset);
        expect_same(4099, offset);
    }
}

TEST(Digest, CopiesWhatItIsOf) {
    constexpr std::size_t around = 3;  // nothing before or behind is touched
    for (const digest::Functions* const kind : digest::usable()) {
        for (std::size_t size = 0; size <= 1100; ++size) {
            const Bytes from = random_bytes(size + 2 * around);
            Bytes into(size + 2 * around, std::byte{0xEE});
            Bytes copied = into;
            std::copy_n(from.begin() + around, size, copied.begin() + around);
            const std::uint64_t digest = digest_of(std::span(from).subspan(around, size));
            ASSERT_EQ(kind->copy(&into[around], &from[around], size), digest) << size;
            ASSERT_EQ(into, copied) << size;
        }
    }
}

TEST(RecordDigest, IsTheSameOnEveryProcessorAndHoweverItIsCut) {
    constexpr std::size_t count = 64;
    const Bytes bytes = random_bytes(count * RecordDigest::record_size + 1);
    const digest::ChainState start{1, 2};
    const auto whole = digest::usable().front()->chain(start, &bytes[1], count);
    for (const digest::Functions* const kind : digest::usable()) {
        for (std::size_t first = 0; first <= count; ++first) {
            const auto state = kind->chain(start, &bytes[1], first);
            EXPECT_EQ(
                kind->chain(state, &bytes[1 + first * RecordDigest::record_size], count - first),
                whole)
                << "cut after " << first;
        }
    }
}

TEST(RecordDigest, SeesEveryBitAndWhatChangesPlaces) {
    std::unordered_map<std::uint64_t, std::string> seen;
    Bytes bytes = random_bytes(5 * RecordDigest::record_size);
    const auto add = [&](const std::string& what) {
        RecordDigest digest;
        digest.add(bytes);
        const auto [place, is_new] = seen.emplace(digest.value(), what);
        EXPECT_TRUE(is_new) << what << " is taken for " << place->second;
    };
    add("the original");
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        bytes[bit / 8] ^= std::byte{1} << bit % 8;
        add("bit " + std::to_string(bit));
        bytes[bit / 8] ^= std::byte{1} << bit % 8;
    }
    const std::size_t size = RecordDigest::record_size;
    for (std::size_t a = 0; a < bytes.size(); a += size) {
        for (std::size_t b = a + size; b < bytes.size(); b += size) {
            std::swap_ranges(&bytes[a], &bytes[a] + size, &bytes[b]);
            add(std::to_string(a) + " and " + std::to_string(b));
            std::swap_ranges(&bytes[a], &bytes[a] + size, &bytes[b]);
        }
    }
}

// Pinned: a trace is compared with one from another machine, and another year.
TEST(Digest, OnceTakenIsTakenForEver) {
    EXPECT_EQ(digest_of({}), 0xd621510e936efa08u);
    EXPECT_EQ(digest_of(random_bytes(1000)), 0x0bd52ed9e1c0bb13u);
    RecordDigest records;
    records.add(random_bytes(10 * RecordDigest::record_size));
    EXPECT_EQ(records.value(), 0x1440A43AC9A863CCu);
}

}  // namespace
}  // namespace ringside
