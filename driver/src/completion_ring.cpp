// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "completion_ring.hpp"

#include <atomic>
#include <cstring>
#include <utility>

namespace ringside::driver {
namespace {

/// The entry's last eight bytes, which the device writes whole and last.
std::uint64_t load_tail(std::byte* entry) {
    auto& tail = *reinterpret_cast<std::uint64_t*>(entry + spec::completion_tail_offset);
    return std::atomic_ref(tail).load(std::memory_order_acquire);
}

}  // namespace

CompletionRing::CompletionRing(Link& link, RingMemory memory, std::uint32_t entries)
    : link_(link), memory_(std::move(memory)), entries_(entries) {}

void CompletionRing::restart(RingMemory memory) {
    memory_ = std::move(memory);
    head_ = 0;
    phase_ = true;
}

std::uint32_t CompletionRing::read(std::span<spec::CompletionEntry> into) {
    constexpr std::size_t size = sizeof(spec::CompletionEntry);
    std::uint32_t count = 0;
    while (count < into.size()) {
        spec::CompletionEntry& copy = into[count];
        std::byte* const entry = memory_.data() + head_ * size;
        auto* const copied = reinterpret_cast<std::byte*>(&copy);
        link_.dma_sync_for_cpu(memory_.iova() + head_ * size, size);
        const std::uint64_t tail = load_tail(entry);
        std::memcpy(copied + spec::completion_tail_offset, &tail, sizeof tail);
        if (spec::phase_of(copy.status) != phase_) {
            break;
        }
        link_.read_barrier();
        std::memcpy(copied, entry, spec::completion_tail_offset);
        ++count;
        if (++head_ == entries_) {
            head_ = 0;
            phase_ = !phase_;
        }
    }
    return count;
}

void CompletionRing::unread(std::uint32_t count) {
    phase_ = phase_ != (count > head_);
    head_ = (head_ - count) & (entries_ - 1);
}

}  // namespace ringside::driver
