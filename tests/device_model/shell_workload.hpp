// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// One seeded piece of work for the chip, that any machine around it can do: it knows nothing of
// SystemC nor of a platform. What the chip does in answer is reported line by line, with the time
// to the picosecond, so that two machines can be compared.

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "ringside/base/prng.hpp"
#include "ringside/base/time.hpp"
#include "ringside/spec/registers.hpp"
#include "ringside/spec/wire.hpp"

namespace ringside::testing {

/// A machine: its bus, its clock, and memory that the chip sees from `bus_base` on.
class WorkloadHost {
  public:
    virtual ~WorkloadHost() = default;
    /// To BAR0, now.
    virtual void write32(std::uint32_t offset, std::uint32_t value) = 0;
    /// Lets simulated time pass.
    virtual void wait_for(Duration duration) = 0;

    static constexpr std::size_t memory_size = 1 << 20;
    std::vector<std::byte> memory = std::vector<std::byte>(memory_size);
    std::uint64_t bus_base = 0;  ///< aligned to a ring
};

/// Where the workload keeps what, from the start of the host's memory.
namespace workload_layout {
inline constexpr std::uint32_t queues = 4;  ///< the admin queue included
inline constexpr std::uint32_t entries = 16;
inline constexpr std::size_t ring_size = entries * sizeof(spec::SubmissionEntry);
inline constexpr std::size_t buffer_size = 4096;

constexpr std::size_t submission_ring(std::uint32_t queue) {
    return queue * 2 * ring_size;
}
constexpr std::size_t completion_ring(std::uint32_t queue) {
    return submission_ring(queue) + ring_size;
}
constexpr std::size_t source(std::uint32_t queue, std::uint32_t index) {
    return 0x10000 + (queue * entries + index) * 2 * buffer_size;
}
constexpr std::size_t target(std::uint32_t queue, std::uint32_t index) {
    return source(queue, index) + buffer_size;
}
static_assert(submission_ring(queues) <= source(0, 0));
static_assert(source(queues, 0) <= WorkloadHost::memory_size);
}  // namespace workload_layout

/// Follows a completion ring by its phase bit.
class RingReader {
  public:
    template <typename Visit>
    void read(const std::vector<std::byte>& memory, std::uint32_t queue, Visit&& visit) {
        for (;;) {
            spec::CompletionEntry entry;
            std::memcpy(
                &entry,
                memory.data() + workload_layout::completion_ring(queue) + head_ * sizeof entry,
                sizeof entry);
            if (spec::phase_of(entry.status) != phase_) {
                return;
            }
            head_ = (head_ + 1) % workload_layout::entries;
            phase_ ^= head_ == 0;
            visit(entry);
        }
    }
    std::uint32_t head() const { return head_; }

  private:
    std::uint32_t head_ = 0;
    bool phase_ = true;
};

/// What arrived and when. To be told at once of all that may have changed memory.
class ArrivalLog {
  public:
    void look(const std::vector<std::byte>& memory, Time now) {
        for (std::uint32_t queue = 0; queue < workload_layout::queues; ++queue) {
            readers_[queue].read(memory, queue, [&](const spec::CompletionEntry& entry) {
                completions.push_back("completion " + std::to_string(to_ps(now)) + " queue " +
                                      std::to_string(queue) + " cid " + std::to_string(entry.cid) +
                                      " status " + std::to_string(entry.status) + " result " +
                                      std::to_string(entry.result));
            });
        }
    }
    void message(std::uint32_t vector, Time now) {
        messages.push_back("message " + std::to_string(to_ps(now)) + " vector " +
                           std::to_string(vector));
    }

    std::vector<std::string> completions;
    std::vector<std::string> messages;

  private:
    std::array<RingReader, workload_layout::queues> readers_;
};

/// Drives the chip by itself: what it does depends on the seed, on time and on the rings alone.
class Workload {
  public:
    Workload(WorkloadHost& host, std::uint64_t seed) : host_(host), prng_(seed, "workload") {}

