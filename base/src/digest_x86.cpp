// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The digest by the instructions of x86-64 processors: empty elsewhere.
#if defined(__x86_64__)

#include <immintrin.h>

#include "digest.hpp"

namespace ringside::digest {
namespace {

struct Block {
    __m128i value;

    static Block of(std::uint64_t low, std::uint64_t high) {
        return {_mm_set_epi64x(static_cast<std::int64_t>(high), static_cast<std::int64_t>(low))};
    }
    static Block load(const std::byte* bytes) {
        return {_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes))};
    }
    std::uint64_t low() const { return static_cast<std::uint64_t>(_mm_cvtsi128_si64(value)); }
    std::uint64_t high() const { return static_cast<std::uint64_t>(_mm_extract_epi64(value, 1)); }
    Block round(Block key) const { return {_mm_aesenc_si128(value, key.value)}; }
};

}  // namespace

std::uint64_t compute_by_instruction(const std::byte* at, std::size_t size) {
    return compute<Block>(at, size);
}

ChainState chain_by_instruction(ChainState state, const std::byte* at, std::size_t records) {
    return chain<Block>(state, at, records);
}

}  // namespace ringside::digest

#endif
