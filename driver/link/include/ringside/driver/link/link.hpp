// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The driver's side of the wire to a device: what any PCIe device gives a user-space driver (VFIO
// gives the same), and nothing that knows of descriptors. The driver calls it; a platform
// implements it. The same driver runs on every implementation.
//
// Posted writes: mmio_write32() may return before the device has seen the value; a read of the
// device comes back only after all earlier writes of the same thread have arrived.

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace ringside::driver {

using boost::system::error_code;
using boost::system::result;

/// An I/O virtual address: what the device calls a byte of our memory. Never a host address.
struct Iova {
    std::uint64_t value = 0;

    constexpr Iova operator+(std::uint64_t offset) const { return {value + offset}; }
    constexpr bool operator==(const Iova&) const = default;
};

/// Who writes to the mapped memory. The device's access outside of this faults.
enum class DmaDirection : std::uint8_t { to_device, from_device, bidirectional };

class Link {
  public:
    virtual ~Link() = default;

    // ---- MMIO, BAR0; any thread ----

    /// All ones: the device is gone.
    virtual std::uint32_t mmio_read32(std::uint32_t offset) = 0;
    virtual void mmio_write32(std::uint32_t offset, std::uint32_t value) = 0;

    // ---- DMA; any thread ----

    /// Lets the device reach `memory` (to the byte, unlike a page-granular IOMMU: an overrun
    /// faults) until dma_unmap(). Fails with std::errc::not_enough_memory at the platform's limit
    /// of mappings.
    virtual result<Iova> dma_map(std::span<std::byte> memory, DmaDirection direction) = 0;
    /// `iova` is what dma_map() returned. Afterwards the device faults there.
    virtual void dma_unmap(Iova iova) = 0;
    /// Hands a mapped range to the device, or back to the CPU. Nothing to do on a coherent machine;
    /// a driver that calls them also runs on others.
    virtual void dma_sync_for_device(Iova iova, std::size_t length) = 0;
    virtual void dma_sync_for_cpu(Iova iova, std::size_t length) = 0;

    // ---- barriers; any thread ----

    /// Stores to DMA memory before it are visible to the device before stores and MMIO writes after
    /// it.
    virtual void write_barrier() = 0;
    /// Loads from DMA memory after it are not satisfied before loads before it.
    virtual void read_barrier() = 0;

    // ---- interrupt vectors ----

    /// Called once on the environment's interrupt executor. `operation_aborted`: the wait was
    /// withdrawn (cancel_vector_wait(), or the platform is going away); do not wait again.
    using VectorHandler = std::function<void(error_code)>;

    /// Arms `vector` and calls `handler` for its next interrupt; at once if one has come since the
    /// last. One wait per vector at a time. Interrupt executor only (or before it runs).
    virtual void async_wait_vector(std::uint32_t vector, VectorHandler handler) = 0;
    /// Withdraws a pending wait: its handler is called with operation_aborted. Any thread.
    virtual void cancel_vector_wait(std::uint32_t vector) = 0;
    /// The vector's mask bit in the MSI-X table: masked, an interrupt becomes pending; unmasking
    /// delivers it.
    virtual void mask_vector(std::uint32_t vector, bool masked) = 0;
};

}  // namespace ringside::driver
