// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What a register, a field and a block of registers are: the columns of a device's table (the RS1's
// is in registers.hpp), and how one is looked up in it.

#include <cstdint>
#include <span>
#include <string_view>

namespace ringside::spec {

/// Access policy of a register or of a field.
enum class Access : std::uint8_t {
    ro,   ///< writes are ignored
    rw,   ///< reads back what was written
    w1c,  ///< writing 1 clears the bit, 0 leaves it
    rc,   ///< reading clears
    wo,   ///< reads as zero
};

/// Which reset brings the reset value back. Each includes the ones above it: a device reset (RESET)
/// also resets queues; power-on resets all.
enum class ResetDomain : std::uint8_t {
    power_on,
    device,
    queue,
};

struct Field {
    std::string_view name;
    std::uint8_t lsb;
    std::uint8_t width;
    std::string_view doc;

    constexpr std::uint64_t mask() const {
        return (width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1) << lsb;
    }
    constexpr std::uint64_t get(std::uint64_t value) const { return (value & mask()) >> lsb; }
    /// `field_value` in this field's position; bits beyond its width are dropped.
    constexpr std::uint64_t set(std::uint64_t field_value) const {
        return (field_value << lsb) & mask();
    }
};

struct Register {
    std::string_view name;
    std::uint32_t offset;  ///< in bytes from its block's base
    std::uint8_t width;    ///< 32 or 64 bits; 64 is accessed as two 32-bit halves, low first
    Access access;
    std::uint64_t reset;
    ResetDomain domain;
    std::span<const Field> fields;  ///< empty: one field, the whole register
    std::string_view doc;

    /// Bits that a write can change.
    constexpr std::uint64_t writable() const {
        if (access == Access::ro || access == Access::rc) {
            return 0;
        }
        if (fields.empty()) {
            return width == 64 ? ~std::uint64_t{0} : 0xFFFFFFFFu;
        }
        std::uint64_t mask = 0;
        for (const auto& field : fields) {
            mask |= field.mask();
        }
        return mask;
    }
};

/// A block of registers that stands once (count 1) or once for each queue pair.
struct Block {
    std::string_view name;
    std::uint32_t base;    ///< BAR0 offset of instance 0
    std::uint32_t stride;  ///< bytes from instance to instance
    std::uint32_t count;   ///< instances in the address map; CAP.MAX_QP says how many are live
    std::span<const Register> registers;
    std::string_view doc;
};

/// Where a register stands: base and stride of its block added to its offset.
struct Address {
    std::uint32_t base;
    std::uint32_t stride;

    /// BAR0 offset of instance `queue` (0 where the block stands once).
    constexpr std::uint32_t of(std::uint32_t queue = 0) const { return base + stride * queue; }
};

// ---- look-ups in a device's map; a wrong name does not compile ----

consteval const Register& find_register(std::span<const Block> map, std::string_view name) {
    for (const auto& block : map) {
        for (const auto& candidate : block.registers) {
            if (candidate.name == name) {
                return candidate;
            }
        }
    }
    throw "no such register in the map";
}

consteval Field find_field(std::span<const Block> map, std::string_view register_name,
                           std::string_view field_name) {
    for (const auto& candidate : find_register(map, register_name).fields) {
        if (candidate.name == field_name) {
            return candidate;
        }
    }
    throw "no such field in the register";
}

consteval Address find_address(std::span<const Block> map, std::string_view name) {
    for (const auto& block : map) {
        for (const auto& candidate : block.registers) {
            if (candidate.name == name) {
                return {block.base + candidate.offset, block.stride};
            }
        }
    }
    throw "no such register in the map";
}

/// What a BAR0 offset falls on.
struct Location {
    const Block* block;
    const Register* reg;
    std::uint32_t instance;
    bool upper_half;  ///< the high 32 bits of a 64-bit register
};

/// Decodes a 4-byte aligned BAR0 offset; `reg` is null where nothing stands.
constexpr Location locate(std::span<const Block> map, std::uint32_t offset) {
    for (const auto& block : map) {
        if (offset < block.base || offset >= block.base + block.stride * block.count) {
            continue;
        }
        const std::uint32_t instance = (offset - block.base) / block.stride;
        const std::uint32_t within = (offset - block.base) % block.stride;
        for (const auto& candidate : block.registers) {
            if (within == candidate.offset) {
                return {&block, &candidate, instance, false};
            }
            if (candidate.width == 64 && within == candidate.offset + 4) {
                return {&block, &candidate, instance, true};
            }
        }
        return {&block, nullptr, instance, false};
    }
    return {nullptr, nullptr, 0, false};
}

}  // namespace ringside::spec
