// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Every bound of the driver that the register map does not set already (spec/registers.hpp names
// the sizes of rings).

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "ringside/base/time.hpp"

namespace ringside::driver {

/// Completions that are acknowledged together.
inline constexpr std::size_t completion_batch = 32;
/// Completions that a queue pair reaps before the other users of the interrupt executor have
/// their turn.
inline constexpr std::uint32_t drain_budget = 256;
/// Looks in vain, one after another, after which CompletionMode::adaptive goes to sleep.
inline constexpr std::uint32_t adaptive_looks = 64;
/// How long an entry may stand in the ring with its last bytes before the others.
inline constexpr Duration torn_entry_limit = std::chrono::microseconds(100);
/// Between two looks into a ring whose vector is masked because of a storm.
inline constexpr Duration storm_poll_interval = std::chrono::microseconds(100);
/// Slots that are kept at a time for waiters in callback mode while others wait for slots, too.
inline constexpr std::uint32_t most_slots_kept_for_notify_only = 64;
/// Entries of the admin queue pair's rings.
inline constexpr std::uint32_t admin_ring_entries = 16;
/// How long a change of state may take at the most, whatever TO says: a device that never answers
/// must not be waited for as long as it wants (2^32 ms are seven weeks).
inline constexpr Duration max_state_change = std::chrono::seconds(10);
/// Between two looks at a status register that is to change.
inline constexpr Duration poll_interval = std::chrono::microseconds(10);
/// How often the creation of a session is tried after a device reset, if only its DMA fails.
inline constexpr std::uint32_t restore_attempts = 5;
/// Sessions that the driver keeps account of.
inline constexpr std::uint32_t max_sessions = 1u << 16;
/// Rounds in which one error interrupt reads and clears ERR_SRC.
inline constexpr std::uint32_t max_error_rounds = 8;

}  // namespace ringside::driver
