// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// DMA memory for requests: mapped once, recycled by size class, overwritten when it is given back
// (keys and plaintext pass through it). Bounded. Any thread.

#include <cstddef>
#include <memory>
#include <span>

#include "ringside/driver/error.hpp"
#include "ringside/driver/link/environment.hpp"
#include "ringside/driver/link/link.hpp"

namespace ringside::driver {

class DmaPool;

/// A buffer that both sides reach. Move-only; goes back to its pool, cleansed, when destroyed; must
/// not be destroyed while the device may still use it, nor outlive the pool.
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
    unsigned size_class_ = 0;
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
    result<DmaBuffer> allocate(std::size_t size);

  private:
    friend class DmaBuffer;
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ringside::driver
