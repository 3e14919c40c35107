// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Register accesses that a Link does not have by itself. Any thread.

#include <cstdint>

#include "ringside/driver/link/link.hpp"

namespace ringside::driver {

/// A register of two halves, the low one first.
inline void write_register64(Link& link, std::uint32_t offset, std::uint64_t value) {
    link.mmio_write32(offset, static_cast<std::uint32_t>(value));
    link.mmio_write32(offset + 4, static_cast<std::uint32_t>(value >> 32));
}

}  // namespace ringside::driver
