// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Bug 3, retry spin: somebody is told although no slot is free.

#include "ring_rules.hpp"

namespace ringside::driver {

struct WrongRules : RingRules {
    static constexpr bool checks_ledger = false;
    static constexpr const char* found_by = "retry_spin";
    static std::uint32_t hints(std::uint32_t free_slots) { return free_slots + 1; }
};

using Rules = WrongRules;

}  // namespace ringside::driver
