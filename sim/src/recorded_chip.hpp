// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The two chips of recordings: one writes everything that passes between a kernel and its platform,
// the other is such a recording, played back to a driver. A call is recorded first, then what the
// chip did during it.

#include <memory>
#include <vector>

#include "ringside/recording/player.hpp"
#include "ringside/recording/recorder.hpp"
#include "ringside/sim/kernel.hpp"

namespace ringside::sim {

/// The device that a platform's configuration asks for.
template <typename Config>
blocks::MakeFunction device_of(const Config& config) {
    return config.other_device ? config.other_device : core::make_device(config.device);
}

/// A kernel whose traffic goes to `recorder`, or, if that is null, just a kernel. Errors: as
/// Kernel::create().
boost::system::result<std::unique_ptr<Chip>> make_chip(const blocks::MakeFunction& device,
                                                       Trace& trace, HostMemory& memory,
                                                       MsiSink on_message,
                                                       recording::Recorder* recorder);

/// Answers register accesses from the recording and does to memory what the chip did, at the same
/// points. After a divergence it is a chip that is gone: it reads as all ones, and vector 0 fires
/// once, so that a driver notices.
class ReplayChip final : public Chip {
  public:
    ReplayChip(recording::Player& player, HostMemory& memory, MsiSink on_message);

    std::uint32_t read32(std::uint32_t offset) override;
    void write32(std::uint32_t offset, std::uint32_t value) override;
    /// All ones: what nobody asked is not in the recording.
    std::uint32_t peek32(std::uint32_t offset) override;
    void mask_vector(std::uint32_t vector, bool masked) override;
    void reset_function() override;
    Time now() const override { return now_; }
    std::optional<Time> next_event() const override;
    void advance_to(Time time) override;

    /// Nobody goes on and nothing will happen; false: neither did it in the recording.
    bool note_standstill();

  private:
    void call(const recording::Record& came);
    void play_outputs();
    void play_dma_read(const recording::Record& record);

    recording::Player& player_;
    HostMemory& memory_;
    MsiSink on_message_;
    Time now_{};
    mutable std::optional<Time> next_event_;
};

}  // namespace ringside::sim
