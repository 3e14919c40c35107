// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The machine in virtual time: kernel, IOMMU, timers and a seeded scheduler on the thread that
// created it, which is logical CPU 0; a second CPU runs the interrupt executor. Nothing here reads
// a clock, and two runs with the same seed give the same trace hash. All calls on that one thread.

#include <functional>
#include <memory>

#include "ringside/recording/player.hpp"
#include "ringside/recording/recorder.hpp"
#include "ringside/sim/error.hpp"
#include "ringside/sim/platform.hpp"
#include "ringside/sim/scheduler.hpp"

namespace ringside::sim {

struct VirtualPlatformConfig {
    core::DeviceConfig device;
    /// Another device in place of the accelerator (docs/new-device.md); what is recorded of it can
    /// be read, and not replayed. Empty: `device`.
    blocks::MakeFunction other_device;
    std::uint64_t seed = 1;
    Interleaving interleaving = Interleaving::seeded;
    /// Where everything that passes the link is written; it must outlive the platform.
    recording::Recorder* recorder = nullptr;
    /// In place of the device, what one did in a recording of virtual time (same seed, same
    /// interleaving, same application). Where the driver does something else, the player knows of
    /// it, and the device is gone from then on. It must outlive the platform.
    recording::Player* player = nullptr;
};

class VirtualPlatform final : public Platform {
  public:
    /// Errc::kernel_in_use if another platform lives in this process.
    static boost::system::result<std::unique_ptr<VirtualPlatform>> create(
        const VirtualPlatformConfig& config);
    ~VirtualPlatform() override;

    driver::Link& link() override;
    driver::Environment& environment() override;
    Time device_time() override;
    void wait_readable(int fd) override;
    std::uint32_t peek32(std::uint32_t offset) override;
    void reset_function() override;

    Scheduler& scheduler();

    /// Called at every named schedule point, before anybody else may run: a test's eye inside the
    /// driver. Empty: none. It must not call the driver.
    void observe_schedule_points(std::function<void(const char* name)> observer);

    /// Lets everything run until nothing is due any more: no CPU ready, no event, no timer.
    void run_until_idle();

  private:
    class Impl;
    explicit VirtualPlatform(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace ringside::sim
