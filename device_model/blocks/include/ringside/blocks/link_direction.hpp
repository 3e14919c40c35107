// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// One direction of the PCI Express link, as the DMA engine sees it: payload goes out in packets
// one behind the other, each with its overhead, and only so many requests may be on their way
// without an answer. Nothing ticks: a transfer's end is computed when it is asked for.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ringside/base/time.hpp"

namespace ringside::blocks {

struct LinkLimits {
    Duration per_byte;       ///< the raw rate
    std::uint32_t packet;    ///< bytes of payload in a packet at most
    std::uint32_t overhead;  ///< bytes around them
    std::uint32_t request;   ///< bytes that one of the window's places stands for at most
    std::uint32_t window;    ///< places; 0: no limit
    Duration turnaround;     ///< from the last byte to the place being free again
};

class LinkDirection {
  public:
    explicit LinkDirection(const LinkLimits& limits) : limits_(limits), places_(limits.window) {}

    /// When `bytes` that are ready at `now` have crossed, behind all that was asked for before.
    Time transfer(Time now, std::size_t bytes) {
        if (places_.empty()) {
            return free_ = std::max(free_, now) + wire_time(bytes);
        }
        free_ = std::max(free_, now);
        while (bytes != 0) {
            const std::size_t part = std::min<std::size_t>(bytes, limits_.request);
            Time& place = places_[next_place_];
            next_place_ = next_place_ + 1 == places_.size() ? 0 : next_place_ + 1;
            free_ = std::max(free_, place) + wire_time(part);
            place = free_ + limits_.turnaround;
            bytes -= part;
        }
        return free_;
    }

    /// As transfer(), of `count` packets without payload: read requests. They need no place.
    Time transfer_requests(Time now, std::size_t count) {
        if (limits_.overhead == 0) {
            return now;
        }
        const auto bytes = static_cast<std::int64_t>(count) * limits_.overhead;
        return free_ = std::max(free_, now) + limits_.per_byte * bytes;
    }

    /// Nobody waits any more for what was asked for (reset): what has not begun to cross never
    /// will, and the little that has begun holds up nothing that comes later.
    void forget(Time now) {
        free_ = now;
        std::fill(places_.begin(), places_.end(), now);
    }

    /// Packets of at most `request` bytes that a transfer is asked for with; 0 if they cost
    /// nothing.
    std::size_t requests(std::size_t bytes) const {
        if (limits_.overhead == 0) {
            return 0;
        }
        return pieces(bytes, limits_.request);
    }

  private:
    /// A division costs more than all the rest, and most transfers are one piece.
    static std::size_t pieces(std::size_t bytes, std::uint32_t of) {
        return bytes <= of ? std::size_t{bytes != 0} : (bytes + of - 1) / of;
    }
    Duration wire_time(std::size_t bytes) const {
        if (limits_.overhead == 0) {
            return limits_.per_byte * static_cast<std::int64_t>(bytes);
        }
        const std::size_t packets = pieces(bytes, limits_.packet);
        return limits_.per_byte * static_cast<std::int64_t>(bytes + packets * limits_.overhead);
    }

    LinkLimits limits_;
    Time free_{};
    std::vector<Time> places_;  ///< when each is free, the next one first
    std::size_t next_place_ = 0;
};

}  // namespace ringside::blocks
