// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The gate that every DMA of a device goes through: nothing leaves while configuration space does
// not allow it, and what the bus answers to reads shows in the Status register.

#include "ringside/blocks/pci_config.hpp"
#include "ringside/blocks/ports.hpp"

namespace ringside::blocks {

class BusMaster {
  public:
    /// Both must outlive it.
    BusMaster(DmaPort& port, PciConfig& config) : port_(port), config_(config) {}

    /// As the port's; bus_error also if the function may not issue requests.
    DmaResult read(std::uint64_t address, std::span<std::byte> into) {
        if (!config_.may_issue_requests()) {
            return DmaResult::bus_error;
        }
        const DmaResult result = port_.read(address, into);
        if (result == DmaResult::iommu_fault) {
            config_.log_master_abort();
        } else if (result == DmaResult::bus_error) {
            config_.log_target_abort();
        }
        return result;
    }
    /// As the port's.
    const std::byte* look(std::uint64_t address, std::size_t length) {
        return config_.may_issue_requests() ? port_.look(address, length) : nullptr;
    }
    std::byte* look_to_write(std::uint64_t address, std::size_t length) {
        return config_.may_issue_requests() ? port_.look_to_write(address, length) : nullptr;
    }
    /// Posted: a failure shows nowhere but in the result.
    DmaResult write(std::uint64_t address, std::span<const std::byte> from) {
        return config_.may_issue_requests() ? port_.write(address, from) : DmaResult::bus_error;
    }

    DmaResult write_entry(std::uint64_t address, std::span<const std::byte> entry) {
        return config_.may_issue_requests() ? port_.write_entry(address, entry)
                                            : DmaResult::bus_error;
    }
    void expect(std::uint64_t address, std::size_t length) { port_.expect(address, length); }

    /// What a read gives if the IOMMU refuses it (fault injection).
    DmaResult refuse_read() {
        config_.log_master_abort();
        return DmaResult::iommu_fault;
    }

  private:
    DmaPort& port_;
    PciConfig& config_;
};

}  // namespace ringside::blocks
