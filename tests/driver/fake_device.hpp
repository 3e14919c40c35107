// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A scripted device behind a Link, for the driver's unit tests only: it fetches descriptors when
// the doorbell rings, and completes what, when and how the test says. Registers, ring indices,
// phase, one-shot arming and the reset states follow the datasheet; there is no crypto and no time
// of its own.

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "ringside/driver/link/environment.hpp"
#include "ringside/driver/link/link.hpp"
#include "ringside/spec/registers.hpp"
#include "ringside/spec/wire.hpp"

namespace ringside::testing {

class FakeDevice final : public driver::Link {
  public:
    explicit FakeDevice(driver::Environment& environment) : environment_(environment) {}

    // ---- what the chip is, for the test to change before open() ----
    std::uint32_t id = spec::device_id;
    std::uint32_t version = spec::device_version;
    std::uint32_t queue_pairs = 4;
    std::uint32_t log2_max_entries = 8;
    std::uint32_t vectors = 8;
    std::uint32_t max_length = 1u << 16;
    std::uint32_t timeout_ms = 5;
    std::uint32_t max_sessions = 8;
    Duration reset_time = std::chrono::microseconds(20);
    Duration enable_time = std::chrono::microseconds(10);
    Duration queue_reset_time = std::chrono::microseconds(50);
    std::size_t mapping_limit = 64;
    /// A queue reset writes no ABORTED entries (as a chip in ERROR does).
    bool queue_resets_lose_entries = false;

    // ---- what goes wrong with it ----
    bool lose_interrupts = false;
    bool drop_next_doorbell = false;
    bool refuse_queues = false;  ///< enabling one ends in its error state
    std::uint32_t bad_head = 0;  ///< added to sq_head
    std::uint32_t latency_ns = 1000;
    std::optional<Time> heart_stops_at;  ///< HB_COUNT stands still from then on

    // ---- what the test does to it ----
    /// The link is gone: everything reads as all ones, nothing is written any more.
    void vanish();
    /// Announced and not yet completed by the test.
    std::size_t pending(std::uint32_t queue);
    spec::SubmissionEntry pending_entry(std::uint32_t queue, std::size_t position = 0);
    /// Completes the `position`-th of them; the interrupt follows the rules.
    spec::CompletionEntry complete(std::uint32_t queue, std::size_t position = 0,
                                   spec::Status status = {}, std::uint32_t result = 0);
    /// Loses the `position`-th of them: no entry will come, and ABORT does not find it.
    spec::SubmissionEntry lose(std::uint32_t queue, std::size_t position = 0);
    /// Completes the oldest one with the entry's last eight bytes before the others, which come
    /// with finish_torn().
    void complete_torn(std::uint32_t queue);
    void finish_torn(std::uint32_t queue);
    /// A function-level reset by somebody else.
    void reset_function();
    /// Writes any entry; only the phase and the head are put right.
    void post_entry(std::uint32_t queue, spec::CompletionEntry entry);
    void raise_error(spec::ErrorSource source, std::uint32_t queue = 0xFFFF);
    /// Puts the chip into a state of its own.
    void fail(spec::DeviceState state);
    /// Puts a queue pair into its error state.
    void stop_queue(std::uint32_t queue);
    /// An interrupt out of nowhere.
    void send_interrupt(std::uint32_t vector);
    /// Withdraws every wait, as a platform does that goes away.
    void shut_down();
    /// Called after each MMIO write has taken effect.
    std::function<void(std::uint32_t offset, std::uint32_t value)> after_write;

