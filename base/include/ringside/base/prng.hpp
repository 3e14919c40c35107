// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Seeded pseudo-random streams. A run has one seed; every domain that draws (schedule, sizes,
// keys, IOVA bases, ...) has a stream of its own, named by a string, so that a draw added in one
// domain never shifts the draws of another and an old seed keeps its meaning.
// Not for secrets: keys drawn here are test keys.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ringside {

/// xoshiro256** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021),
/// its state filled by SplitMix64 from the seed and the domain's name. A
/// std::uniform_random_bit_generator, but use below() and chance(): the standard's distributions
/// give different numbers with different libraries.
class Prng {
  public:
    using result_type = std::uint64_t;

    Prng(std::uint64_t seed, std::string_view domain);

    static constexpr result_type min() { return 0; }
    static constexpr result_type max() { return ~result_type{0}; }
    result_type operator()();

    /// Uniform in [0, bound); bound must not be 0.
    std::uint64_t below(std::uint64_t bound);
    /// Uniform in [low, high], both included.
    std::uint64_t between(std::uint64_t low, std::uint64_t high);
    /// True in `numerator` of `denominator` draws.
    bool chance(std::uint64_t numerator, std::uint64_t denominator);
    void fill(std::span<std::byte> out);

  private:
    std::array<std::uint64_t, 4> state_{};
};

}  // namespace ringside
