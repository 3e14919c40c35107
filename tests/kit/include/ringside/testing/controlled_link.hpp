// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A link around another one with which a test decides when operations complete, which fail, and
// which interrupts come. It works on what crosses the link (doorbells, descriptors in memory,
// interrupts), so any driver may stand on it. For virtual time: everything on one thread.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "ringside/driver/link/link.hpp"

namespace ringside::testing {

/// How an operation fails that a test wants to fail.
enum class Failure : std::uint8_t {
    rejected,   ///< the device finds the descriptor wrong: status REQUEST/BAD_OPCODE
    dma_fault,  ///< it cannot reach the source: status TRANSPORT/IOMMU, if there is a source
};

class ControlledLink final : public driver::Link {
  public:
    /// `inner` must outlive the link.
    explicit ControlledLink(driver::Link& inner);

    // ---- what a test does; "submission": a descriptor announced on any I/O queue pair ----

    /// From now on nothing that is submitted completes: the device does not hear of it.
    void hold_completions() { holding_ = true; }
    bool is_holding() const { return holding_; }
    /// Lets `count` more operations go, the oldest of each queue pair first.
    void release_completions(std::size_t count);
    /// Lets all go, and holds nothing any more.
    void stop_holding();
    /// Operations submitted and held.
    std::size_t held() const;

    /// The `nth` submission from now on is accepted and completes with an error; 1 is the next.
    void fail_operation(std::uint64_t nth, Failure failure = Failure::rejected);
    std::uint64_t submissions() const { return submissions_; }

    /// The next `count` interrupts of `vector` get lost.
    void lose_interrupts(std::uint32_t vector, std::uint32_t count = 1);
    std::uint64_t lost_interrupts() const { return lost_interrupts_; }

    // ---- Link ----

    std::uint32_t mmio_read32(std::uint32_t offset) override { return inner_.mmio_read32(offset); }
    void mmio_write32(std::uint32_t offset, std::uint32_t value) override;
    driver::result<driver::Iova> dma_map(std::span<std::byte> memory,
                                         driver::DmaDirection direction) override;
    void dma_unmap(driver::Iova iova) override;
    void dma_sync_for_device(driver::Iova iova, std::size_t length) override {
        inner_.dma_sync_for_device(iova, length);
    }
    void dma_sync_for_cpu(driver::Iova iova, std::size_t length) override {
        inner_.dma_sync_for_cpu(iova, length);
    }
    void write_barrier() override { inner_.write_barrier(); }
    void read_barrier() override { inner_.read_barrier(); }
    void async_wait_vector(std::uint32_t vector, VectorHandler handler) override;
    void cancel_vector_wait(std::uint32_t vector) override { inner_.cancel_vector_wait(vector); }
    void mask_vector(std::uint32_t vector, bool masked) override {
        inner_.mask_vector(vector, masked);
    }

  private:
    /// What the driver told the device of a queue pair.
    struct Queue {
        std::uint64_t base = 0;
        std::uint32_t entries = 0;
        std::uint32_t announced = 0;  ///< tail, as the driver sees it
        std::uint32_t released = 0;   ///< tail, as the device sees it
    };
    static std::uint32_t distance(const Queue& queue, std::uint32_t from, std::uint32_t to);

    void note_configuration(std::uint32_t offset, std::uint32_t value);
    bool on_submission_doorbell(std::uint32_t number, std::uint32_t tail);
    std::size_t release(std::uint32_t number, std::size_t count);
    void spoil(const Queue& queue, std::uint32_t index, Failure failure);
    std::byte* memory_at(std::uint64_t iova, std::size_t length);

    driver::Link& inner_;
    std::vector<Queue> queues_;
    std::map<std::uint64_t, std::span<std::byte>> mappings_;
    std::map<std::uint64_t, Failure> failures_;          ///< by number of the submission
    std::map<std::uint32_t, std::uint32_t> to_be_lost_;  ///< by vector
    std::uint64_t submissions_ = 0;
    std::uint64_t lost_interrupts_ = 0;
    bool holding_ = false;
};

}  // namespace ringside::testing
