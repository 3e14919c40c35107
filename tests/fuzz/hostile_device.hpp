// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A device behind a Link that does what a program says: it may be honest, and it may write what it
// wants wherever a device may write, answer any register with anything, interrupt at any time, and
// do all that between any two steps of the driver. What it cannot do is what an IOMMU forbids. It
// aborts the process where the driver does to a device what no driver may do.

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "program.hpp"
#include "ringside/driver/link/environment.hpp"
#include "ringside/driver/link/link.hpp"
#include "ringside/spec/registers.hpp"
#include "ringside/spec/wire.hpp"

namespace ringside::testing {

class HostileDevice final : public driver::Link {
  public:
    static constexpr std::uint32_t queue_pairs = 3;  ///< the admin queue pair included
    static constexpr std::uint32_t max_length = 1u << 16;

    explicit HostileDevice(driver::Environment& environment) : environment_(environment) {}

    /// One thing that the device does by itself.
    void act(Program& program);
    /// From now on it acts `ambush` at the moment that comes after `moments` others: moments are
    /// link calls and the driver's schedule points.
    void lie_in_wait(std::uint32_t moments, Program ambush) {
        ambushes_.push_back({moments, ambush});
    }
    void moment();
    /// Answers registers truthfully and does nothing by itself any more.
    void become_honest();

    // ---- Link ----
    std::uint32_t mmio_read32(std::uint32_t offset) override;
    void mmio_write32(std::uint32_t offset, std::uint32_t value) override;
    driver::result<driver::Iova> dma_map(std::span<std::byte> memory,
                                         driver::DmaDirection direction) override;
    void dma_unmap(driver::Iova iova) override;
    void dma_sync_for_device(driver::Iova, std::size_t) override { moment(); }
    void dma_sync_for_cpu(driver::Iova, std::size_t) override { moment(); }
    void write_barrier() override { moment(); }
    void read_barrier() override { moment(); }
    void async_wait_vector(std::uint32_t vector, VectorHandler handler) override;
    void cancel_vector_wait(std::uint32_t vector) override;
    void mask_vector(std::uint32_t vector, bool masked) override;

  private:
    struct Mapping {
        std::span<std::byte> memory;
        bool writable;
    };
    struct Queue {
        std::array<std::uint32_t, 16> registers{};  ///< as written, by offset / 4
        std::uint32_t sq_tail = 0;
        std::uint32_t cq_tail = 0;
        bool phase = true;
        std::deque<spec::SubmissionEntry> pending;

        std::uint64_t base(std::uint32_t offset) const {
            return std::uint64_t{registers[offset / 4 + 1]} << 32 | registers[offset / 4];
        }
        std::uint32_t mask() const { return registers[0x18 / 4] & 0xFFFF; }
        bool enabled() const { return registers[0] != 0; }
    };
    struct Vector {
        VectorHandler handler;
        bool pending = false;
        bool masked = true;
    };
    struct Ambush {
        std::uint32_t moments;
        Program program;
    };

    std::uint32_t honest_answer(std::uint32_t offset);
    std::uint32_t read_global(std::uint32_t offset) const;
    void write_queue(Queue& queue, std::uint32_t offset, std::uint32_t value);
    void fetch(Queue& queue, std::uint32_t tail);
    void scribble(Program& program);
    void complete(Program& program, bool truthfully);
    void write_completion(Queue& queue, spec::CompletionEntry entry);
    void interrupt(std::uint32_t vector);
    std::byte* find(std::uint64_t address, std::size_t length, bool to_write);

    driver::Environment& environment_;
    std::map<std::uint64_t, Mapping> mappings_;
    std::uint64_t next_iova_ = 0x100000;
    std::array<Queue, queue_pairs> queues_;
    std::map<std::uint32_t, Vector> vectors_;
    std::vector<Ambush> ambushes_;

    spec::DeviceState state_ = spec::DeviceState::disabled;
    std::uint32_t error_sources_ = 0;
    std::deque<std::uint32_t> lies_;          ///< what the next reads give
    std::optional<std::uint32_t> fixed_lie_;  ///< what every read of fixed_at_ gives
    std::uint32_t fixed_at_ = 0;
    bool gone_ = false;
};

/// Aborts with a line on stderr unless `condition`.
void require(bool condition, const char* what);

}  // namespace ringside::testing
