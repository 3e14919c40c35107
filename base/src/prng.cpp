// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/base/prng.hpp"

#include <bit>
#include <cstring>

namespace ringside {
namespace {

std::uint64_t split_mix(std::uint64_t& state) {
    state += 0x9E3779B97F4A7C15u;
    std::uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

std::uint64_t fnv1a(std::string_view text) {
    std::uint64_t hash = 0xCBF29CE484222325u;
    for (const char c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
    }
    return hash;
}

}  // namespace

Prng::Prng(std::uint64_t seed, std::string_view domain) {
    std::uint64_t mixer = seed ^ std::rotl(fnv1a(domain), 32);
    for (auto& word : state_) {
        word = split_mix(mixer);
    }
}

Prng::result_type Prng::operator()() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
}

std::uint64_t Prng::below(std::uint64_t bound) {
    // Lemire's multiply-shift with rejection: unbiased, and one multiplication in nearly all draws.
    __extension__ using Wide = unsigned __int128;
    auto product = static_cast<Wide>((*this)()) * bound;
    if (auto low = static_cast<std::uint64_t>(product); low < bound) {
        const std::uint64_t threshold = (0 - bound) % bound;
        while (low < threshold) {
            product = static_cast<Wide>((*this)()) * bound;
            low = static_cast<std::uint64_t>(product);
        }
    }
    return static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t Prng::between(std::uint64_t low, std::uint64_t high) {
    return low + below(high - low + 1);
}

bool Prng::chance(std::uint64_t numerator, std::uint64_t denominator) {
    return below(denominator) < numerator;
}

void Prng::fill(std::span<std::byte> out) {
    while (!out.empty()) {
        const std::uint64_t word = (*this)();
        const std::size_t count = out.size() < sizeof word ? out.size() : sizeof word;
        std::memcpy(out.data(), &word, count);
        out = out.subspan(count);
    }
}

}  // namespace ringside
