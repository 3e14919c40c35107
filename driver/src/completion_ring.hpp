// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The driver's end of a completion ring: finds out what is new by the phase bit and copies it out,
// each byte once. Called under the queue pair's lock.

#include <cstdint>
#include <span>

#include "ring_memory.hpp"
#include "ringside/driver/link/link.hpp"
#include "ringside/spec/wire.hpp"

namespace ringside::driver {

class CompletionRing {
  public:
    CompletionRing(Link& link, RingMemory memory, std::uint32_t entries);

    /// Begins anew in zeroed `memory`, as the device does when it enables the queue pair.
    void restart(RingMemory memory);
    /// Takes the ring away from the device; what it wrote can still be read.
    void revoke() { memory_.revoke(); }

    /// Copies new entries into `into`, as many as there are or fit, and steps over them.
    std::uint32_t read(std::span<spec::CompletionEntry> into);
    /// Steps back over the last `count` entries that were read, to read them again.
    void unread(std::uint32_t count);
    /// Index after the last entry that was read: the value for CQ_DB.HEAD.
    std::uint32_t head() const { return head_; }
    Iova iova() const { return memory_.iova(); }

  private:
    Link& link_;
    RingMemory memory_;
    std::uint32_t entries_;
    std::uint32_t head_ = 0;
    bool phase_ = true;  ///< of a new entry: 1 on the first lap over the zeroed ring
};

}  // namespace ringside::driver
