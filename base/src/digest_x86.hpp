// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A block of the digest in a register of an x86-64 processor with AES-NI and AVX.

#include <immintrin.h>

#include "digest.hpp"

namespace ringside::digest {
namespace {  // each source compiles it for the instructions that it may use

struct Block {
    __m128i value;

    static Block of(std::uint64_t low, std::uint64_t high) {
        return {_mm_set_epi64x(static_cast<std::int64_t>(high), static_cast<std::int64_t>(low))};
    }
    static Block load(const std::byte* bytes) {
        return {_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes))};
    }
    static Block salt() { return of(salt_low, salt_high); }
    void store(std::byte* bytes) const {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes), value);
    }
    std::uint64_t low() const { return static_cast<std::uint64_t>(_mm_cvtsi128_si64(value)); }
    std::uint64_t high() const { return static_cast<std::uint64_t>(_mm_extract_epi64(value, 1)); }
    Block round(Block key) const { return {_mm_aesenc_si128(value, key.value)}; }
    Block fold() const { return *this; }
};

}  // namespace
}  // namespace ringside::digest
