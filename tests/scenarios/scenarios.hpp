// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The scenarios' bodies, for the table of them.

#include <cstdint>

#include "scenario.hpp"

namespace ringside::testing {

std::uint64_t run_lost_wakeup(std::uint64_t seed, Verdict& verdict);
std::uint64_t run_last_waiter_stall(std::uint64_t seed, Verdict& verdict);
std::uint64_t run_retry_spin(std::uint64_t seed, Verdict& verdict);
std::uint64_t run_eagain_taken_for_queued(std::uint64_t seed, Verdict& verdict);
std::uint64_t run_double_completion(std::uint64_t seed, Verdict& verdict);
std::uint64_t run_stale_full(std::uint64_t seed, Verdict& verdict);
std::uint64_t run_credit_leak(std::uint64_t seed, Verdict& verdict);
std::uint64_t run_partial_burst(std::uint64_t seed, Verdict& verdict);
std::uint64_t run_starvation_or_herd(std::uint64_t seed, Verdict& verdict);
std::uint64_t run_stale_status(std::uint64_t seed, Verdict& verdict);

}  // namespace ringside::testing
