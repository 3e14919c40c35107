// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/blocks/endpoint.hpp"

#include <algorithm>
#include <cstring>

namespace ringside::blocks {

namespace pci = spec::pci;

bool Endpoint::fits(Bar bar, std::uint32_t offset, std::size_t length) const {
    const std::uint32_t size = bar == Bar::registers ? bar0_size_ : spec::bar2_size;
    return length <= size && offset <= size - length;
}

/// Whether an access is an aligned word of something that this device has.
bool Endpoint::is_known(Bar bar, std::uint32_t offset, std::size_t length) const {
    const bool is_word = length == 4 && offset % 4 == 0;
    return is_word && (bar == Bar::registers ? has_register(offset) : MsixTable::is_known(offset));
}

bool Endpoint::read(Bar bar, Time now, std::uint32_t offset, std::span<std::byte> into) {
    advance(now);
    if (!is_present()) {
        return false;
    }
    if (bar == Bar::config) {
        return read_config(offset, into);
    }
    if (!pci_.decodes_memory() || !fits(bar, offset, into.size())) {
        pci_.log_unsupported_request(false);
        return false;
    }
    if (!is_known(bar, offset, into.size())) {
        std::fill(into.begin(), into.end(), std::byte{0});
        refuse_access(offset);
        return true;
    }
    const auto value =
        bar == Bar::registers ? read_register(offset, now) : std::optional(msix_.read(offset));
    if (value) {
        std::memcpy(into.data(), &*value, sizeof *value);
    }
    return value.has_value();
}

bool Endpoint::peek(Bar bar, Time now, std::uint32_t offset, std::span<std::byte> into) const {
    if (!is_present()) {
        return false;
    }
    if (bar == Bar::config) {
        return read_config(offset, into);
    }
    if (!fits(bar, offset, into.size())) {
        return false;
    }
    std::fill(into.begin(), into.end(), std::byte{0});
    if (is_known(bar, offset, into.size())) {
        const std::uint32_t value =
            bar == Bar::registers ? register_value(offset, now) : msix_.read(offset);
        std::memcpy(into.data(), &value, sizeof value);
    }
    return true;
}

bool Endpoint::write(Bar bar, Time now, std::uint32_t offset, std::span<const std::byte> from) {
    advance(now);
    if (!is_present()) {
        return false;
    }
    if (bar == Bar::config) {
        return write_config(offset, from);
    }
    if (!pci_.decodes_memory() || !fits(bar, offset, from.size())) {
        pci_.log_unsupported_request(true);
        return false;
    }
    if (!is_known(bar, offset, from.size())) {
        refuse_access(offset);
        return true;
    }
    std::uint32_t value = 0;
    std::memcpy(&value, from.data(), sizeof value);
    if (bar == Bar::registers) {
        write_register(offset, value);
    } else if (msix_.write(offset, value)) {
        note_late_messages(std::uint64_t{1} << MsixTable::vector_at(offset));
    }
    return true;
}

// ---- configuration space ----

bool Endpoint::read_config(std::uint32_t offset, std::span<std::byte> into) const {
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

bool Endpoint::write_config(std::uint32_t offset, std::span<const std::byte> from) {
    if (!PciConfig::is_access(offset, from.size())) {
        return false;
    }
    if (pci_.write(offset, from)) {
        function_level_reset();
    }
    note_late_messages(msix_.let_send(pci_.may_send_messages()));
    return true;
}

void Endpoint::function_level_reset() {
    pci_.reset();
    msix_.reset_table();
    reset_function();
}

}  // namespace ringside::blocks
