// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Time as every layer counts it: integer picoseconds since the platform was built. One type for
// both kinds of time, so no layer can tell (or care) whether the seconds are simulated or real.
// Integers only: the same inputs give the same instants on every machine.

#include <chrono>
#include <cstdint>

namespace ringside {

/// A span of time in picoseconds, signed; 2^63 ps are 106 days, the longest run we promise.
using Duration = std::chrono::duration<std::int64_t, std::pico>;

/// The platform's clock. It has no now(): code that needs the time is given it, or asks the
/// clock that was injected into it.
struct PlatformClock {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<PlatformClock>;
    static constexpr bool is_steady = true;
};

/// An instant: picoseconds since the platform's start.
using Time = PlatformClock::time_point;

constexpr std::int64_t to_ps(Duration d) {
    return d.count();
}
constexpr std::int64_t to_ps(Time t) {
    return t.time_since_epoch().count();
}

/// Whole nanoseconds, rounded towards zero.
constexpr std::int64_t to_ns(Duration d) {
    return d.count() / 1000;
}
constexpr std::int64_t to_ns(Time t) {
    return to_ns(t.time_since_epoch());
}

constexpr Time time_from_ps(std::int64_t ps) {
    return Time{Duration{ps}};
}

}  // namespace ringside
