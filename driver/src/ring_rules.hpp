// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The decisions on which the promises of a full ring hang (DESIGN, contracts 1 and 2), each asked
// at the one place in the queue pair where it is taken. The library is built with these and knows
// no others; tests build the same sources with one of them wrong, to show that the scenarios find
// it (docs/decisions/0011). The name that the sources use, Rules, stands in rules_in_use.hpp.

#include <atomic>
#include <cstdint>

#include "ringside/driver/link/environment.hpp"
#include "ringside/driver/link/link.hpp"
#include "waiter_queue.hpp"

namespace ringside::driver {

struct RingRules {
    /// Whether the ledger is asserted at every step. Where a rule is wrong on purpose it is not,
    /// so that a scenario has to find out from outside.
    static constexpr bool checks_ledger = true;

    /// A slot that is kept for a waiter is taken.
    static bool is_full(std::uint64_t in_flight, std::uint32_t reserved, std::uint32_t capacity) {
        return in_flight + reserved == capacity;
    }
    /// Who was refused queues, each time anew, while the lock under which the ring was found full
    /// is still held.
    static void enqueue(WaiterQueue& waiters, SlotWaiter& waiter, Mutex& /*held*/) {
        waiters.enqueue(waiter);
    }
    /// As many sleepers are told of free slots as there are.
    static std::uint32_t hints(std::uint32_t free_slots) { return free_slots; }
    /// What a batch left in the ring is announced, however the batch ended.
    static bool must_ring(std::size_t accepted, error_code /*refusal*/) { return accepted != 0; }
    /// An operation gives its credit back when it has ended, before its callback, and however it
    /// ended.
    static void return_credit(std::uint64_t& in_flight, error_code /*status*/) { --in_flight; }
    /// Whether a completion names the operation in a slot: it may be a stale or a second one.
    static bool names(std::uint16_t slot_cid, std::uint64_t slot_tag, std::uint16_t cid,
                      std::uint64_t tag) {
        return slot_cid == cid && slot_tag == tag;
    }
    /// What submit() said is noted, unless more has happened since.
    template <typename Stage>
    static void note_outcome(std::atomic<Stage>& stage, Stage outcome) {
        Stage starting{};
        stage.compare_exchange_strong(starting, outcome);
    }
};

}  // namespace ringside::driver
