// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The digest itself, over a Block that knows one round of AES, which mixes 16 bytes with a single
// instruction where the processor has it. A round is a bijection and so is adding a block to what
// comes out of it: what differs in one block is never lost, and three rounds spread it over all.
// One text for the processor's Block and for a portable one, so that both give one value.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace ringside::digest {

inline constexpr std::size_t block_size = 16;
/// The rounds of one lane hide the latency of the others'.
inline constexpr std::size_t lane_count = 8;
inline constexpr std::size_t stripe_size = lane_count * block_size;

/// Takes whole stripes, at least one, a block for each lane. What differs in a lane meets the
/// others only when it is everywhere in its block: after a single round two would too often look
/// the same.
template <typename Block, std::size_t... Lane>
[[gnu::always_inline]] inline Block take_stripes(Block state, Block salt, const std::byte* at,
                                                 std::size_t stripes,
                                                 std::index_sequence<Lane...> /*all*/) {
    Block lanes[] = {Block::load(at + Lane * block_size)...};
    while (--stripes != 0) {
        at += stripe_size;
        ((lanes[Lane] = lanes[Lane].round(Block::load(at + Lane * block_size))), ...);
    }
    ((lanes[Lane] = lanes[Lane].round(salt).round(salt).round(salt)), ...);
    for (std::size_t half = lane_count / 2; half != 0; half /= 2) {
        for (std::size_t lane = 0; lane < half; ++lane) {
            lanes[lane] = lanes[lane].round(lanes[lane + half]);
        }
    }
    return state.round(lanes[0]);
}

/// Digits of pi.
template <typename Block>
[[gnu::always_inline]] inline Block salt() {
    return Block::of(0x243F6A8885A308D3u, 0x13198A2E03707344u);
}

/// A Block has load(bytes), of(low, high), low(), high(), and round(key): a round of the cipher on
/// it, then the key added.
template <typename Block>
[[gnu::always_inline]] inline std::uint64_t compute(const std::byte* at, std::size_t size) {
    const Block salt = digest::salt<Block>();
    Block state = Block::of(0xA4093822299F31D0u ^ size, 0x082EFA98EC4E6C89u);
    if (size >= 2 * stripe_size) {
        const std::size_t stripes = size / stripe_size;
        state = take_stripes(state, salt, at, stripes, std::make_index_sequence<lane_count>());
        at += stripes * stripe_size;
        size %= stripe_size;
    }
    for (; size >= 2 * block_size; size -= 2 * block_size, at += 2 * block_size) {
        state = state.round(Block::load(at)).round(Block::load(at + block_size));
    }
    if (size >= block_size) {
        state = state.round(Block::load(at));
        at += block_size;
        size -= block_size;
    }
    if (size != 0) {
        std::byte last[block_size] = {};
        std::memcpy(last, at, size);
        state = state.round(Block::load(last));
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
        chained = chained.round(record.round(salt<Block>()));
    }
    return {chained.low(), chained.high()};
}

// For an x86-64 processor with AES-NI and AVX.
std::uint64_t compute_by_instruction(const std::byte* at, std::size_t size);
ChainState chain_by_instruction(ChainState state, const std::byte* at, std::size_t records);

}  // namespace ringside::digest
