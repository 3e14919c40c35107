// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What `ringside bench` can be told. Where several values are given, each combination is measured.

#include <cstdint>
#include <vector>

#include "algorithms.hpp"
#include "ringside/core/chips.hpp"
#include "ringside/driver/queue_pair.hpp"
#include "time_option.hpp"

namespace ringside::tools::bench {

enum class PerfTest : std::uint8_t {
    throughput,
    latency,  ///< with the least, the mean and the greatest latency
    verify,   ///< every output is compared with libcrypto's
};

/// Whose memory the device reads and writes.
enum class Memory : std::uint8_t {
    pool,    ///< the driver's
    caller,  ///< imported: zero copy
};

enum class Format : std::uint8_t { table, csv, json };

/// One measurement.
struct Point {
    const Algorithm* algorithm = nullptr;
    std::uint32_t buffer_size = 1024;
    std::uint32_t burst = 32;  ///< requests of one submission
    std::uint32_t depth = 64;  ///< requests that a queue pair is given without waiting
    std::uint32_t queue_pairs = 1;
    std::uint32_t ring_size = 128;
};

/// What is the same for all points of a run.
struct Settings {
    PerfTest test = PerfTest::throughput;
    TimeKind time = TimeKind::virtual_time;
    const core::Chip* chip = &core::chips().front();  ///< never null
    unsigned helpers = 0;
    driver::CompletionMode completions = driver::CompletionMode::interrupt;
    std::uint16_t moderation_count = 0;
    std::uint16_t moderation_us = 50;  ///< also for the last ones, which do not make up the count
    Memory memory = Memory::pool;
    std::uint64_t operations = 100'000;
    std::uint64_t seed = 1;
};

struct Options {
    Settings settings;
    std::vector<const Algorithm*> algorithms = {&algorithms_offered().front()};
    std::vector<std::uint32_t> buffer_sizes = {64, 1024, 16384};
    std::vector<std::uint32_t> bursts = {32};
    std::vector<std::uint32_t> depths = {64};
    std::vector<std::uint32_t> queue_pairs = {1};
    std::vector<std::uint32_t> ring_sizes = {128};
    Format format = Format::table;
    bool bounds = false;          ///< measure the bounds instead
    bool require_bounds = false;  ///< and fail if one does not hold
    std::uint64_t bounds_operations = 200'000;
    unsigned bounds_rounds = 5;
};

}  // namespace ringside::tools::bench