    /// From a function that has been enumerated, at time zero, to a chip that is idle again.
    void run() {
        power_up();
        for (int step = 0; step < 400; ++step) {
            host_.wait_for(Duration(static_cast<std::int64_t>(prng_.between(1, 3'000'000))));
            const auto queue =
                static_cast<std::uint32_t>(prng_.between(1, workload_layout::queues - 1));
            if (prng_.chance(1, 3)) {
                reap(queue);
            } else {
                submit(queue, static_cast<std::uint32_t>(prng_.between(1, 6)));
            }
        }
        host_.wait_for(settling_time);
    }
    /// Part of it: to a chip that has its queues and sessions.
    void power_up() {
        host_.wait_for(self_test_time);
        host_.write32(spec::at("CC").of(), 1);
        host_.wait_for(settling_time);
        for (std::uint32_t queue = 0; queue < workload_layout::queues; ++queue) {
            enable(queue);
        }
        for (const auto algorithm : {spec::Algorithm::aes_cbc, spec::Algorithm::aes_gcm}) {
            create_session(algorithm);
        }
        host_.wait_for(settling_time);
        rings_[0].completions.read(host_.memory, 0, [this](const spec::CompletionEntry& entry) {
            sessions_.push_back(entry.result);
        });
    }
    /// Then: `count` operations behind one doorbell, until they are done. How many are.
    std::uint32_t batch(std::uint32_t queue, std::uint32_t count) {
        submit(queue, count);
        host_.wait_for(settling_time);
        const std::uint32_t submitted = rings_[queue].in_flight;
        reap(queue);
        host_.wait_for(settling_time);
        return submitted - rings_[queue].in_flight;
    }

  private:
    static constexpr Duration settling_time = std::chrono::microseconds(100);
    static constexpr Duration self_test_time = std::chrono::milliseconds(1);  ///< and some more
    /// Of a source: leaves room for a tag in the target, and for a list behind the source.
    static constexpr std::uint32_t longest = workload_layout::buffer_size - 32;

    struct Ring {
        std::uint32_t tail = 0;
        std::uint32_t in_flight = 0;
        RingReader completions;
    };

