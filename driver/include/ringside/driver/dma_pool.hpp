// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// DMA memory for requests: mapped once, recycled by size class, overwritten when it is given back
// (keys and plaintext pass through it); and the caller's own memory, for zero copy. Bounded. Any
// thread.

#include <cstddef>
#include <memory>
#include <span>

#include "ringside/driver/error.hpp"
#include "ringside/driver/link/environment.hpp"
#include "ringside/driver/link/link.hpp"

namespace ringside::driver {

class DmaPool;

/// A buffer that both sides reach. Move-only; goes back to its pool, cleansed, when destroyed, or,
/// if it is the caller's memory, is unmapped and left as it is. Must not be destroyed while the
/// device may still use it, nor outlive the pool.
class DmaBuffer {
  public:
    DmaBuffer() = default;
    DmaBuffer(DmaBuffer&& other) noexcept;
    DmaBuffer& operator=(DmaBuffer&& other) noexcept;
    DmaBuffer(const DmaBuffer&) = delete;
    DmaBuffer& operator=(const DmaBuffer&) = delete;
    ~DmaBuffer();

    /// As many bytes as were asked for.
    std::span<std::byte> bytes() { return {memory_, size_}; }
    std::span<const std::byte> bytes() const { return {memory_, size_}; }
    Iova iova() const { return iova_; }
    explicit operator bool() const { return memory_ != nullptr; }

  private:
    friend class DmaPool;
    void swap(DmaBuffer& other) noexcept;

    DmaPool* pool_ = nullptr;
    std::byte* memory_ = nullptr;
    std::size_t size_ = 0;
    Iova iova_;
    unsigned size_class_ = 0;  ///< imported: the caller's memory
};

class DmaPool {
  public:
    static constexpr std::size_t smallest_block = 256;
    static constexpr std::size_t largest_block = std::size_t{2} << 20;
    static constexpr std::size_t default_limit = std::size_t{256} << 20;

    DmaPool(Link& link, Environment& environment, std::size_t limit_bytes = default_limit);
    /// All buffers must have come back.
    ~DmaPool();

    /// Errc::invalid_request above largest_block, Errc::out_of_dma_memory at the limit. Contents
    /// are zero or a former user's zeroes.
    /// Errc::dead after a device that could not be stopped has lost its memory.
    result<DmaBuffer> allocate(std::size_t size);

    /// Maps the caller's `memory`, which must outlive the buffer, for the device to read and write:
    /// zero copy. It does not count towards the limit. The errors are those of Link::dma_map().
    result<DmaBuffer> import_memory(std::span<std::byte> memory);

    /// Buffers that came back while the device could still write to them, and wait until it cannot.
    std::size_t quarantined() const;

  private:
    friend class Device;
    friend class DmaBuffer;
    friend class Recovery;
    friend class SessionTable;

    /// Whether buffers that come back are kept aside. They come into use again when it ends.
    void quarantine(bool on);
    /// Takes all memory away from the device, for ever. Buffers stay valid for the CPU.
    void revoke();
    /// The bytes that the device calls `iova`, if the pool allocated them; else empty.
    std::span<std::byte> bytes_at(Iova iova, std::size_t size) const;

    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ringside::driver
