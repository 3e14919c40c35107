// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/blocks/register_bank.hpp"

namespace ringside::blocks {

RegisterBank::RegisterBank(std::span<const spec::Block> map, std::uint32_t storage_size)
    : map_(map), words_(storage_size / 4) {
    reset(spec::ResetDomain::power_on);
}

void RegisterBank::reset(spec::ResetDomain domain) {
    for (const auto& block : map_) {
        for (std::uint32_t instance = 0; instance < block.count; ++instance) {
            reset_block(block, instance, domain);
        }
    }
}

void RegisterBank::reset_block(const spec::Block& block, std::uint32_t instance,
                               spec::ResetDomain domain) {
    const std::uint32_t base = block.base + block.stride * instance;
    for (const auto& reg : block.registers) {
        const std::uint32_t offset = base + reg.offset;
        if (reg.domain < domain || !has_storage(offset)) {
            continue;
        }
        if (reg.width == 64) {
            set64(offset, reg.reset);
        } else {
            set32(offset, static_cast<std::uint32_t>(reg.reset));
        }
    }
}

void RegisterBank::write(const spec::Location& location, std::uint32_t offset,
                         std::uint32_t value) {
    if (!has_storage(offset)) {
        return;
    }
    const auto writable = static_cast<std::uint32_t>(
        location.upper_half ? location.reg->writable() >> 32 : location.reg->writable());
    const std::uint32_t old = get32(offset);
    switch (location.reg->access) {
        case spec::Access::rw:
            set32(offset, (old & ~writable) | (value & writable));
            break;
        case spec::Access::w1c:
            set32(offset, old & ~(value & writable));
            break;
        case spec::Access::ro:
        case spec::Access::rc:
        case spec::Access::wo:
            break;
    }
}

std::uint32_t RegisterBank::read(const spec::Location& location, std::uint32_t offset) const {
    return location.reg->access == spec::Access::wo || !has_storage(offset) ? 0 : get32(offset);
}

}  // namespace ringside::blocks
