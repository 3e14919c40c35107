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
    bool may_issue_requests() const;
    /// MSI-X messages go out: none is held back for the whole function.
    bool may_send_messages() const;

    /// A request came that nobody here answers (Base 6.2.3.2.4.1: an advisory, hence correctable,
    /// error if the requester waits for an answer and learns of it by that).
    void log_unsupported_request(bool is_posted);
    /// A read of ours was answered by nobody (unsupported request), or refused (completer abort).
    void log_master_abort();
    void log_target_abort();
    /// A bit of UNCOR_STATUS or COR_STATUS, and of Device Status what its severity wants.
    void log_uncorrectable(std::uint32_t error);
    void log_correctable(std::uint32_t error);

  private:
    void identify(const spec::pci::Identity& identity);
    void harden(std::uint16_t offset, std::uint32_t mask, std::uint32_t value);
    std::uint16_t get16(std::uint16_t offset) const;
    void put16(std::uint16_t offset, std::uint16_t value);
    void set_bits(std::uint16_t offset, std::uint32_t bits);
    bool is_fatal(std::uint32_t error) const;
    bool is_in_d0() const;

    /// Of a byte: what writes do to its bits, and which a function-level reset leaves.
    struct Attributes {
        std::uint8_t reset = 0;
        std::uint8_t rw = 0;
        std::uint8_t w1c = 0;
        std::uint8_t kept = 0;
    };
    std::array<Attributes, spec::pci::config_size> attributes_{};
    std::array<std::uint8_t, spec::pci::config_size> bytes_{};
};

}  // namespace ringside::blocks
