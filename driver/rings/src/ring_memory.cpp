// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/driver/rings/ring_memory.hpp"

#include <algorithm>
#include <boost/system/errc.hpp>
#include <cstring>
#include <utility>

namespace ringside::driver {
namespace {

constexpr std::size_t page = 4096;

}  // namespace

RingMemory::RingMemory(Link& link, Memory memory, Iova mapped_at, std::size_t offset)
    : link_(&link),
      memory_(std::move(memory)),
      mapped_at_(mapped_at),
      data_(memory_.get() + offset),
      iova_(mapped_at + offset) {}

RingMemory::RingMemory(RingMemory&& other) noexcept
    : link_(std::exchange(other.link_, nullptr)),
      memory_(std::move(other.memory_)),
      mapped_at_(other.mapped_at_),
      data_(other.data_),
      iova_(other.iova_) {}

RingMemory& RingMemory::operator=(RingMemory&& other) noexcept {
    if (this != &other) {
        revoke();
        link_ = std::exchange(other.link_, nullptr);
        memory_ = std::move(other.memory_);
        mapped_at_ = other.mapped_at_;
        data_ = other.data_;
        iova_ = other.iova_;
    }
    return *this;
}

RingMemory::~RingMemory() {
    revoke();
}

void RingMemory::revoke() {
    if (Link* const link = std::exchange(link_, nullptr)) {
        link->dma_unmap(mapped_at_);
    }
}

result<RingMemory> RingMemory::create(Link& link, std::size_t size, DmaDirection direction) {
    // Exactly the ring, so that a device that overruns it faults; if the platform maps it askew,
    // twice the room, in which an aligned ring is to be found.
    auto exact = map(link, size, size, direction);
    if (!exact || exact->iova().value % size == 0) {
        return exact;
    }
    return map(link, size, 2 * size, direction);
}

result<RingMemory> RingMemory::map(Link& link, std::size_t size, std::size_t room,
                                   DmaDirection direction) {
    Memory memory(static_cast<std::byte*>(std::aligned_alloc(page, std::max(room, page))));
    if (!memory) {
        return make_error_code(boost::system::errc::not_enough_memory);
    }
    std::memset(memory.get(), 0, room);
    const auto mapped_at = link.dma_map({memory.get(), room}, direction);
    if (!mapped_at) {
        return mapped_at.error();
    }
    const std::size_t to_alignment = (0 - mapped_at->value) % size;
    return RingMemory(link, std::move(memory), *mapped_at, room > size ? to_alignment : 0);
}

}  // namespace ringside::driver
