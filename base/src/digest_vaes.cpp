// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The digest by VAES, two blocks at a time: empty elsewhere.
#if defined(__x86_64__)

#include "digest_x86.hpp"

namespace ringside::digest {
namespace {

struct TwoBlocks {
    __m256i value;

    static TwoBlocks load(const std::byte* bytes) {
        return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes))};
    }
    static TwoBlocks salt() { return {_mm256_broadcastsi128_si256(Block::salt().value)}; }
    void store(std::byte* bytes) const {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(bytes), value);
    }
    TwoBlocks round(TwoBlocks key) const { return {_mm256_aesenc_epi128(value, key.value)}; }
    Block fold() const {
        return Block{_mm256_castsi256_si128(value)}.round(
            Block{_mm256_extracti128_si256(value, 1)});
    }
};

}  // namespace

const Functions by_vaes = functions_with<TwoBlocks, Block>;

}  // namespace ringside::digest

#endif
