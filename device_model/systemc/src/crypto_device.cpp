// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/systemc/crypto_device.hpp"

namespace ringside::systemc {

// NOLINTNEXTLINE(performance-unnecessary-value-param): SystemC wants module names by value
CryptoDevice::CryptoDevice(sc_core::sc_module_name name, const core::DeviceConfig& device,
                           Trace& trace)
    : PcieDevice(name, core::make_device(device), trace) {}

}  // namespace ringside::systemc
