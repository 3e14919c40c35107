// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/blocks/endpoint.hpp"

#include <algorithm>
#include <cstring>

namespace ringside::blocks {

namespace pci = spec::pci;

namespace {

constexpr std::uint32_t word_size = 4;

}  // namespace

bool Endpoint::fits(Bar bar, std::uint32_t offset, std::size_t length) const {
    const std::uint32_t size = bar == Bar::registers ? bar0_size_ : spec::bar2_size;
    return length <= size && offset <= size - length;
}

/// The packet that an access came in, by where the BAR stands.
TlpHeader Endpoint::header_of(Bar bar, bool is_write, std::uint32_t offset,
                              std::size_t length) const {
    const std::uint64_t base =
        pci_.bar_address(bar == Bar::registers ? pci::at("BAR0_LOW") : pci::at("BAR2_LOW"));
    return request_header(is_write, base + offset, length);
}

/// Whether an access is an aligned word of something that this device has, or two in BAR2 (PCI
/// Local Bus Specification 3.0, 6.8.2: aligned full DWORD or aligned full QWORD transactions).
bool Endpoint::is_known(Bar bar, std::uint32_t offset, std::size_t length) const {
    if (bar == Bar::registers) {
        return length == word_size && offset % word_size == 0 && has_register(offset);
    }
    return (length == word_size || length == 2 * word_size) && offset % length == 0 &&
           MsixTable::is_known(offset);
}

void Endpoint::read_msix(std::uint32_t offset, std::span<std::byte> into) const {
    for (std::uint32_t at = 0; at < into.size(); at += word_size) {
        const std::uint32_t value = msix_.read(offset + at);
        std::memcpy(into.data() + at, &value, sizeof value);
    }
}

void Endpoint::write_msix(std::uint32_t offset, std::span<const std::byte> from) {
    for (std::uint32_t at = 0; at < from.size(); at += word_size) {
        std::uint32_t value = 0;
        std::memcpy(&value, from.data() + at, sizeof value);
        if (msix_.write(offset + at, value)) {
            note_late_messages(std::uint64_t{1} << MsixTable::vector_at(offset));
        }
    }
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
        pci_.log_unsupported_request(false, header_of(bar, false, offset, into.size()));
        return false;
    }
    if (!is_known(bar, offset, into.size())) {
        std::fill(into.begin(), into.end(), std::byte{0});
        refuse_access(offset);
        return true;
    }
    if (bar == Bar::msix) {
        read_msix(offset, into);
        return true;
    }
    const auto value = read_register(offset, now);
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
    if (!is_known(bar, offset, into.size())) {
        std::fill(into.begin(), into.end(), std::byte{0});
    } else if (bar == Bar::msix) {
        read_msix(offset, into);
    } else {
        const std::uint32_t value = register_value(offset, now);
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
        pci_.log_unsupported_request(true, header_of(bar, true, offset, from.size()));
        return false;
    }
    if (!is_known(bar, offset, from.size())) {
        refuse_access(offset);
        return true;
    }
    if (bar == Bar::msix) {
        write_msix(offset, from);
        return true;
    }
    std::uint32_t value = 0;
    std::memcpy(&value, from.data(), sizeof value);
    write_register(offset, value);
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