    // ---- what the test looks at ----
    std::uint64_t mmio_accesses() const { return mmio_accesses_; }
    std::uint64_t interrupts_sent() const { return interrupts_sent_; }
    std::size_t mappings() const { return mappings_.size(); }
    bool is_mapped(driver::Iova iova) const { return find(iova.value, 1) != nullptr; }
    std::uint32_t in_flight(std::uint32_t queue);
    /// Mapped memory, as the device would read it.
    void read(std::uint64_t address, std::span<std::byte> into) const;
    std::uint64_t ring_base(std::uint32_t queue, bool submission);
    bool has_been_reset() const { return resets_ != 0; }
    std::uint64_t resets() const { return resets_; }
    bool is_masked(std::uint32_t vector);

    // ---- Link ----
    std::uint32_t mmio_read32(std::uint32_t offset) override;
    void mmio_write32(std::uint32_t offset, std::uint32_t value) override;
    driver::result<driver::Iova> dma_map(std::span<std::byte> memory,
                                         driver::DmaDirection direction) override;
    void dma_unmap(driver::Iova iova) override;
    void dma_sync_for_device(driver::Iova, std::size_t) override {}
    void dma_sync_for_cpu(driver::Iova, std::size_t) override {}
    void write_barrier() override {}
    void read_barrier() override {}
    void async_wait_vector(std::uint32_t vector, VectorHandler handler) override;
    void cancel_vector_wait(std::uint32_t vector) override;
    void mask_vector(std::uint32_t vector, bool masked) override;

  private:
    struct Queue {
        std::array<std::uint32_t, 16> registers{};  ///< as written, by offset / 4
        bool enabled = false;
        bool bad = false;
        bool armed = false;
        bool phase = true;
        std::uint32_t sq_tail = 0;
        std::uint32_t cq_tail = 0;
        std::uint32_t cq_head = 0;
        std::uint32_t in_flight = 0;
        Time reset_until{};
        std::deque<spec::SubmissionEntry> pending;
        spec::CompletionEntry torn;
        std::byte* torn_at = nullptr;

        std::uint64_t base(std::uint32_t offset) const {
            return std::uint64_t{registers[offset / 4 + 1]} << 32 | registers[offset / 4];
        }
        std::uint32_t mask() const { return registers[0x18 / 4] & 0xFFFF; }
        std::uint32_t vector() const { return registers[0x1C / 4] & 0x7FF; }
    };
    struct Vector {
        VectorHandler handler;
        bool pending = false;
        bool masked = true;
    };

    std::uint32_t read_global(std::uint32_t offset);
    std::uint32_t read_queue(Queue& queue, std::uint32_t offset);
    void write_global(std::uint32_t offset, std::uint32_t value);
    void write_queue(Queue& queue, std::uint32_t offset, std::uint32_t value);
    void ring_submission_doorbell(Queue& queue, std::uint32_t tail);
    void ring_completion_doorbell(Queue& queue, std::uint32_t value);
    void write_completion(Queue& queue, spec::CompletionEntry entry);
    void interrupt(std::uint32_t vector);
    std::uint32_t queue_of(const Queue& queue) const;
    static spec::CompletionEntry aborted_entry(const spec::SubmissionEntry& request,
                                               std::uint32_t queue);
    std::uint32_t beats();
    spec::DeviceState state();
    std::byte* find(std::uint64_t address, std::size_t length) const;

    driver::Environment& environment_;
    mutable std::mutex mutex_;
    bool gone_ = false;
    spec::DeviceState state_ = spec::DeviceState::disabled;
    Time state_since_{};
    std::uint32_t error_sources_ = 0;
    std::uint32_t error_info_ = 0xFFFFFFFF;
    std::uint64_t operations_ = 0;
    std::uint64_t operations_snapshot_ = 0;
    std::map<std::uint32_t, Queue> queues_;
    std::map<std::uint32_t, Vector> vectors_;
    std::map<std::uint64_t, std::span<std::byte>> mappings_;
    std::uint64_t next_iova_ = 0x7000'1000;
    std::uint64_t mmio_accesses_ = 0;
    std::uint64_t interrupts_sent_ = 0;
    std::uint64_t resets_ = 0;
};

}  // namespace ringside::testing
