// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Bug 8, partial burst: what was accepted of a refused batch is forgotten.

#include "ring_rules.hpp"

namespace ringside::driver {

struct WrongRules : RingRules {
    static constexpr bool checks_ledger = false;
    static constexpr const char* found_by = "partial_burst";
    static bool must_ring(std::size_t /*accepted*/, error_code refusal) { return !refusal; }
};

using Rules = WrongRules;

}  // namespace ringside::driver
