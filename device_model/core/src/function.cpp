// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The chip as a PCI function: accesses to configuration space and what they set off.

#include "device_impl.hpp"

namespace ringside::core {

namespace pci = spec::pci;

bool Device::Impl::peek_config(std::uint32_t offset, std::span<std::byte> into) const {
    if (!PciConfig::is_access(offset, into.size())) {
        return false;
    }
    pci_.read(offset, into);
    constexpr std::uint32_t status = pci::at("DEVSTA");
    static_assert(pci::device_status::transactions_pending <= 0xFF, "in the register's low byte");
    if (offset <= status && status < offset + into.size() && transactions_pending()) {
        into[status - offset] |= std::byte{pci::device_status::transactions_pending};
    }
    return true;
}

bool Device::Impl::write_config(std::uint32_t offset, std::span<const std::byte> from) {
    if (!PciConfig::is_access(offset, from.size())) {
        return false;
    }
    if (pci_.write(offset, from)) {
        function_level_reset();
    }
    statistics_.messages += msix_.let_send(pci_.may_send_messages());
    return true;
}

/// As RESET, and all that software has configured in the function goes too.
void Device::Impl::function_level_reset() {
    pci_.reset();
    msix_.reset_table();
    begin_reset();
}

/// What is fetched or on its way through the stages counts as one that still reads.
bool Device::Impl::transactions_pending() const {
    return in_pipeline_ != 0 || fetching_ || !late_writes_.empty();
}

}  // namespace ringside::core
