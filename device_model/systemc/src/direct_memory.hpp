// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Direct memory access that the target of DMA has granted (IEEE 1666-2011, 11.2.2), by page: what a
// device keeps of the IOMMU's translations. Kernel thread only.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <tlm>

namespace ringside::systemc {

class DirectMemory {
  public:
    /// What stands for [address, address + length), or null: it has to be asked for.
    std::byte* find(std::uint64_t address, std::size_t length, bool to_write) const {
        const Grant& grant = grants_[place_of(address)];
        const std::uint64_t offset = address - grant.first;  // large if before it
        const std::uint64_t size = to_write ? grant.writable : grant.readable;
        return offset < size && length <= size - offset ? grant.memory + offset : nullptr;
    }

    void keep(std::uint64_t address, tlm::tlm_dmi& dmi) {
        Grant& grant = grants_[place_of(address)];
        // All addresses that there are, but for the last: their number is none of 64 bits.
        const std::uint64_t beyond_first = dmi.get_end_address() - dmi.get_start_address();
        const std::uint64_t size = beyond_first + (beyond_first == UINT64_MAX ? 0 : 1);
        grant.first = dmi.get_start_address();
        grant.memory = reinterpret_cast<std::byte*>(dmi.get_dmi_ptr());
        grant.readable = dmi.is_read_allowed() ? size : 0;
        grant.writable = dmi.is_write_allowed() ? size : 0;
    }

    void forget(std::uint64_t first, std::uint64_t last) {
        for (Grant& grant : grants_) {
            const std::uint64_t size = std::max(grant.readable, grant.writable);
            if (size != 0 && grant.first <= last && first <= grant.first + (size - 1)) {
                grant = {};
            }
        }
    }

  private:
    static constexpr std::uint64_t page_size = 4096;
    static constexpr std::size_t pages = 2048;

    struct Grant {
        std::uint64_t first = 0;
        std::byte* memory = nullptr;
        std::uint64_t readable = 0;  ///< bytes from `first`
        std::uint64_t writable = 0;
    };
    /// Large mappings begin at pages whose low bits are the same.
    static std::size_t place_of(std::uint64_t address) {
        const std::uint64_t page = address / page_size;
        return (page ^ page >> 6) % pages;
    }

    std::array<Grant, pages> grants_{};
};

}  // namespace ringside::systemc
