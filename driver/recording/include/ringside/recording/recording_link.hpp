// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A link around any other that writes what passes to a Recorder: register accesses, mappings,
// syncs, waits for interrupts, and the interrupts. Put around a link from outside, it sees the
// driver's side only; what a device reads and writes by DMA a platform adds that was itself given
// the Recorder, and only such a recording can be replayed.

#include "ringside/driver/link/environment.hpp"
#include "ringside/driver/link/link.hpp"
#include "ringside/recording/recorder.hpp"

namespace ringside::recording {

class RecordingLink final : public driver::Link {
  public:
    /// Who writes register accesses to the Recorder: this link, when the driver makes them, or a
    /// platform, when they reach the device.
    enum class RegisterAccesses : std::uint8_t { here, at_the_device };

    /// All must outlive the link, and it every wait for a vector. Times are `environment`'s.
    RecordingLink(driver::Link& inner, driver::Environment& environment, Recorder& recorder,
                  RegisterAccesses accesses = RegisterAccesses::here)
        : inner_(inner), environment_(environment), recorder_(recorder), accesses_(accesses) {}

    std::uint32_t mmio_read32(std::uint32_t offset) override;
    void mmio_write32(std::uint32_t offset, std::uint32_t value) override;
    driver::result<driver::Iova> dma_map(std::span<std::byte> memory,
                                         driver::DmaDirection direction) override;
    void dma_unmap(driver::Iova iova) override;
    void dma_sync_for_device(driver::Iova iova, std::size_t length) override;
    void dma_sync_for_cpu(driver::Iova iova, std::size_t length) override;
    void write_barrier() override { inner_.write_barrier(); }
    void read_barrier() override { inner_.read_barrier(); }
    void async_wait_vector(std::uint32_t vector, VectorHandler handler) override;
    void cancel_vector_wait(std::uint32_t vector) override;
    void mask_vector(std::uint32_t vector, bool masked) override;

  private:
    void note(Kind kind, std::uint64_t address, std::uint64_t value = 0);

    driver::Link& inner_;
    driver::Environment& environment_;
    Recorder& recorder_;
    const RegisterAccesses accesses_;
};

}  // namespace ringside::recording
