// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Bug 9, herd: one free slot wakes all.

#include "ring_rules.hpp"

namespace ringside::driver {

struct WrongRules : RingRules {
    static constexpr bool checks_ledger = false;
    static constexpr const char* found_by = "starvation_or_herd";
    static std::uint32_t hints(std::uint32_t free_slots) { return free_slots != 0 ? 1000 : 0; }
};

using Rules = WrongRules;

}  // namespace ringside::driver
