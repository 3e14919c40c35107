// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The driver's end of a completion ring: finds out what is new by the phase bit and copies it out,
// each byte once. Bit 0 of an entry's `status`, its last half-word, is the phase, and the device
// writes the entry's last eight bytes whole and last. Not locked: a queue pair does that.

#include <atomic>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "ringside/driver/rings/ring_memory.hpp"

namespace ringside::driver {

template <typename Entry>
class CompletionRing {
    static_assert(sizeof(Entry) % sizeof(std::uint64_t) == 0);
    static_assert(offsetof(Entry, status) == sizeof(Entry) - sizeof(Entry::status) &&
                  sizeof(Entry::status) == 2);

  public:
    /// `entries`: a power of two.
    CompletionRing(Link& link, RingMemory memory, std::uint32_t entries)
        : link_(link), memory_(std::move(memory)), entries_(entries) {}
    /// In memory of its own. Errors: as RingMemory::create().
    static result<CompletionRing> create(Link& link, std::uint32_t entries) {
        auto memory = RingMemory::create(link, entries * sizeof(Entry), DmaDirection::from_device);
        if (!memory) {
            return memory.error();
        }
        return CompletionRing(link, std::move(*memory), entries);
    }

    /// Begins anew in zeroed `memory`, as the device does when it enables the queue pair.
    void restart(RingMemory memory) {
        memory_ = std::move(memory);
        head_ = 0;
        phase_ = true;
    }
    /// Takes the ring away from the device; what it wrote can still be read.
    void revoke() { memory_.revoke(); }

    /// Copies new entries into `into`, as many as there are or fit, and steps over them.
    std::uint32_t read(std::span<Entry> into) {
        std::uint32_t count = 0;
        while (count < into.size() && read_one(into[count])) {
            ++count;
            // If there is one, there may be more, in lines that another processor has written.
            __builtin_prefetch(memory_.data() +
                               ((head_ + looked_ahead) & (entries_ - 1)) * sizeof(Entry));
        }
        return count;
    }
    /// Steps back over the last `count` entries that were read, to read them again.
    void unread(std::uint32_t count) {
        phase_ = phase_ != (count > head_);
        head_ = (head_ - count) & (entries_ - 1);
    }
    /// Index after the last entry that was read: what the doorbell says.
    std::uint32_t head() const { return head_; }
    Iova iova() const { return memory_.iova(); }

  private:
    static constexpr std::uint32_t looked_ahead = 6;  ///< entries
    static constexpr std::size_t tail_at = sizeof(Entry) - sizeof(std::uint64_t);

    bool read_one(Entry& copy) {
        std::byte* const entry = memory_.data() + head_ * sizeof(Entry);
        auto* const copied = reinterpret_cast<std::byte*>(&copy);
        link_.dma_sync_for_cpu(memory_.iova() + head_ * sizeof(Entry), sizeof(Entry));
        const std::uint64_t tail =
            std::atomic_ref(*reinterpret_cast<std::uint64_t*>(entry + tail_at))
                .load(std::memory_order_acquire);
        std::memcpy(copied + tail_at, &tail, sizeof tail);
        if (((copy.status & 1) != 0) != phase_) {
            return false;
        }
        link_.read_barrier();
        std::memcpy(copied, entry, tail_at);
        if (++head_ == entries_) {
            head_ = 0;
            phase_ = !phase_;
        }
        return true;
    }

    Link& link_;
    RingMemory memory_;
    std::uint32_t entries_;
    std::uint32_t head_ = 0;
    bool phase_ = true;  ///< of a new entry: 1 on the first lap over the zeroed ring
};

}  // namespace ringside::driver
