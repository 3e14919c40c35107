// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Bug 7, credit leak: the error path forgets the decrement.

#include "ring_rules.hpp"

namespace ringside::driver {

struct WrongRules : RingRules {
    static constexpr bool checks_ledger = false;
    static constexpr const char* found_by = "credit_leak";
    static void return_credit(std::uint64_t& in_flight, error_code status) {
        in_flight -= status ? 0 : 1;
    }
};

using Rules = WrongRules;

}  // namespace ringside::driver
