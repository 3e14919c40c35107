// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What a register, a field and a block of registers are: the columns of the table in registers.hpp.

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

}  // namespace ringside::spec
