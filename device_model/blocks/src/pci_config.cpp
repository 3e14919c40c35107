// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/blocks/pci_config.hpp"

#include <algorithm>
#include <bit>

namespace ringside::blocks {
namespace {

namespace pci = spec::pci;

constexpr std::uint8_t byte_of(std::uint32_t value, std::uint32_t index) {
    return static_cast<std::uint8_t>(value >> 8 * index);
}

constexpr std::uint32_t requester = 0x0100;  // the function: bus 1, device 0, function 0

}  // namespace

TlpHeader request_header(bool is_write, std::uint64_t address, std::size_t length) {
    const auto first = static_cast<std::uint32_t>(address % 4);
    const auto words = static_cast<std::uint32_t>((first + length + 3) / 4);
    const auto beyond = static_cast<std::uint32_t>(words * 4 - (first + length));
    const std::uint32_t last_enables = 0xFu >> beyond;
    const std::uint32_t first_enables = (0xFu << first) & (words == 1 ? last_enables : 0xFu);
    const std::uint32_t format = (is_write ? 2u : 0u) | (address >> 32 != 0 ? 1u : 0u);
    const std::uint32_t enables = (words == 1 ? 0u : last_enables << 4) | first_enables;
    const auto low = static_cast<std::uint32_t>(address) & ~3u;
    const auto high = static_cast<std::uint32_t>(address >> 32);
    return {format << 29 | (words & 0x3FF), enables, high != 0 ? high : low, high != 0 ? low : 0};
}

TlpHeader completion_header(std::uint64_t address, std::size_t length, bool is_poisoned) {
    constexpr std::uint32_t completion_with_data = 0x4A000000;
    constexpr std::size_t max_payload = 256;
    const auto first = static_cast<std::uint32_t>(address % 4);
    const auto words = static_cast<std::uint32_t>((first + std::min(length, max_payload) + 3) / 4);
    return {completion_with_data | (is_poisoned ? 1u << 14 : 0u) | (words & 0x3FF),
            static_cast<std::uint32_t>(length & 0xFFF),
            requester << 16 | static_cast<std::uint32_t>(address & 0x7F), 0};
}

PciConfig::PciConfig(const spec::pci::Identity& identity) {
    for (const auto& reg : pci::config_registers) {
        for (std::uint32_t i = 0; i < reg.width / 8u; ++i) {
            attributes_[reg.offset + i] = {byte_of(reg.reset, i), byte_of(reg.rw, i),
                                           byte_of(reg.w1c, i), byte_of(reg.kept, i)};
            bytes_[reg.offset + i] = byte_of(reg.reset, i);
        }
    }
    identify(identity);
}

void PciConfig::identify(const spec::pci::Identity& identity) {
    harden(pci::at("DEVICE_ID"), 0xFFFF, identity.device);
    harden(pci::at("SUBSYSTEM_ID"), 0xFFFF, identity.device);
    harden(pci::at("CLASS"), 0xFF, identity.base_class);
    harden(pci::at("SUBCLASS"), 0xFF, identity.subclass);
    for (std::uint32_t i = 0; i < sizeof identity.bar0_size; ++i) {
        attributes_[pci::at("BAR0_LOW") + i].rw =
            byte_of(pci::bar::address_bits(identity.bar0_size), i);
    }
    const std::uint32_t generation = identity.link.generation;
    const std::uint32_t speed_and_width = generation | identity.link.lanes << 4u;
    harden(pci::at("LNKCAP"), 0x3FF, speed_and_width);
    harden(pci::at("LNKSTA"), 0x3FF, speed_and_width);
    harden(pci::at("LNKCAP2"), 0xFE, (2u << generation) - 2);  // a bit for each speed, from 1 on
    harden(pci::at("LNKCTL2"), 0xF, generation);
    if (generation < 4) {
        harden(pci::at("LNKCAP2"), pci::link::detects_retimers, 0);
        harden(pci::at("DEVCAP2"), pci::link::ten_bit_tags, 0);
    }
    if (generation < 3) {
        harden(pci::at("LNKSTA2"), pci::link::equalized, 0);
    }
}

/// The bits of `mask` are these after power-on and after each reset.
void PciConfig::harden(std::uint16_t offset, std::uint32_t mask, std::uint32_t value) {
    for (std::uint32_t i = 0; i < sizeof mask; ++i) {
        const std::uint8_t bits = byte_of(mask, i);
        std::uint8_t& reset = attributes_[offset + i].reset;
        reset = static_cast<std::uint8_t>((reset & ~bits) | (byte_of(value, i) & bits));
        bytes_[offset + i] = reset;
    }
}

bool PciConfig::is_access(std::uint32_t offset, std::size_t length) {
    return offset < pci::config_size && length >= 1 && length <= 4 - offset % 4;
}

void PciConfig::read(std::uint32_t offset, std::span<std::byte> into) const {
    for (std::size_t i = 0; i < into.size(); ++i) {
        into[i] = std::byte{bytes_[offset + i]};
    }
}

bool PciConfig::write(std::uint32_t offset, std::span<const std::byte> from) {
    const std::uint16_t old_power = get16(pci::at("PMCSR"));
    bool wants_reset = false;
    for (std::size_t i = 0; i < from.size(); ++i) {
        const std::size_t at = offset + i;
        const auto value = std::to_integer<std::uint8_t>(from[i]);
        const Attributes& bits = attributes_[at];
        const unsigned stored = (bytes_[at] & ~bits.rw) | (value & bits.rw);
        bytes_[at] = static_cast<std::uint8_t>(stored & ~(value & bits.w1c));
        wants_reset |= at == pci::at("DEVCTL") + 1u &&
                       (value & byte_of(pci::device_control::initiate_reset, 1)) != 0;
    }
    const unsigned state = get16(pci::at("PMCSR")) & pci::power::state_mask;
    if (state != pci::power::d0 && state != pci::power::d3hot) {
        put16(pci::at("PMCSR"), old_power);
    }
    note_gate();
    return wants_reset;
}

void PciConfig::reset() {
    for (std::size_t at = 0; at < bytes_.size(); ++at) {
        const Attributes& bits = attributes_[at];
        bytes_[at] =
            static_cast<std::uint8_t>((bytes_[at] & bits.kept) | (bits.reset & ~bits.kept));
    }
    note_gate();
}

bool PciConfig::is_in_d0() const {
    return (get16(pci::at("PMCSR")) & pci::power::state_mask) == pci::power::d0;
}

bool PciConfig::decodes_memory() const {
    return is_in_d0() && (get16(pci::at("COMMAND")) & pci::command::memory_space) != 0;
}

void PciConfig::note_gate() {
    may_issue_requests_ = is_in_d0() && (get16(pci::at("COMMAND")) & pci::command::bus_master) != 0;
}

bool PciConfig::may_send_messages() const {
    const unsigned control = get16(pci::at("MSIX_CTRL"));
    return may_issue_requests() && (control & pci::msix_control::enable) != 0 &&
           (control & pci::msix_control::function_mask) == 0;
}

void PciConfig::log_unsupported_request(bool is_posted, const TlpHeader& header) {
    set_bits(pci::at("DEVSTA"), pci::device_status::unsupported_request);
    if (is_posted || is_fatal(pci::uncorrectable::unsupported_request)) {
        log_uncorrectable(pci::uncorrectable::unsupported_request, header);
    } else {
        if ((get32(pci::at("COR_MASK")) & pci::correctable::advisory_non_fatal) == 0) {
            log_first(pci::uncorrectable::unsupported_request, header);
        }
        set_bits(pci::at("UNCOR_STATUS"), pci::uncorrectable::unsupported_request);
        log_correctable(pci::correctable::advisory_non_fatal);
    }
}

void PciConfig::log_master_abort() {
    set_bits(pci::at("STATUS"), pci::status::received_master_abort);
}

void PciConfig::log_target_abort() {
    set_bits(pci::at("STATUS"), pci::status::received_target_abort);
}

void PciConfig::log_uncorrectable(std::uint32_t error, const TlpHeader& header) {
    log_first(error, header);
    set_bits(pci::at("UNCOR_STATUS"), error);
    set_bits(pci::at("DEVSTA"), is_fatal(error) ? pci::device_status::fatal_error
                                                : pci::device_status::non_fatal_error);
    if (error == pci::uncorrectable::poisoned) {
        set_bits(pci::at("STATUS"), pci::status::detected_parity_error);
    }
}

void PciConfig::log_correctable(std::uint32_t error) {
    set_bits(pci::at("COR_STATUS"), error);
    set_bits(pci::at("DEVSTA"), pci::device_status::correctable_error);
}

/// Base 6.2.4.2: the first error that is not masked stays in pointer and header log until software
/// has cleared its status bit. Before that bit is set.
void PciConfig::log_first(std::uint32_t error, const TlpHeader& header) {
    const std::uint32_t first = 1u << (get32(pci::at("AER_CONTROL")) & pci::first_error_mask);
    if ((get32(pci::at("UNCOR_STATUS")) & first) != 0 ||
        (get32(pci::at("UNCOR_MASK")) & error) != 0) {
        return;
    }
    put32(pci::at("AER_CONTROL"), static_cast<std::uint32_t>(std::countr_zero(error)));
    std::uint16_t at = pci::at("HEADER_LOG0");
    for (const std::uint32_t word : header) {
        put32(at, word);
        at += sizeof word;
    }
}

bool PciConfig::is_fatal(std::uint32_t error) const {
    return (get32(pci::at("UNCOR_SEVERITY")) & error) != 0;
}

std::uint64_t PciConfig::bar_address(std::uint16_t low) const {
    return (get32(low) & ~pci::bar::flags_mask) |
           std::uint64_t{get32(static_cast<std::uint16_t>(low + 4))} << 32;
}

std::uint32_t PciConfig::get32(std::uint16_t offset) const {
    return get16(offset) | std::uint32_t{get16(static_cast<std::uint16_t>(offset + 2))} << 16;
}

void PciConfig::put32(std::uint16_t offset, std::uint32_t value) {
    put16(offset, static_cast<std::uint16_t>(value));
    put16(static_cast<std::uint16_t>(offset + 2), static_cast<std::uint16_t>(value >> 16));
}

void PciConfig::set_bits(std::uint16_t offset, std::uint32_t bits) {
    for (std::uint32_t i = 0; i < sizeof bits; ++i) {
        bytes_[offset + i] |= byte_of(bits, i);
    }
}

std::uint16_t PciConfig::get16(std::uint16_t offset) const {
    return static_cast<std::uint16_t>(bytes_[offset] | bytes_[offset + 1u] << 8);
}

void PciConfig::put16(std::uint16_t offset, std::uint16_t value) {
    bytes_[offset] = byte_of(value, 0);
    bytes_[offset + 1u] = byte_of(value, 1);
}

}  // namespace ringside::blocks
