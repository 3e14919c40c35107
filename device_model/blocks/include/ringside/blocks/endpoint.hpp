// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The part of a device that every PCI Express endpoint has: configuration space and what it
// switches, the MSI-X table, the gate for DMA, and the decoding of accesses to the BARs. A device
// derives from it and says what its registers are.

#include "ringside/blocks/bus_master.hpp"
#include "ringside/blocks/function.hpp"
#include "ringside/blocks/msix_table.hpp"
#include "ringside/blocks/pci_config.hpp"
#include "ringside/blocks/register_bank.hpp"

namespace ringside::blocks {

class Endpoint : public Function {
  public:
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;

    bool read(Bar bar, Time now, std::uint32_t offset, std::span<std::byte> into) final;
    bool write(Bar bar, Time now, std::uint32_t offset, std::span<const std::byte> from) final;
    bool peek(Bar bar, Time now, std::uint32_t offset, std::span<std::byte> into) const final;

  protected:
    /// The map of BAR0's registers, and where in it storage ends (RegisterBank). Map and ports must
    /// outlive it. After power-on only configuration space answers, and no DMA or message leaves,
    /// until a host has enumerated the function.
    Endpoint(const spec::pci::Identity& identity, std::span<const spec::Block> map,
             std::uint32_t storage_size, DmaPort& dma, MsiPort& msi)
        : pci_(identity),
          dma_(dma, pci_),
          msix_(msi),
          registers_(map, storage_size),
          bar0_size_(identity.bar0_size) {}

    // ---- what the device says; offsets are aligned, and in BAR0 ----

    /// All that a write does, to keep the value (registers_.write()) included.
    virtual void write_register(std::uint32_t offset, std::uint32_t value) = 0;
    /// The device's part of a function-level reset: configuration space and MSI-X table have their
    /// reset values already.
    virtual void reset_function() = 0;

    virtual bool has_register(std::uint32_t offset) const {
        return registers_.locate(offset).reg != nullptr;
    }
    virtual std::uint32_t register_value(std::uint32_t offset, Time /*now*/) const {
        return registers_.read(offset);
    }
    /// A read by the bus. Empty: nobody answers.
    virtual std::optional<std::uint32_t> read_register(std::uint32_t offset, Time now) {
        return register_value(offset, now);
    }
    /// An access to a BAR that is no aligned word of something that stands there, nor an aligned
    /// 64-bit one to MSI-X table or pending bits.
    virtual void refuse_access(std::uint32_t /*offset*/) {}
    /// Messages of these vectors, a bit each, were pending and have been sent.
    virtual void note_late_messages(std::uint64_t /*vectors*/) {}
    /// Device Status: whether a read of ours has not been answered.
    virtual bool transactions_pending() const { return false; }
    /// False: removed, nothing answers any more.
    virtual bool is_present() const { return true; }

    /// What a write of DEVCTL's bit 15 does.
    void function_level_reset();

    PciConfig pci_;
    BusMaster dma_;
    MsixTable msix_;
    RegisterBank registers_;

  private:
    bool fits(Bar bar, std::uint32_t offset, std::size_t length) const;
    TlpHeader header_of(Bar bar, bool is_write, std::uint32_t offset, std::size_t length) const;
    bool is_known(Bar bar, std::uint32_t offset, std::size_t length) const;
    void read_msix(std::uint32_t offset, std::span<std::byte> into) const;
    void write_msix(std::uint32_t offset, std::span<const std::byte> from);
    bool read_config(std::uint32_t offset, std::span<std::byte> into) const;
    bool write_config(std::uint32_t offset, std::span<const std::byte> from);

    std::uint32_t bar0_size_;
};

}  // namespace ringside::blocks
