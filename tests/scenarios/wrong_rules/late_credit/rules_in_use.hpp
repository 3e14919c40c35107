// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Bug 6, stale full: each end gives back the credit of the one before.

#include "ring_rules.hpp"

namespace ringside::driver {

struct WrongRules : RingRules {
    static constexpr bool checks_ledger = false;
    static constexpr const char* found_by = "stale_full";
    static void return_credit(std::uint64_t& in_flight, error_code /*status*/) {
        static std::uint64_t owed = 0;
        in_flight -= owed;
        owed = 1;
    }
};

using Rules = WrongRules;

}  // namespace ringside::driver
