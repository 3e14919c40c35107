// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The driver's end of a submission ring: puts descriptors where the device will fetch them. Who
// owns it counts credits and rings the doorbell, after a write barrier. Not locked.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "ringside/base/prefetch.hpp"
#include "ringside/driver/rings/ring_memory.hpp"

namespace ringside::driver {

template <typename Entry>
class SubmissionRing {
  public:
    /// `entries`: a power of two.
    SubmissionRing(Link& link, RingMemory memory, std::uint32_t entries)
        : link_(link), memory_(std::move(memory)), entries_(entries) {}
    /// In memory of its own. Errors: as RingMemory::create().
    static result<SubmissionRing> create(Link& link, std::uint32_t entries) {
        auto memory = RingMemory::create(link, entries * sizeof(Entry), DmaDirection::to_device);
        if (!memory) {
            return memory.error();
        }
        return SubmissionRing(link, std::move(*memory), entries);
    }

    /// Begins anew in zeroed `memory`, as the device does when it enables the queue pair.
    void restart(RingMemory memory) {
        memory_ = std::move(memory);
        tail_ = 0;
    }
    /// Takes the ring away from the device.
    void revoke() { memory_.revoke(); }

    /// So many will be put, or fewer: their lines, which another processor has read, come all in
    /// the time of one.
    void expect(std::size_t count) const {
        constexpr std::size_t most = 32;  // a cache holds so much more
        for (std::size_t i = 0; i < std::min(count, most); ++i) {
            prefetch_to_write(memory_.data() + ((tail_ + i) & (entries_ - 1)) * sizeof(Entry));
        }
    }
    /// There must be a credit: no more than entries - 1 have not been completed.
    void put(const Entry& entry) {
        next() = entry;
        step();
    }
    /// put() in two steps: the next entry's place, to be filled, then step(). A credit as there.
    Entry& next() { return *reinterpret_cast<Entry*>(memory_.data() + tail_ * sizeof(Entry)); }
    void step() {
        const std::size_t offset = tail_ * sizeof(Entry);
        tail_ = (tail_ + 1) & (entries_ - 1);
        link_.dma_sync_for_device(memory_.iova() + offset, sizeof(Entry));
    }
    /// Index after the last entry: what the doorbell says.
    std::uint32_t tail() const { return tail_; }
    Iova iova() const { return memory_.iova(); }

  private:
    Link& link_;
    RingMemory memory_;
    std::uint32_t entries_;
    std::uint32_t tail_ = 0;
};

}  // namespace ringside::driver
