// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Bug 1, lost wakeup: the ring may drain between the full check and the queueing.

#include "ring_rules.hpp"

namespace ringside::driver {

struct WrongRules : RingRules {
    static constexpr bool checks_ledger = false;
    static constexpr const char* found_by = "lost_wakeup";
    static void enqueue(WaiterQueue& waiters, SlotWaiter& waiter, Mutex& held) {
        held.unlock();
        held.lock();
        waiters.enqueue(waiter);
    }
};

using Rules = WrongRules;

}  // namespace ringside::driver
