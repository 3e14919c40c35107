// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "regs/config_dump.hpp"

#include <fmt/format.h>

#include <boost/system/system_error.hpp>
#include <iterator>

#include "ringside/sim/iommu.hpp"
#include "ringside/sim/kernel.hpp"
#include "ringside/spec/pci_config.hpp"

namespace ringside::tools {
namespace {

constexpr std::uint32_t bytes_per_line = 16;
constexpr const char* slot = "01:00.0";  // behind a root port, as an endpoint stands

}  // namespace

std::string config_space_as_hex(const core::DeviceConfig& chip) {
    Trace trace(1);
    sim::Iommu iommu(1);
    const auto machine =
        sim::Kernel::create(core::make_device(chip), trace, iommu, [](std::uint32_t /*vector*/) {});
    if (!machine) {
        throw boost::system::system_error(machine.error());
    }
    const auto dword = [&](std::uint32_t offset) { return (*machine)->peek_config32(offset); };
    std::string text =
        fmt::format("{} Class {:04x}: {:04x}:{:04x} (rev {:02x})", slot, dword(0x08) >> 16,
                    dword(0x00) & 0xFFFF, dword(0x00) >> 16, dword(0x08) & 0xFF);
    for (std::uint32_t offset = 0; offset < spec::pci::config_size; offset += 4) {
        if (offset % bytes_per_line == 0) {
            fmt::format_to(std::back_inserter(text), "\n{:02x}:", offset);
        }
        const std::uint32_t value = dword(offset);
        for (std::uint32_t shift = 0; shift < 32; shift += 8) {
            fmt::format_to(std::back_inserter(text), " {:02x}", value >> shift & 0xFF);
        }
    }
    return text + "\n";
}

}  // namespace ringside::tools
