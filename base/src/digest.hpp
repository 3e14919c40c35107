// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The digest itself, over a Block that knows one round of AES, which mixes 16 bytes with a single
// instruction where the processor has it. A round is a bijection and so is adding a block to what
// comes out of it: what differs in one block is never lost, and three rounds spread it over all.
// One text for the Blocks of all processors and for a portable one, so that all give one value.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace ringside::digest {

inline constexpr std::size_t block_size = 16;
/// The rounds of one lane hide the latency of the others'.
inline constexpr std::size_t lane_count = 8;
inline constexpr std::size_t stripe_size = lane_count * block_size;

/// Digits of pi.
inline constexpr std::uint64_t salt_low = 0x243F6A8885A308D3u;
inline constexpr std::uint64_t salt_high = 0x13198A2E03707344u;

/// Where the digest gets its input, from the front on, and where that is copied to, if it is.
template <bool IsCopied>
class Input {
  public:
    [[gnu::always_inline]] Input(const std::byte* at, std::byte* into) : at_(at), into_(into) {}

    template <typename Wide>
    [[gnu::always_inline]] Wide take() {
        const Wide value = Wide::load(at_);
        if constexpr (IsCopied) {
            value.store(into_);
            into_ += sizeof value;
        }
        at_ += sizeof value;
        return value;
    }
    /// Less than a block, then zeros.
    template <typename Block>
    Block take_last(std::size_t size) {
        std::byte last[block_size] = {};
        std::memcpy(last, at_, size);
        if constexpr (IsCopied) {
            std::memcpy(into_, at_, size);
        }
        return Block::load(last);
    }

  private:
    const std::byte* at_;
    std::byte* into_;
};

/// Takes whole stripes, at least one, a block for each lane. What differs in a lane meets the
/// others only when it is everywhere in its block: after a single round two would too often look
/// the same. Wide holds the blocks of as many lanes as the processor mixes at a time.
template <typename Wide, typename Block, typename From, std::size_t... I>
[[gnu::always_inline]] inline Block take_stripes(Block state, From& from, std::size_t stripes,
                                                 std::index_sequence<I...> /*all*/) {
    const Wide salt = Wide::salt();
    Wide lanes[] = {(static_cast<void>(I), from.template take<Wide>())...};
    while (--stripes != 0) {
        ((lanes[I] = lanes[I].round(from.template take<Wide>())), ...);
    }
    ((lanes[I] = lanes[I].round(salt).round(salt).round(salt)), ...);
    for (std::size_t half = sizeof...(I) / 2; half != 0; half /= 2) {
        for (std::size_t i = 0; i < half; ++i) {
            lanes[i] = lanes[i].round(lanes[i + half]);
        }
    }
    return state.round(lanes[0].fold());
}

/// A Block has load(bytes), store(bytes), of(low, high), low(), and round(key): a round of the
/// cipher on it, then the key added. Wide is one or several of them side by side: load(), store(),
/// round(), salt(), and fold(), which is the first half's round with the second half for its key,
/// down to one Block.
template <typename Wide, typename Block, typename From>
[[gnu::always_inline]] inline std::uint64_t compute(From from, std::size_t size) {
    const Block salt = Block::salt();
    Block state = Block::of(0xA4093822299F31D0u ^ size, 0x082EFA98EC4E6C89u);
    if (size >= 2 * stripe_size) {
        constexpr std::size_t count = stripe_size / sizeof(Wide);
        state =
            take_stripes<Wide>(state, from, size / stripe_size, std::make_index_sequence<count>());
        size %= stripe_size;
    }
    for (; size >= 2 * block_size; size -= 2 * block_size) {
        const Block first = from.template take<Block>();
        state = state.round(first).round(from.template take<Block>());
    }
    if (size >= block_size) {
        state = state.round(from.template take<Block>());
        size -= block_size;
    }
    if (size != 0) {
        state = state.round(from.template take_last<Block>(size));
    }
    return state.round(salt).round(salt).round(salt).low();
}

using ChainState = std::array<std::uint64_t, 2>;

/// A record of two blocks becomes one off the chain, so that a record waits for a single round of
/// the one before; by two rounds, lest a difference in one record look like one in the next.
template <typename Block>
[[gnu::always_inline]] inline ChainState chain(ChainState state, const std::byte* at,
                                               std::size_t records) {
    Block chained = Block::of(state[0], state[1]);
#pragma GCC unroll 4
    for (; records != 0; --records, at += 2 * block_size) {
        const Block record = Block::load(at).round(Block::load(at + block_size));
        chained = chained.round(record.round(Block::salt()));
    }
    return {chained.low(), chained.high()};
}

/// What a kind of processor does best.
struct Functions {
    std::uint64_t (*compute)(const std::byte* at, std::size_t size);
    std::uint64_t (*copy)(std::byte* into, const std::byte* at, std::size_t size);
    ChainState (*chain)(ChainState state, const std::byte* at, std::size_t records);
};

template <typename Wide, typename Block>
constexpr Functions functions_with{
    [](const std::byte* at, std::size_t size) {
        return compute<Wide, Block>(Input<false>(at, nullptr), size);
    },
    [](std::byte* into, const std::byte* at, std::size_t size) {
        return compute<Wide, Block>(Input<true>(at, into), size);
    },
    chain<Block>,
};

extern const Functions by_aes;   ///< x86-64 with AES-NI and AVX
extern const Functions by_vaes;  ///< x86-64 with VAES and AVX2

/// What this processor can do, the best first. All give the same.
std::vector<const Functions*> usable();

}  // namespace ringside::digest
