// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The counterpart of RecordingLink in a replay against a driver: a link around the one of a
// platform that plays a recording back, which compares mappings, syncs, waits and interrupts with
// the recording. Register accesses are compared, and answered, where they reach the device.

#include "ringside/driver/link/link.hpp"
#include "ringside/recording/player.hpp"

namespace ringside::recording {

class ReplayLink final : public driver::Link {
  public:
    /// Both must outlive the link, and it every wait for a vector.
    ReplayLink(driver::Link& inner, Player& player) : inner_(inner), player_(player) {}

    std::uint32_t mmio_read32(std::uint32_t offset) override { return inner_.mmio_read32(offset); }
    void mmio_write32(std::uint32_t offset, std::uint32_t value) override {
        inner_.mmio_write32(offset, value);
    }
    driver::result<driver::Iova> dma_map(std::span<std::byte> memory,
                                         driver::DmaDirection direction) override;
    void dma_unmap(driver::Iova iova) override;
    void dma_sync_for_device(driver::Iova iova, std::size_t length) override;
    void dma_sync_for_cpu(driver::Iova iova, std::size_t length) override;
    void write_barrier() override { inner_.write_barrier(); }
    void read_barrier() override { inner_.read_barrier(); }
    void async_wait_vector(std::uint32_t vector, VectorHandler handler) override;
    void cancel_vector_wait(std::uint32_t vector) override;
    void mask_vector(std::uint32_t vector, bool masked) override {
        inner_.mask_vector(vector, masked);
    }

  private:
    void compare(Kind kind, std::uint64_t address, std::uint64_t value = 0);

    driver::Link& inner_;
    Player& player_;
};

}  // namespace ringside::recording
