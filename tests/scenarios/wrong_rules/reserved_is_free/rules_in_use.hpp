// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Bug 9, starvation: newcomers take the slots that are kept for waiters.

#include "ring_rules.hpp"

namespace ringside::driver {

struct WrongRules : RingRules {
    static constexpr bool checks_ledger = false;
    static constexpr const char* found_by = "starvation_or_herd";
    static bool is_full(std::uint64_t in_flight, std::uint32_t /*reserved*/,
                        std::uint32_t capacity) {
        return in_flight >= capacity;
    }
};

using Rules = WrongRules;

}  // namespace ringside::driver
