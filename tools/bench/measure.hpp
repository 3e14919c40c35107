// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// One measurement: a machine of its own, a session, a load on each queue pair, and what came of it
// in simulated time (which the chip's model decides) and in wall time (which this host does).

#include <cstdint>

#include "traffic.hpp"

namespace ringside::tools::bench {

struct Result {
    Point point;
    TrafficCounters counters;
    Histogram latencies;  ///< ns, by the device's clock: doorbell to completion entry
    Duration simulated{};
    std::int64_t wall_ns = 0;
    std::int64_t cpu_ns = 0;   ///< of the calling thread: in virtual time without helpers the wall
                               ///< time of a host that does nothing else
    std::uint64_t cycles = 0;  ///< of the host's time stamp counter
    std::int64_t driver_cpu_ns = 0;  ///< of the threads that poll, where they found something
    std::uint64_t interrupts = 0;
    std::int64_t grown_kib = 0;  ///< resident memory of the process, while it all still stands
    std::uint64_t trace_hash = 0;

    double operations() const { return static_cast<double>(counters.dequeued); }
    double simulated_mops() const {
        return operations() * 1e6 / static_cast<double>(to_ps(simulated));
    }
    /// Of payload.
    double simulated_gbps() const { return simulated_mops() * point.buffer_size * 8 / 1e3; }
    double wall_ns_per_operation() const { return static_cast<double>(wall_ns) / operations(); }
    double cpu_ns_per_operation() const { return static_cast<double>(cpu_ns) / operations(); }
    double driver_cpu_ns_per_operation() const {
        return static_cast<double>(driver_cpu_ns) / operations();
    }
    double cycles_per_operation() const { return static_cast<double>(cycles) / operations(); }
};

/// std::runtime_error, with a message for people, if the machine cannot be had or dies.
Result measure(const Settings& settings, const Point& point);

/// Nanoseconds of CPU time that libcrypto takes for one such payload, in a loop on this thread.
double measure_libcrypto(const Point& point, std::uint64_t operations, std::uint64_t seed);

}  // namespace ringside::tools::bench
