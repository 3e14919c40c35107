// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The RS1 accelerator as a SystemC module. How it is bound and what it guarantees: pcie_device.hpp.

#include "ringside/core/device.hpp"
#include "ringside/systemc/pcie_device.hpp"

namespace ringside::systemc {

class CryptoDevice : public PcieDevice {
  public:
    /// The trace must outlive the module.
    CryptoDevice(sc_core::sc_module_name name, const core::DeviceConfig& device, Trace& trace);
};

}  // namespace ringside::systemc
