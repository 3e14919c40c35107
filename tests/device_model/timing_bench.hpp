// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The chip with an eye on time: when each completion becomes visible, to the picosecond, and what
// its stages should add up to, reckoned here from the configuration alone.

#include <optional>
#include <stdexcept>
#include <vector>

#include "slice_bench.hpp"

namespace ringside::testing {

/// What a slice takes for an operation of TimingBench.
using AesMode = core::ServiceTime core::ServiceTimes::*;
inline constexpr AesMode cbc = &core::ServiceTimes::aes_cbc;
inline constexpr AesMode gcm = &core::ServiceTimes::aes_gcm;

/// No round numbers, so that no two stages can stand in for each other.
inline core::DeviceConfig odd_config() {
    core::DeviceConfig config;
    config.doorbell = Duration(101'003);
    config.fetch = Duration(503'009);
    config.dma_read = Duration(607'011);
    config.dma_write = Duration(307'013);
    config.link_per_byte = Duration(67);
    config.service.aes_cbc = {Duration(401'017), Duration(251)};
    config.service.aes_gcm = {Duration(439'019), Duration(193)};
    config.completion = Duration(151'019);
    config.interrupt = Duration(211'027);
    return config;
}

/// How long a buffer takes to cross the link, and how long a slice works on it.
inline Duration wire_time(const core::DeviceConfig& config, std::int64_t bytes) {
    const std::int64_t packets = (bytes + config.max_payload - 1) / config.max_payload;
    return config.link_per_byte * (bytes + packets * config.packet_overhead);
}
inline Duration request_time(const core::DeviceConfig& config, std::int64_t bytes) {
    const std::int64_t requests = (bytes + config.max_read_request - 1) / config.max_read_request;
    return config.link_per_byte * (requests * config.packet_overhead);
}
inline Duration slice_time(const core::DeviceConfig& config, AesMode mode, std::int64_t source) {
    const core::ServiceTime& time = config.service.*mode;
    return time.fixed + time.per_byte * source;
}

/// What an operation takes alone in the chip, if neither read tags nor credits hold it up.
inline Duration lone_latency(const core::DeviceConfig& config, AesMode mode, std::int64_t source,
                             std::int64_t output) {
    return config.doorbell + config.fetch + request_time(config, source) +
           wire_time(config, source) + config.dma_read + slice_time(config, mode, source) +
           wire_time(config, output) + config.dma_write + config.completion;
}

/// Knows when completions become visible in memory, by looking after each of the chip's events.
class TimingBench : public SliceBench {
  public:
    explicit TimingBench(const core::DeviceConfig& chip) : SliceBench(chip), config(chip) {}

    /// A GCM encryption without AAD: 16 bytes more come out than go in.
    spec::SubmissionEntry gcm(std::uint32_t length) {
        if (!gcm_session_) {
            gcm_session_ = create_session(spec::Algorithm::aes_gcm, Bytes(32));
        }
        auto entry = cipher(*gcm_session_, Bytes(12), Bytes(length), length + 16);
        entry.tag_len = 16;
        return entry;
    }
    spec::SubmissionEntry cbc(std::uint32_t length) {
        if (!cbc_session_) {
            cbc_session_ = create_session(spec::Algorithm::aes_cbc, Bytes(16));
        }
        return cipher(*cbc_session_, Bytes(16), Bytes(length), length);
    }

    struct Completed {
        Time time;
        spec::CompletionEntry entry;
    };
    /// Runs until completions of `queue` become visible.
    std::vector<Completed> wait_for_some(std::uint32_t queue = io) {
        std::vector<Completed> completed;
        while (completed.empty() && step()) {
            for (const auto& entry : reap(queue)) {
                completed.push_back({now, entry});
            }
        }
        if (completed.empty()) {
            throw std::runtime_error("nothing completes any more");
        }
        return completed;
    }
    /// Runs until `count` operations, all that are under way, are completed.
    std::vector<Completed> wait_for(std::size_t count) {
        std::vector<Completed> completed;
        while (completed.size() < count) {
            const auto some = wait_for_some();
            completed.insert(completed.end(), some.begin(), some.end());
        }
        return completed;
    }
    /// From the doorbell to the completion of one descriptor.
    Duration latency_of(const spec::SubmissionEntry& entry, std::uint32_t queue = io) {
        push(queue, entry);
        const Time start = now;
        ring(queue);
        const Completed completed = wait_for_some(queue).front();
        EXPECT_EQ(completed.entry.latency_ns, to_ns(completed.time - start));
        return completed.time - start;
    }

    const core::DeviceConfig config;

  private:
    std::optional<std::uint32_t> cbc_session_;
    std::optional<std::uint32_t> gcm_session_;
};

/// Keeps `depth` operations under way; gives the times of the first `count` completions.
inline std::vector<Time> closed_loop(TimingBench& bench, const spec::SubmissionEntry& entry,
                                     std::size_t depth, std::size_t count) {
    std::vector<Time> times;
    std::size_t free = depth;
    while (times.size() < count) {
        for (; free != 0; --free) {
            bench.push(SliceBench::io, entry);
        }
        bench.ring(SliceBench::io);
        for (const auto& completed : bench.wait_for_some()) {
            times.push_back(completed.time);
            ++free;
        }
    }
    return times;
}

}  // namespace ringside::testing
