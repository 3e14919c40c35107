// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What firmware and kernel do with a PCI function before a driver gets it, and around a reset of
// it, so that a driver finds it as under VFIO: BARs assigned, memory space and bus master on.

#include <cstdint>
#include <utility>
#include <vector>

#include "ringside/spec/pci_config.hpp"

namespace ringside::sim {

/// Configuration requests to the one function; the root complex implements them.
class ConfigSpace {
  public:
    virtual ~ConfigSpace() = default;
    /// All ones: nobody answers.
    virtual std::uint32_t read_config(std::uint32_t offset, std::uint32_t bytes) = 0;
    virtual void write_config(std::uint32_t offset, std::uint32_t bytes, std::uint32_t value) = 0;
};

/// Sizes the BARs, assigns them addresses by their size and switches memory space and bus master
/// on, INTx off.
void enumerate(ConfigSpace& config);

/// Whether the function's BARs are switched on.
bool decodes_memory(ConfigSpace& config);

/// Where the capability with this id stands; 0: there is none, or the list is broken.
std::uint32_t find_capability(ConfigSpace& config, std::uint8_t id);

/// Switches MSI-X on, or holds all messages back while the table is written.
void enable_msix(ConfigSpace& config, bool hold_messages);

/// The registers that software can set, as they stood when it was made.
class SavedConfig {
  public:
    explicit SavedConfig(ConfigSpace& config);
    /// The function must be in D0; Command comes last, when all else stands.
    void restore(ConfigSpace& config) const;

  private:
    std::vector<std::pair<const spec::pci::ConfigRegister*, std::uint32_t>> values_;
};

/// A function-level reset; everything in `config` but what is the link's loses its value.
void initiate_function_reset(ConfigSpace& config);

}  // namespace ringside::sim
