// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The PCI configuration space of a simulated chip, for people and for lspci.

#include <string>

#include "ringside/core/device.hpp"

namespace ringside::tools {

/// All 4 KiB of a freshly enumerated function, in the form that `lspci -xxxx` writes and `lspci -F`
/// reads. std::system_error if there is no machine to be had.
std::string config_space_as_hex(const core::DeviceConfig& chip);

}  // namespace ringside::tools
