// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A device's way out: DMA to host memory and MSI-X messages. The device calls, the shell around it
// implements. (Its way in is Function's register port.)

#include <cstddef>
#include <cstdint>
#include <span>

namespace ringside::blocks {

enum class DmaResult : std::uint8_t {
    ok,
    iommu_fault,  ///< not mapped, or not for this direction
    bus_error,    ///< the fabric answered otherwise
};

class DmaPort {
  public:
    virtual ~DmaPort() = default;
    virtual DmaResult read(std::uint64_t address, std::span<std::byte> into) = 0;
    /// The memory itself, for who works on it at once; null: read() it.
    virtual const std::byte* look(std::uint64_t /*address*/, std::size_t /*length*/) {
        return nullptr;
    }
    /// Likewise, and null: write() it.
    virtual std::byte* look_to_write(std::uint64_t /*address*/, std::size_t /*length*/) {
        return nullptr;
    }
    /// Naturally aligned writes of up to eight bytes are seen whole; writes are seen in order.
    virtual DmaResult write(std::uint64_t address, std::span<const std::byte> from) = 0;
    /// An entry whose last eight bytes hold the phase: they are written last and at once, so that
    /// who sees the new phase sees the whole entry. Two writes; the next entry may follow behind
    /// it.
    virtual DmaResult write_entry(std::uint64_t address, std::span<const std::byte> entry) {
        const std::size_t body = entry.size() - sizeof(std::uint64_t);
        const DmaResult result = write(address, entry.first(body));
        return result == DmaResult::ok ? write(address + body, entry.subspan(body)) : result;
    }
    /// It will be read soon: no access, and nothing depends on it but time.
    virtual void expect(std::uint64_t /*address*/, std::size_t /*length*/) {}
};

class MsiPort {
  public:
    virtual ~MsiPort() = default;
    /// The memory write that is an MSI-X message; ordered behind every earlier DMA write.
    virtual void send(std::uint64_t address, std::uint32_t data) = 0;
};

}  // namespace ringside::blocks
