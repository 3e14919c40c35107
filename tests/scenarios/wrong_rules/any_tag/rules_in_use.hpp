// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Bug 5, double completion: whoever is in the slot is taken for the one that is named.

#include "ring_rules.hpp"

namespace ringside::driver {

struct WrongRules : RingRules {
    static constexpr bool checks_ledger = false;
    static constexpr const char* found_by = "double_completion";
    static bool names(std::uint16_t /*slot_cid*/, std::uint64_t /*slot_tag*/, std::uint16_t /*cid*/,
                      std::uint64_t /*tag*/) {
        return true;
    }
};

using Rules = WrongRules;

}  // namespace ringside::driver
