// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The machine in live time: the simulation kernel in a thread of its own (the device), an interrupt
// thread, and the application's threads, as in a process that uses real hardware. MMIO crosses a
// queue to the device's thread; interrupts come back as eventfds, as VFIO gives them. Simulated
// time is never behind the wall time since the start when a register is accessed; an idle device
// sleeps.

#include <memory>

#include "ringside/recording/recorder.hpp"
#include "ringside/sim/error.hpp"
#include "ringside/sim/platform.hpp"

namespace ringside::sim {

/// How simulated time relates to wall time between accesses.
enum class Pace : std::uint8_t {
    free,   ///< the device works as fast as the host can simulate it: simulated time may run ahead
    paced,  ///< nothing happens before its wall time: the model's latencies are felt
};

struct LivePlatformConfig {
    core::DeviceConfig device;
    /// Another device in place of the accelerator (docs/new-device.md); what is recorded of it can
    /// be read, and not replayed. Empty: `device`.
    blocks::MakeFunction other_device;
    std::uint64_t seed = 1;
    Pace pace = Pace::free;
    /// Where everything that passes the link is written; it must outlive the platform.
    recording::Recorder* recorder = nullptr;
};

/// How late a paced device was: events whose wall time had passed before the host got to them.
struct Lateness {
    std::uint64_t events = 0;
    Duration worst{};
    Duration total{};
};

class LivePlatform final : public Platform {
  public:
    /// Starts both threads, with all signals blocked and on all CPUs the process may use. Errors:
    /// Errc.
    static boost::system::result<std::unique_ptr<LivePlatform>> create(
        const LivePlatformConfig& config);
    /// As shut_down().
    ~LivePlatform() override;

    driver::Link& link() override;
    driver::Environment& environment() override;
    Time device_time() override;
    void wait_readable(int fd) override;
    std::uint32_t peek32(std::uint32_t offset) override;
    void reset_function() override;

    Lateness lateness() const;

    /// Ends both threads; the driver must be closed. Idempotent. Not on either thread.
    void shut_down();

    /// In a child process after fork(): the parent's platform objects must be leaked there (their
    /// threads do not exist); after this call the child can create a platform of its own.
    static void abandon_after_fork();

  private:
    class Impl;
    explicit LivePlatform(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace ringside::sim
