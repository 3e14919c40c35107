// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Bug 2, last-waiter stall: who was told, and comes too late, is not queued again.

#include <set>

#include "ring_rules.hpp"

namespace ringside::driver {

struct WrongRules : RingRules {
    static constexpr bool checks_ledger = false;
    static constexpr const char* found_by = "last_waiter_stall";
    static void enqueue(WaiterQueue& waiters, SlotWaiter& waiter, Mutex& /*held*/) {
        static std::set<SlotWaiter*> known;
        if (known.insert(&waiter).second) {
            waiters.enqueue(waiter);
        }
    }
};

using Rules = WrongRules;

}  // namespace ringside::driver
