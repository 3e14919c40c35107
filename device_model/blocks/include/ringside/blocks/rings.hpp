// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The device's ends of a queue pair's rings: indices, what a doorbell may say, and the phase. Sizes
// are powers of two; a ring holds one entry less than it has places, as head and tail are equal
// when it is empty.

#include <cstddef>
#include <cstdint>
#include <span>

#include "ringside/blocks/bus_master.hpp"

namespace ringside::blocks {

/// Software writes entries and rings the tail; the device fetches at the head.
struct SubmissionRing {
    std::uint64_t base = 0;  ///< I/O virtual address
    std::uint32_t mask = 0;  ///< entries - 1
    std::uint32_t head = 0;
    std::uint32_t tail = 0;

    std::uint32_t unfetched() const { return (tail - head) & mask; }
    /// Whether a doorbell may move the tail there: no further than there is room.
    bool accepts(std::uint32_t new_tail) const {
        return new_tail <= mask && unfetched() + ((new_tail - tail) & mask) <= mask;
    }
    std::uint32_t after(std::uint32_t index) const { return (index + 1) & mask; }
    std::uint64_t head_address(std::size_t entry_size) const { return base + head * entry_size; }
    void step() { head = after(head); }
    /// Reads the entry at the head and steps. False: the DMA failed.
    bool fetch(BusMaster& dma, std::span<std::byte> entry) {
        if (dma.read(head_address(entry.size()), entry) != DmaResult::ok) {
            return false;
        }
        step();
        return true;
    }
};

/// The device writes entries at the tail; software reads them, and rings the head.
struct CompletionRing {
    std::uint64_t base = 0;  ///< I/O virtual address
    std::uint32_t mask = 0;  ///< entries - 1
    std::uint32_t head = 0;
    std::uint32_t tail = 0;
    bool phase = true;  ///< of the next entry; turns at each lap

    std::uint32_t unconsumed() const { return (tail - head) & mask; }
    bool is_full() const { return unconsumed() == mask; }
    /// How many entries a doorbell's head gives back; more than unconsumed(): it overtakes.
    std::uint32_t consumed(std::uint32_t new_head) const { return (new_head - head) & mask; }
    bool accepts(std::uint32_t new_head) const {
        return new_head <= mask && consumed(new_head) <= unconsumed();
    }
    std::uint64_t tail_address(std::size_t entry_size) const { return base + tail * entry_size; }
    void step() {
        tail = (tail + 1) & mask;
        phase ^= tail == 0;
    }
    /// Writes an entry, which holds the phase already. False: no room, or the DMA failed.
    bool post(BusMaster& dma, std::span<const std::byte> entry) {
        if (is_full() || dma.write_entry(tail_address(entry.size()), entry) != DmaResult::ok) {
            return false;
        }
        step();
        return true;
    }
};

}  // namespace ringside::blocks
