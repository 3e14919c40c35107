// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A device's registers as storage: values, access policies and reset values straight from its
// table. What a register does besides keep a value is its owner's business.

#include <cstdint>
#include <vector>

#include "ringside/spec/register_types.hpp"

namespace ringside::blocks {

class RegisterBank {
  public:
    /// `map` must outlive it. Offsets from `storage_size` on (doorbells) keep nothing.
    RegisterBank(std::span<const spec::Block> map, std::uint32_t storage_size);

    /// What stands at a 4-byte aligned offset.
    spec::Location locate(std::uint32_t offset) const { return spec::locate(map_, offset); }

    /// Brings back the reset values of `domain` and of those below it (spec::ResetDomain).
    void reset(spec::ResetDomain domain);
    void reset_block(const spec::Block& block, std::uint32_t instance, spec::ResetDomain domain);

    std::uint32_t get32(std::uint32_t offset) const { return words_[offset / 4]; }
    void set32(std::uint32_t offset, std::uint32_t value) { words_[offset / 4] = value; }
    std::uint64_t get64(std::uint32_t offset) const {
        return get32(offset) | std::uint64_t{get32(offset + 4)} << 32;
    }
    void set64(std::uint32_t offset, std::uint64_t value) {
        set32(offset, static_cast<std::uint32_t>(value));
        set32(offset + 4, static_cast<std::uint32_t>(value >> 32));
    }

    /// What a bus write of `value` does by the register's access policy; where there is no storage
    /// nothing.
    void write(const spec::Location& location, std::uint32_t offset, std::uint32_t value);
    void write(std::uint32_t offset, std::uint32_t value) { write(locate(offset), offset, value); }
    /// What a bus read gives: zero for write-only registers.
    std::uint32_t read(const spec::Location& location, std::uint32_t offset) const;
    std::uint32_t read(std::uint32_t offset) const { return read(locate(offset), offset); }

  private:
    bool has_storage(std::uint32_t offset) const { return offset / 4 < words_.size(); }

    std::span<const spec::Block> map_;
    std::vector<std::uint32_t> words_;
};

}  // namespace ringside::blocks
