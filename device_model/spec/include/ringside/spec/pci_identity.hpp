// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// In what functions differ whose configuration space is otherwise that of pci_config.hpp.

#include <cstdint>

#include "ringside/spec/registers.hpp"

namespace ringside::spec::pci {

inline constexpr std::uint16_t vendor_id = 0x5253;
inline constexpr std::uint16_t function_id = 0x0001;  ///< the RS1

/// The link that the chip has; it is trained to all that it can do.
struct LinkWidth {
    std::uint8_t generation = 4;  ///< of PCI Express: 1 is 2.5 GT/s, 4 is 16 GT/s, 5 is 32 GT/s
    std::uint8_t lanes = 8;
};

/// The RS1 with the standard chip's link, unless said otherwise.
struct Identity {
    std::uint16_t device = function_id;
    std::uint8_t base_class = 0x10;             ///< encryption controller
    std::uint8_t subclass = 0x80;               ///< other
    std::uint32_t bar0_size = spec::bar0_size;  ///< a power of two, 16 or more
    LinkWidth link;
};

}  // namespace ringside::spec::pci
