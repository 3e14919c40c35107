// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Memory for one ring: zeroed, mapped for the device, and aligned to its own size in the device's
// address space, as the datasheet wants it. Owned by a queue pair.

#include <cstddef>
#include <cstdlib>
#include <memory>

#include "ringside/driver/link/link.hpp"

namespace ringside::driver {

class RingMemory {
  public:
    /// `size`: a power of two. not_enough_memory or what Link::dma_map() says.
    static result<RingMemory> create(Link& link, std::size_t size, DmaDirection direction);
    RingMemory(RingMemory&& other) noexcept;
    /// What was here before is unmapped.
    RingMemory& operator=(RingMemory&& other) noexcept;
    RingMemory(const RingMemory&) = delete;
    RingMemory& operator=(const RingMemory&) = delete;
    /// As revoke(). The device must not use the ring any more.
    ~RingMemory();

    /// Takes the ring away from the device; the memory stays.
    void revoke();

    std::byte* data() const { return data_; }
    Iova iova() const { return iova_; }

  private:
    struct Free {
        void operator()(std::byte* memory) const { std::free(memory); }
    };
    using Memory = std::unique_ptr<std::byte, Free>;

    RingMemory(Link& link, Memory memory, Iova mapped_at, std::size_t offset);
    static result<RingMemory> map(Link& link, std::size_t size, std::size_t room,
                                  DmaDirection direction);

    Link* link_;  ///< null: not mapped any more
    Memory memory_;
    Iova mapped_at_;
    std::byte* data_;
    Iova iova_;
};

}  // namespace ringside::driver
