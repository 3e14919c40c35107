// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "enumeration.hpp"

namespace ringside::sim {
namespace {

namespace pci = spec::pci;

// Where the machine's address map has room for BARs, below 4 GiB as PC firmware puts them. MMIO
// reaches the function by BAR and offset, so the addresses show in configuration space only.
constexpr std::uint64_t mmio_window = 0xC0000000;

constexpr std::uint32_t first_bar = pci::at("BAR0_LOW");
constexpr std::uint32_t behind_bars = first_bar + 6 * 4;
constexpr std::uint32_t longest_capability_list = 48;  // as many as fit below 100h

std::uint64_t read_bar(ConfigSpace& config, std::uint32_t offset) {
    return config.read_config(offset, 4) | std::uint64_t{config.read_config(offset + 4, 4)} << 32;
}

void write_bar(ConfigSpace& config, std::uint32_t offset, std::uint64_t value) {
    config.write_config(offset, 4, static_cast<std::uint32_t>(value));
    config.write_config(offset + 4, 4, static_cast<std::uint32_t>(value >> 32));
}

}  // namespace

void enumerate(ConfigSpace& config) {
    std::uint64_t free = mmio_window;
    for (std::uint32_t offset = first_bar; offset < behind_bars; offset += 8) {
        write_bar(config, offset, ~std::uint64_t{0});
        const std::uint64_t size =
            ~(read_bar(config, offset) & ~std::uint64_t{pci::bar::flags_mask}) + 1;
        if (size == 0) {
            continue;  // not implemented
        }
        free = (free + size - 1) & ~(size - 1);
        write_bar(config, offset, free);
        free += size;
    }
    config.write_config(
        pci::at("COMMAND"), 2,
        pci::command::memory_space | pci::command::bus_master | pci::command::intx_disable);
}

bool decodes_memory(ConfigSpace& config) {
    return (config.read_config(pci::at("COMMAND"), 2) & pci::command::memory_space) != 0;
}

std::uint32_t find_capability(ConfigSpace& config, std::uint8_t id) {
    std::uint32_t offset = config.read_config(pci::at("CAP_POINTER"), 1);
    for (std::uint32_t i = 0; offset != 0 && i < longest_capability_list; ++i) {
        const std::uint32_t header = config.read_config(offset, 2);
        if ((header & 0xFF) == id) {
            return offset;
        }
        offset = header >> 8;
    }
    return 0;
}

void enable_msix(ConfigSpace& config, bool hold_messages) {
    const std::uint32_t control = find_capability(config, pci::msix_capability_id) + 2;
    const unsigned held = hold_messages ? pci::msix_control::function_mask : 0u;
    config.write_config(control, 2, pci::msix_control::enable | held);
}

void initiate_function_reset(ConfigSpace& config) {
    const std::uint32_t control = find_capability(config, pci::express_capability_id) + 8;
    config.write_config(control, 2,
                        config.read_config(control, 2) | pci::device_control::initiate_reset);
}

SavedConfig::SavedConfig(ConfigSpace& config) {
    for (const auto& reg : pci::config_registers) {
        if (reg.rw != 0) {
            values_.emplace_back(&reg, config.read_config(reg.offset, reg.width / 8u));
        }
    }
}

void SavedConfig::restore(ConfigSpace& config) const {
    for (auto value = values_.rbegin(); value != values_.rend(); ++value) {
        config.write_config(value->first->offset, value->first->width / 8u, value->second);
    }
}

}  // namespace ringside::sim
