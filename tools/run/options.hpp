// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What `ringside run` can be told, and what it reports. The names are those of the command line and
// of the JSON.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "job_loop.hpp"
#include "ringside/core/chips.hpp"
#include "ringside/core/fault_rule.hpp"
#include "ringside/sim/trace_file.hpp"
#include "time_option.hpp"

namespace ringside::tools {

/// Whose ASYNC_* the process uses.
enum class AsyncLibrary : std::uint8_t { ringside, libcrypto };

struct RunOptions {
    TimeKind time = TimeKind::virtual_time;
    Notify notify = Notify::fd;
    AsyncLibrary async = AsyncLibrary::ringside;
    const core::Chip* chip = &core::chips().front();  ///< never null
    std::string file = "/bin/bash";                   ///< essential on Debian, a megabyte
    std::uint32_t ring_size = 8;
    std::uint32_t jobs = 64;
    std::uint64_t seed = 1;
    std::string fault_plan;  ///< as given; empty: none
    std::vector<core::FaultRule> faults;
    bool json = false;
    std::string record;  ///< the recording to write; empty: none
    std::string trace;   ///< for Perfetto; empty: none
    std::string vcd;     ///< for GTKWave; empty: none
    unsigned vcd_signals = sim::all_signals;
};

/// What a rule of the fault plan has done.
struct FaultReport {
    std::string rule;
    /// By the device's own count; empty: the device does not answer any more.
    std::optional<std::uint32_t> matched;
    std::optional<std::uint32_t> fired;
};

struct RunReport {
    bool verified = false;
    std::uint64_t failed_jobs = 0;
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;       ///< of the file
    std::uint64_t operations = 0;  ///< completed by the device's I/O queue pair
    std::uint64_t eagain = 0;
    std::uint64_t interrupts = 0;  ///< MSI-X messages, by the device's own count
    std::uint64_t resumes = 0;
    std::int64_t simulated_ns = 0;
    std::int64_t wall_ns = 0;
    std::int64_t latency_p50_ns = 0;  ///< doorbell to completion, simulated
    std::int64_t latency_p99_ns = 0;
    double megabytes_per_simulated_second = 0;
    std::uint64_t trace_hash = 0;
    std::vector<FaultReport> faults;
    std::string async;  ///< the file that ASYNC_start_job really comes from
};

}  // namespace ringside::tools
