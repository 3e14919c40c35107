// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Bug 10, stale status: what submit() said is noted although more has happened since.

#include "ring_rules.hpp"

namespace ringside::driver {

struct WrongRules : RingRules {
    static constexpr bool checks_ledger = false;
    static constexpr const char* found_by = "stale_status";
    template <typename Stage>
    static void note_outcome(std::atomic<Stage>& stage, Stage outcome) {
        stage = outcome;
    }
};

using Rules = WrongRules;

}  // namespace ringside::driver
