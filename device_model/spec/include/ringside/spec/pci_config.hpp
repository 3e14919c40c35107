// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The RS1's PCI configuration space: one constexpr table of every register that is not zero, from
// which the model, `ringside regs --config` and the access tests come. Registers and their
// attributes are those of PCI Express Base 4.0 chapter 7 ("Base") and PCI Local Bus 3.0; a byte
// that no register here covers reads zero and ignores writes. Another device of this layout, and a
// chip with another link, differ in what pci_identity.hpp names.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ringside/spec/pci_identity.hpp"
#include "ringside/spec/registers.hpp"

namespace ringside::spec::pci {

/// A register and what each of its bits does. Bits in neither `rw` nor `w1c` are read-only.
struct ConfigRegister {
    std::string_view name;
    std::uint16_t offset;
    std::uint8_t width;  ///< 8, 16 or 32 bits, naturally aligned
    std::uint32_t reset = 0;
    std::uint32_t rw = 0;
    std::uint32_t w1c = 0;
    /// What a function-level reset leaves: sticky bits, and those that belong to the link rather
    /// than to the function (Base 6.6.2).
    std::uint32_t kept = 0;
    std::string_view doc;
};

inline constexpr std::uint32_t config_size = 4096;

// ---- where capabilities stand; each list ends with a next pointer of zero ----

inline constexpr std::uint16_t power_management = 0x40;
inline constexpr std::uint16_t msix_capability = 0x50;
inline constexpr std::uint16_t express_capability = 0x60;
inline constexpr std::uint16_t error_reporting = 0x100;
inline constexpr std::uint16_t serial_number = 0x150;

inline constexpr std::uint8_t msix_capability_id = 0x11;
inline constexpr std::uint8_t express_capability_id = 0x10;

// ---- bits with an effect in the function ----

namespace command {
inline constexpr std::uint16_t memory_space = 1 << 1;  ///< BARs answer
inline constexpr std::uint16_t bus_master = 1 << 2;    ///< DMA and MSI-X messages go out
inline constexpr std::uint16_t parity_response = 1 << 6;
inline constexpr std::uint16_t serr = 1 << 8;
inline constexpr std::uint16_t intx_disable = 1 << 10;
}  // namespace command

namespace status {
inline constexpr std::uint16_t capabilities = 1 << 4;
inline constexpr std::uint16_t received_target_abort = 1 << 12;
inline constexpr std::uint16_t received_master_abort = 1 << 13;
inline constexpr std::uint16_t detected_parity_error = 1 << 15;
/// Those two, and master data parity error, signalled target abort, signalled system error,
/// detected parity error.
inline constexpr std::uint16_t errors = 0xF900;
}  // namespace status

namespace power {
inline constexpr std::uint16_t state_mask = 3;
inline constexpr std::uint16_t d0 = 0;
inline constexpr std::uint16_t d3hot = 3;
inline constexpr std::uint16_t no_soft_reset = 1 << 3;
}  // namespace power

namespace msix_control {
inline constexpr std::uint16_t function_mask = 1 << 14;
inline constexpr std::uint16_t enable = 1 << 15;
}  // namespace msix_control

namespace device_control {
inline constexpr std::uint16_t initiate_reset = 1 << 15;
}  // namespace device_control

namespace device_status {
inline constexpr std::uint16_t correctable_error = 1 << 0;
inline constexpr std::uint16_t non_fatal_error = 1 << 1;
inline constexpr std::uint16_t fatal_error = 1 << 2;
inline constexpr std::uint16_t unsupported_request = 1 << 3;
inline constexpr std::uint16_t transactions_pending = 1 << 5;
}  // namespace device_status

/// Bits of UNCOR_STATUS, UNCOR_MASK and UNCOR_SEVERITY (Base 7.8.4.2) that the chip raises.
namespace uncorrectable {
inline constexpr std::uint32_t poisoned = 1 << 12;
inline constexpr std::uint32_t completion_timeout = 1 << 14;
inline constexpr std::uint32_t malformed = 1 << 18;
inline constexpr std::uint32_t unsupported_request = 1 << 20;
inline constexpr std::uint32_t internal = 1 << 22;
}  // namespace uncorrectable

/// Bits of COR_STATUS and COR_MASK (Base 7.8.4.5) that the chip raises.
namespace correctable {
inline constexpr std::uint32_t receiver_error = 1 << 0;
inline constexpr std::uint32_t advisory_non_fatal = 1 << 13;
}  // namespace correctable

/// Bits of LNKCAP2, LNKSTA2 and DEVCAP2 that only links of some generation have.
namespace link {
inline constexpr std::uint32_t detects_retimers = 0x01800000;  ///< LNKCAP2, from 4 on
inline constexpr std::uint32_t ten_bit_tags = 1 << 16;         ///< DEVCAP2, from 4 on
inline constexpr std::uint32_t equalized = 0x001E;             ///< LNKSTA2, from 3 on
}  // namespace link

namespace bar {
inline constexpr std::uint32_t memory_64 = 4;  ///< 64-bit, not prefetchable
inline constexpr std::uint32_t flags_mask = 0xF;
/// The address bits of a BAR's low half that software can set; the others say its size.
constexpr std::uint32_t address_bits(std::uint32_t size) {
    return ~(size - 1);
}
}  // namespace bar

/// What a BAR number looks like in the MSI-X capability ("BIR").
inline constexpr std::uint32_t msix_bir = 2;
inline constexpr std::uint32_t msix_bir_mask = 7;

namespace detail {

// Errors that an endpoint of this kind can see: of the uncorrectable ones data link protocol,
// poisoned TLP, flow control, completion timeout, completer abort, unexpected completion, receiver
// overflow, malformed TLP, unsupported request and internal; no ECRC, no ACS.
inline constexpr std::uint32_t uncorrectable = 0x0057F010;
inline constexpr std::uint32_t uncorrectable_fatal = 0x00462010;
inline constexpr std::uint32_t uncorrectable_internal = 0x00400000;
inline constexpr std::uint32_t correctable = 0x000031C1;
inline constexpr std::uint32_t advisory_non_fatal = 0x00002000;

constexpr std::uint32_t extended_header(std::uint16_t id, std::uint8_t version,
                                        std::uint16_t next) {
    return id | std::uint32_t{version} << 16 | std::uint32_t{next} << 20;
}

}  // namespace detail

inline constexpr ConfigRegister config_registers[] = {
    // type 0 header (Base 7.5.1)
    {.name = "VENDOR_ID", .offset = 0x00, .width = 16, .reset = vendor_id, .doc = "vendor"},
    {.name = "DEVICE_ID", .offset = 0x02, .width = 16, .reset = function_id, .doc = "RS1"},
    {.name = "COMMAND",
     .offset = 0x04,
     .width = 16,
     .rw = command::memory_space | command::bus_master | command::parity_response | command::serr |
           command::intx_disable,
     .doc = "1 memory space, 2 bus master, 6 parity response, 8 SERR#, 10 INTx disable"},
    {.name = "STATUS",
     .offset = 0x06,
     .width = 16,
     .reset = status::capabilities,
     .w1c = status::errors,
     .doc = "4 capability list; 15:11 and 8 errors"},
    {.name = "REVISION_ID",
     .offset = 0x08,
     .width = 8,
     .reset = device_version >> 16,
     .doc = "major version of the register map"},
    {.name = "SUBCLASS", .offset = 0x0A, .width = 8, .reset = 0x80, .doc = "other"},
    {.name = "CLASS", .offset = 0x0B, .width = 8, .reset = 0x10, .doc = "encryption controller"},
    {.name = "CACHE_LINE", .offset = 0x0C, .width = 8, .rw = 0xFF, .doc = "no effect"},
    {.name = "BAR0_LOW",
     .offset = 0x10,
     .width = 32,
     .reset = bar::memory_64,
     .rw = bar::address_bits(bar0_size),
     .doc = "registers: 2 MiB, 64-bit, not prefetchable"},
    {.name = "BAR0_HIGH", .offset = 0x14, .width = 32, .rw = 0xFFFFFFFF, .doc = "upper half"},
    {.name = "BAR2_LOW",
     .offset = 0x18,
     .width = 32,
     .reset = bar::memory_64,
     .rw = bar::address_bits(bar2_size),
     .doc = "MSI-X: 4 KiB, 64-bit, not prefetchable"},
    {.name = "BAR2_HIGH", .offset = 0x1C, .width = 32, .rw = 0xFFFFFFFF, .doc = "upper half"},
    {.name = "SUBSYSTEM_VENDOR", .offset = 0x2C, .width = 16, .reset = vendor_id, .doc = "vendor"},
    {.name = "SUBSYSTEM_ID", .offset = 0x2E, .width = 16, .reset = function_id, .doc = "board"},
    {.name = "CAP_POINTER",
     .offset = 0x34,
     .width = 8,
     .reset = power_management,
     .doc = "first capability"},

    // power management (Base 7.5.2): D0 and D3hot, no PME
    {.name = "PM_CAP",
     .offset = power_management,
     .width = 16,
     .reset = 0x01 | msix_capability << 8,
     .doc = "capability header"},
    {.name = "PMC", .offset = power_management + 2, .width = 16, .reset = 3, .doc = "version 3"},
    {.name = "PMCSR",
     .offset = power_management + 4,
     .width = 16,
     .reset = power::no_soft_reset,
     .rw = power::state_mask,
     .doc = "1:0 power state; other values than 0 and 3 are discarded"},

    // MSI-X (PCI 3.0 6.8.2)
    {.name = "MSIX_CAP",
     .offset = msix_capability,
     .width = 16,
     .reset = msix_capability_id | express_capability << 8,
     .doc = "capability header"},
    {.name = "MSIX_CTRL",
     .offset = msix_capability + 2,
     .width = 16,
     .reset = max_vectors - 1,
     .rw = msix_control::enable | msix_control::function_mask,
     .doc = "10:0 table size - 1, 14 function mask, 15 enable"},
    {.name = "MSIX_TABLE",
     .offset = msix_capability + 4,
     .width = 32,
     .reset = msix_table_offset | msix_bir,
     .doc = "table: offset and BAR"},
    {.name = "MSIX_PBA",
     .offset = msix_capability + 8,
     .width = 32,
     .reset = msix_pba_offset | msix_bir,
     .doc = "pending bits: offset and BAR"},

    // PCI Express endpoint, version 2 (Base 7.5.3)
    {.name = "EXP_CAP",
     .offset = express_capability,
     .width = 16,
     .reset = express_capability_id,
     .doc = "capability header"},
    {.name = "EXP_FLAGS",
     .offset = express_capability + 0x02,
     .width = 16,
     .reset = 0x0002,
     .doc = "version 2, endpoint"},
    {.name = "DEVCAP",
     .offset = express_capability + 0x04,
     .width = 32,
     .reset = 0x10008021,
     .doc = "payload to 256 bytes, 8-bit tags, role-based errors, function-level reset"},
    {.name = "DEVCTL",
     .offset = express_capability + 0x08,
     .width = 16,
     .reset = 0x2100,
     .rw = 0x71EF,
     .kept = 0x00E0,
     .doc = "3:0 error reports, 7:5 payload, 8 tags, 14:12 read size, 15 function-level reset"},
    {.name = "DEVSTA",
     .offset = express_capability + 0x0A,
     .width = 16,
     .w1c = 0x000F,
     .doc = "3:0 errors, 5 transactions pending"},
    {.name = "LNKCAP",
     .offset = express_capability + 0x0C,
     .width = 32,
     .reset = 0x00400084,
     .doc = "16 GT/s, 8 lanes, no ASPM"},
    {.name = "LNKCTL",
     .offset = express_capability + 0x10,
     .width = 16,
     .rw = 0x00CB,
     .kept = 0x00CB,
     .doc = "1:0 ASPM, 3 RCB, 6 common clock, 7 extended synch"},
    {.name = "LNKSTA",
     .offset = express_capability + 0x12,
     .width = 16,
     .reset = 0x1084,
     .doc = "16 GT/s, 8 lanes, slot clock"},
    {.name = "DEVCAP2",
     .offset = express_capability + 0x24,
     .width = 32,
     .reset = 0x00010010,
     .doc = "completion timeout can be disabled, completes 10-bit tags"},
    {.name = "DEVCTL2",
     .offset = express_capability + 0x28,
     .width = 16,
     .rw = 0x0010,
     .doc = "4 completion timeout disable"},
    {.name = "LNKCAP2",
     .offset = express_capability + 0x2C,
     .width = 32,
     .reset = 0x0180001E,
     .doc = "2.5 to 16 GT/s, detects retimers"},
    {.name = "LNKCTL2",
     .offset = express_capability + 0x30,
     .width = 16,
     .reset = 0x0004,
     .rw = 0xFF9F,
     .kept = 0xFF9F,
     .doc = "target speed, compliance"},
    {.name = "LNKSTA2",
     .offset = express_capability + 0x32,
     .width = 16,
     .reset = 0x001E,
     .w1c = 0x0020,
     .kept = 0x0020,
     .doc = "equalization done"},

    // advanced error reporting (Base 7.8.4); all sticky
    {.name = "AER_CAP",
     .offset = error_reporting,
     .width = 32,
     .reset = detail::extended_header(0x0001, 2, serial_number),
     .doc = "capability header"},
    {.name = "UNCOR_STATUS",
     .offset = error_reporting + 0x04,
     .width = 32,
     .w1c = detail::uncorrectable,
     .kept = detail::uncorrectable,
     .doc = "uncorrectable errors"},
    {.name = "UNCOR_MASK",
     .offset = error_reporting + 0x08,
     .width = 32,
     .reset = detail::uncorrectable_internal,
     .rw = detail::uncorrectable,
     .kept = detail::uncorrectable,
     .doc = "1: not reported"},
    {.name = "UNCOR_SEVERITY",
     .offset = error_reporting + 0x0C,
     .width = 32,
     .reset = detail::uncorrectable_fatal,
     .rw = detail::uncorrectable,
     .kept = detail::uncorrectable,
     .doc = "1: fatal"},
    {.name = "COR_STATUS",
     .offset = error_reporting + 0x10,
     .width = 32,
     .w1c = detail::correctable,
     .kept = detail::correctable,
     .doc = "correctable errors"},
    {.name = "COR_MASK",
     .offset = error_reporting + 0x14,
     .width = 32,
     .reset = detail::advisory_non_fatal,
     .rw = detail::correctable,
     .kept = detail::correctable,
     .doc = "1: not reported"},

    // device serial number (Base 7.9.3): a locally administered EUI-64
    {.name = "DSN_CAP",
     .offset = serial_number,
     .width = 32,
     .reset = detail::extended_header(0x0003, 1, 0),
     .doc = "capability header"},
    {.name = "DSN_LOW",
     .offset = serial_number + 4,
     .width = 32,
     .reset = 0x00000001,
     .doc = "serial number"},
    {.name = "DSN_HIGH",
     .offset = serial_number + 8,
     .width = 32,
     .reset = 0x02525300,
     .doc = "serial number"},
};

/// The register called `name`; a wrong name does not compile.
consteval const ConfigRegister& reg(std::string_view name) {
    for (const auto& candidate : config_registers) {
        if (candidate.name == name) {
            return candidate;
        }
    }
    throw "no such register in configuration space";
}

consteval std::uint16_t at(std::string_view name) {
    return reg(name).offset;
}

namespace detail {

consteval bool is_consistent() {
    std::uint32_t end = 0;
    for (const auto& reg : config_registers) {
        const std::uint32_t bytes = reg.width / 8u;
        const std::uint64_t bits = (std::uint64_t{1} << reg.width) - 1;
        const bool good = reg.offset >= end && reg.offset % bytes == 0 &&
                          reg.offset + bytes <= config_size && (reg.rw & reg.w1c) == 0 &&
                          ((reg.reset | reg.rw | reg.w1c | reg.kept) & ~bits) == 0;
        if (!good) {
            return false;
        }
        end = reg.offset + bytes;
    }
    return true;
}
static_assert(is_consistent(), "registers in ascending order, aligned, and no bit beyond a width");

}  // namespace detail

}  // namespace ringside::spec::pci
