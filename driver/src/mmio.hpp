// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Register access that notices when the device is gone. Any thread.

#include <cstdint>

#include "ringside/driver/error.hpp"
#include "ringside/driver/rings/registers.hpp"
#include "ringside/spec/registers.hpp"

namespace ringside::driver {

inline constexpr std::uint32_t all_ones = 0xFFFFFFFF;

/// The register at BAR0 offset `offset`, or Errc::dead. Some registers may hold all ones, and a
/// single read may go unanswered; the identity never holds them, so it is asked in doubt.
inline result<std::uint32_t> read_register(Link& link, std::uint32_t offset) {
    const std::uint32_t value = link.mmio_read32(offset);
    if (value != all_ones) {
        return value;
    }
    if (link.mmio_read32(spec::at("ID").of()) == all_ones) {
        return Errc::dead;
    }
    return link.mmio_read32(offset);
}

}  // namespace ringside::driver
