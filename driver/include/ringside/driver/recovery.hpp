// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What the driver does when the device does not answer, complains or goes away, and how often it
// had to. Whoever opens a Device sets the policy; the defaults suit a device whose operations take
// microseconds. The states behind it stand in docs/driver.md.

#include <cstdint>

#include "ringside/base/time.hpp"

namespace ringside::driver {

/// What an operation that is overdue makes the driver do first; what fails leads to the next.
enum class Measure : std::uint8_t {
    report,        ///< count it and go on waiting: the application decides
    abort,         ///< ABORT it, and it alone
    reset_queue,   ///< reset its queue pair
    reset_device,  ///< reset the device
};

struct RecoveryPolicy {
    /// An operation this old is late: the driver looks into the completion ring and at the
    /// heartbeat, rings the doorbell again and unmasks the vector; then again after as long.
    Duration late_after = std::chrono::milliseconds(10);
    /// An operation this old is overdue.
    Duration operation_timeout = std::chrono::seconds(5);
    Measure on_timeout = Measure::abort;
    /// How long an ABORT may take before the queue pair is reset.
    Duration abort_timeout = std::chrono::milliseconds(100);
    /// How long the heartbeat may stand still, while an operation is late, before the device is
    /// reset. Far more than HB_PERIOD_US.
    Duration heartbeat_timeout = std::chrono::seconds(1);
    /// How long creating one session anew may take after a device reset.
    Duration restore_timeout = std::chrono::seconds(1);

    /// Resets of one queue pair within reset_window; the next one is a device reset.
    std::uint32_t max_queue_resets = 3;
    /// Resets of the device within reset_window, those that failed included; then it is dead.
    std::uint32_t max_device_resets = 3;
    Duration reset_window = std::chrono::seconds(60);

    /// Completions that match nothing, or have an impossible head, after which the ring is broken.
    std::uint32_t max_stale_completions = 16;

    /// So many interrupts with nothing to do within storm_window are a storm: the vector is masked
    /// and the ring polled for storm_pause. 0: never.
    std::uint32_t storm_interrupts = 64;
    Duration storm_window = std::chrono::milliseconds(1);
    Duration storm_pause = std::chrono::milliseconds(10);

    /// A queue pair whose moving average of device latency exceeds this counts as slow
    /// (QueueCounters::slow); zero: never.
    Duration slow_latency{};

    /// Keep the keys of sessions, in memory that is cleansed, to create them anew after a device
    /// reset. Otherwise a session that a reset has ended is refused with Errc::stale_session.
    bool restore_sessions = true;
};

/// Since the device was opened. What belongs to a queue pair stands in QueueCounters.
struct RecoveryCounters {
    std::uint64_t late_checks = 0;     ///< looks at a queue pair with a late operation
    std::uint64_t overdue = 0;         ///< operations that exceeded operation_timeout
    std::uint64_t aborts = 0;          ///< ABORT commands sent
    std::uint64_t aborts_in_vain = 0;  ///< of those, that found nothing or did not come back
    std::uint64_t queue_resets = 0;
    std::uint64_t device_resets = 0;
    std::uint64_t failed_resets = 0;     ///< of both, that were not done in time
    std::uint64_t heartbeat_stalls = 0;  ///< heartbeats that stood still
    std::uint64_t fatal_errors = 0;      ///< times that the device was found in ERROR
    std::uint64_t broken_rings = 0;      ///< rings in which the device wrote nonsense
    std::uint64_t removals = 0;          ///< 1: reads gave all ones
    std::uint64_t sessions_restored = 0;
    std::uint64_t sessions_lost = 0;  ///< could not be created anew
    std::uint64_t error_interrupts = 0;
    std::uint64_t error_storms = 0;  ///< times that the error vector was masked for a while
};

/// Whether a device takes requests.
enum class DeviceHealth : std::uint8_t {
    working,
    resetting,  ///< submit() says Errc::resetting; it comes back or dies by itself
    dead,       ///< for ever
};

}  // namespace ringside::driver
