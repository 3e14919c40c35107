// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Bug 4, EAGAIN taken for queued: the answer says so, and it is not.

#include "ring_rules.hpp"

namespace ringside::driver {

struct WrongRules : RingRules {
    static constexpr bool checks_ledger = false;
    static constexpr const char* found_by = "eagain_taken_for_queued";
    static void enqueue(WaiterQueue& /*waiters*/, SlotWaiter& /*waiter*/, Mutex& /*held*/) {}
};

using Rules = WrongRules;

}  // namespace ringside::driver
