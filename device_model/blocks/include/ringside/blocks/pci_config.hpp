// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The function's PCI configuration space as storage: values, attributes and reset values straight
// from the spec table, and what the rest of the device asks of them: whether BARs answer, whether
// DMA may go out, whether MSI-X messages may. What a write sets off elsewhere is its owner's
// business (Endpoint).

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "ringside/spec/pci_config.hpp"

namespace ringside::blocks {

/// The header of a packet, as the header log shows it.
using TlpHeader = std::array<std::uint32_t, 4>;
/// Of a memory request by the root complex (Base 2.2.7).
TlpHeader request_header(bool is_write, std::uint64_t address, std::size_t length);
/// Of the first completion with data that answers a read of ours (Base 2.2.9).
TlpHeader completion_header(std::uint64_t address, std::size_t length, bool is_poisoned);

class PciConfig {
  public:
    explicit PciConfig(const spec::pci::Identity& identity);

    /// Whether a configuration request can carry it: one to four bytes of one double word.
    static bool is_access(std::uint32_t offset, std::size_t length);

    /// `offset` and length as is_access() wants them, here and below.
    void read(std::uint32_t offset, std::span<std::byte> into) const;
    /// True: it asks for a function-level reset.
    bool write(std::uint32_t offset, std::span<const std::byte> from);
    /// Function-level reset (Base 6.6.2): all but sticky bits and those of the link.
    void reset();

    /// Memory space enabled, in D0: the BARs answer.
    bool decodes_memory() const;
    /// Bus master enabled, in D0: the function may issue requests.
    bool may_issue_requests() const { return may_issue_requests_; }
    /// MSI-X messages go out: none is held back for the whole function.
    bool may_send_messages() const;

    /// A request came that nobody here answers (Base 6.2.3.2.4.1: an advisory, hence correctable,
    /// error if the requester waits for an answer and learns of it by that).
    void log_unsupported_request(bool is_posted, const TlpHeader& header);
    /// A read of ours was answered by nobody (unsupported request), or refused (completer abort).
    void log_master_abort();
    void log_target_abort();
    /// A bit of UNCOR_STATUS or COR_STATUS, and of Device Status what its severity wants.
    /// `header`: of the packet, if there is one; the first error's goes to the header log.
    void log_uncorrectable(std::uint32_t error, const TlpHeader& header = {});
    void log_correctable(std::uint32_t error);

    /// What software has written to a BAR, `low` being its lower half.
    std::uint64_t bar_address(std::uint16_t low) const;

  private:
    std::uint32_t get32(std::uint16_t offset) const;
    void put32(std::uint16_t offset, std::uint32_t value);
    void log_first(std::uint32_t error, const TlpHeader& header);
    void identify(const spec::pci::Identity& identity);
    void harden(std::uint16_t offset, std::uint32_t mask, std::uint32_t value);
    std::uint16_t get16(std::uint16_t offset) const;
    void put16(std::uint16_t offset, std::uint16_t value);
    void set_bits(std::uint16_t offset, std::uint32_t bits);
    bool is_fatal(std::uint32_t error) const;
    bool is_in_d0() const;
    void note_gate();

    /// Of a byte: what writes do to its bits, and which a function-level reset leaves.
    struct Attributes {
        std::uint8_t reset = 0;
        std::uint8_t rw = 0;
        std::uint8_t w1c = 0;
        std::uint8_t kept = 0;
    };
    std::array<Attributes, spec::pci::config_size> attributes_{};
    std::array<std::uint8_t, spec::pci::config_size> bytes_{};
    bool may_issue_requests_ = false;  ///< asked at each DMA: kept beside the bytes that say it
};

}  // namespace ringside::blocks