    void enable(std::uint32_t queue) {
        write_base(spec::at("SQ_BASE").of(queue), workload_layout::submission_ring(queue));
        write_base(spec::at("CQ_BASE").of(queue), workload_layout::completion_ring(queue));
        host_.write32(spec::at("Q_SIZE").of(queue),
                      (workload_layout::entries - 1) << 16 | (workload_layout::entries - 1));
        host_.write32(spec::at("CQ_VEC").of(queue), 1u << 31 | spec::queue_vector(queue));
        const std::uint64_t moderation = spec::field("INT_MOD", "COUNT").set(queue) |
                                         spec::field("INT_MOD", "TIME_US").set(2 * queue);
        host_.write32(spec::at("INT_MOD").of(queue), static_cast<std::uint32_t>(moderation));
        host_.write32(spec::at("Q_CTRL").of(queue),
                      1 | static_cast<std::uint32_t>(spec::field("Q_CTRL", "WEIGHT").set(queue)));
        arm(queue);
    }
    void write_base(std::uint32_t reg, std::size_t offset) {
        const std::uint64_t address = host_.bus_base + offset;
        host_.write32(reg, static_cast<std::uint32_t>(address));
        host_.write32(reg + 4, static_cast<std::uint32_t>(address >> 32));
    }
    void arm(std::uint32_t queue) {
        host_.write32(spec::at("CQ_DB").of(queue),
                      static_cast<std::uint32_t>(spec::field("CQ_DB", "ARM").set(1)) |
                          rings_[queue].completions.head());
    }
    void create_session(spec::Algorithm algorithm) {
        struct {
            spec::SessionParameters header;
            std::array<std::byte, 32> key;
        } parameters{};
        parameters.header.algorithm = static_cast<std::uint8_t>(algorithm);
        parameters.header.key_len = sizeof parameters.key;
        prng_.fill(parameters.key);
        const std::size_t at = workload_layout::source(0, rings_[0].tail);
        std::memcpy(host_.memory.data() + at, &parameters, sizeof parameters);
        spec::SubmissionEntry entry;
        entry.opcode = static_cast<std::uint8_t>(spec::Opcode::session_create);
        entry.src = host_.bus_base + at;
        entry.src_len = sizeof parameters;
        push(0, entry);
        ring(0);
    }
    void reap(std::uint32_t queue) {
        rings_[queue].completions.read(
            host_.memory, queue, [&](const spec::CompletionEntry&) { --rings_[queue].in_flight; });
        arm(queue);
    }
    void submit(std::uint32_t queue, std::uint32_t count) {
        for (; count != 0 && rings_[queue].in_flight < workload_layout::entries - 1; --count) {
            push(queue, request(queue));
        }
        ring(queue);
    }
    /// Mostly good ciphers of any size; now and then one that the chip refuses, or that faults.
    spec::SubmissionEntry request(std::uint32_t queue) {
        spec::SubmissionEntry entry;
        entry.opcode = static_cast<std::uint8_t>(spec::Opcode::cipher);
        const bool gcm = prng_.chance(1, 2);
        const std::uint32_t index = rings_[queue].tail;
        entry.cid = static_cast<std::uint16_t>(prng_.below(1 << 16));
        entry.session = sessions_.at(gcm ? 1 : 0);
        entry.src = host_.bus_base + workload_layout::source(queue, index);
        entry.dst = host_.bus_base + workload_layout::target(queue, index);
        entry.src_len = static_cast<std::uint32_t>(prng_.between(1, longest / 16)) * 16;
        entry.tag_len = gcm ? 16 : 0;
        entry.dst_len = entry.src_len + entry.tag_len;
        entry.iv_len = gcm ? 12 : 16;
        prng_.fill(std::as_writable_bytes(std::span(entry.iv)));
        if (prng_.chance(1, 8)) {
            entry.flags |= static_cast<std::uint8_t>(spec::SubmissionFlag::fence);
        }
        if (prng_.chance(1, 16)) {
            entry.flags |= static_cast<std::uint8_t>(spec::SubmissionFlag::interrupt_now);
        }
        if (prng_.chance(1, 16)) {
            entry.src_len -= gcm ? 0 : 1;  // no whole block
        } else if (prng_.chance(1, 16)) {
            entry.dst = host_.bus_base + WorkloadHost::memory_size - 8;  // across the end of memory
        } else if (prng_.chance(1, 8)) {
            use_list(entry, queue, index);
        }
        return entry;
    }
    /// The source in two pieces; their list stands behind the longest source.
    void use_list(spec::SubmissionEntry& entry, std::uint32_t queue, std::uint32_t index) {
        const auto first = static_cast<std::uint32_t>(prng_.between(1, entry.src_len - 1));
        const spec::ListEntry list[] = {
            {entry.src, first, 0}, {entry.src + first, entry.src_len - first, spec::list_last}};
        const std::size_t at =
            workload_layout::source(queue, index) + workload_layout::buffer_size - sizeof list;
        std::memcpy(host_.memory.data() + at, list, sizeof list);
        entry.src = host_.bus_base + at;
        entry.flags |= static_cast<std::uint8_t>(spec::SubmissionFlag::src_list);
    }
    void push(std::uint32_t queue, const spec::SubmissionEntry& entry) {
        Ring& ring = rings_[queue];
        std::memcpy(host_.memory.data() + workload_layout::submission_ring(queue) +
                        ring.tail * sizeof entry,
                    &entry, sizeof entry);
        ring.tail = (ring.tail + 1) % workload_layout::entries;
        ++ring.in_flight;
    }
    void ring(std::uint32_t queue) {
        host_.write32(spec::at("SQ_DB").of(queue), rings_[queue].tail);
    }

    WorkloadHost& host_;
    Prng prng_;
    std::array<Ring, workload_layout::queues> rings_;
    std::vector<std::uint32_t> sessions_;
};

}  // namespace ringside::testing
