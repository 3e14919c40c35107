// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The operations that a queue pair has in flight, kept outside DMA memory. A completion finds its
// operation by the low bits of its cid; the cid's other bits count how often the slot was used, and
// a 64-bit tag never repeats, so that a stale, doubled or invented completion finds nothing. Called
// under the queue pair's lock; allocates only when it is made.

#include <cstdint>
#include <vector>

#include "ringside/driver/operation.hpp"

namespace ringside::driver {

class SlotTable {
  public:
    /// One operation in flight. `max_result`: what the request left room for.
    struct Slot {
        Operation* operation = nullptr;  ///< null: free
        std::uint64_t user_tag = 0;
        Time submitted_at{};
        std::uint32_t max_result = 0;
        std::uint32_t new_session = 0;  ///< handle of the session that it creates
        // what note_answer() found
        std::uint32_t result = 0;
        std::uint32_t latency_ns = 0;
        std::uint16_t status = 0;
        bool answered = false;
        std::uint16_t cid = 0;
        std::uint16_t older = none;  ///< neighbours in order of submission
        std::uint16_t newer = none;  ///< of a free slot: the next free one
    };

    /// `entries`: a power of two up to spec::max_ring_entries.
    explicit SlotTable(std::uint32_t entries);

    /// Takes a slot for `operation` and puts its cid and tag into `entry`. There must be a free
    /// one.
    void take(spec::SubmissionEntry& entry, Operation& operation, Time now,
              std::uint32_t new_session);
    /// Keeps what `completion` says in the slot that it names. Null: it matches nothing in flight.
    Slot* note_answer(const spec::CompletionEntry& completion);
    /// Frees a slot that is taken.
    void release(Slot& slot);
    /// What was taken first and is still in flight, or null.
    Slot* oldest() { return oldest_ != none ? &slots_[oldest_] : nullptr; }
    const Slot* oldest() const { return oldest_ != none ? &slots_[oldest_] : nullptr; }
    /// Whether `completion` names an operation in flight, but not by its tag: the entry's last
    /// bytes have come and the first ones perhaps not yet.
    bool looks_torn(const spec::CompletionEntry& completion) const;
    /// Whether the operation with this tag is still in flight in the slot of `cid`.
    bool holds(std::uint16_t cid, std::uint64_t user_tag) const;

  private:
    static constexpr std::uint16_t none = 0xFFFF;

    std::uint16_t index_of(std::uint16_t cid) const {
        return static_cast<std::uint16_t>(cid & mask_);
    }
    std::vector<Slot> slots_;
    std::uint16_t mask_;  ///< their number less one
    std::uint64_t last_tag_ = 0;
    std::uint16_t free_ = 0;
    std::uint16_t oldest_ = none;
    std::uint16_t newest_ = none;
};

}  // namespace ringside::driver
