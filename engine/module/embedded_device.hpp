// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The simulated accelerator inside somebody else's process: platform, driver and offload, started
// by the first operation and ended with the last front end that is loaded, or when the process
// exits. One in a process, since SystemC has one kernel; a child after fork() gets one of its own
// when it first needs it.

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ringside/core/device.hpp"
#include "ringside/driver/device.hpp"
#include "ringside/frontends/device_host.hpp"
#include "ringside/sim/live_platform.hpp"
#include "ringside/sim/trace_file.hpp"

namespace ringside::engine {

class EmbeddedDevice final : public frontends::DeviceHost {
  public:
    /// The process's one. Leaked on purpose: static destructors run before providers are torn down.
    static EmbeddedDevice& instance();

    /// Null: another front end has attached with different settings.
    std::unique_ptr<frontends::OffloadSource> attach(
        const frontends::DeviceSettings& settings) override;

  private:
    class Source;
    /// All that runs; never half of it.
    struct Running {
        std::unique_ptr<sim::LivePlatform> platform;
        std::unique_ptr<sim::TraceFiles> trace;
        std::unique_ptr<driver::Device> device;
        std::unique_ptr<offload::Offload> offload;
    };

    EmbeddedDevice();
    /// Starts the device if need be; null if it cannot be (said once on stderr).
    offload::Offload* offload();
    void detach();
    void start();
    void fail(const std::string& why);
    void stop();
    void end_at_exit();
    void abandon_after_fork();
    void write_statistics();

    std::mutex mutex_;
    frontends::DeviceSettings settings_;
    core::DeviceConfig chip_;
    unsigned attached_ = 0;
    bool failed_ = false;
    bool exiting_ = false;
    std::unique_ptr<Running> running_;
    std::atomic<offload::Offload*> offload_{nullptr};
    std::array<std::atomic<std::uint64_t>, frontends::software_reasons> in_software_{};
};

}  // namespace ringside::engine
