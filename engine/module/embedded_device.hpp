// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The simulated accelerator inside somebody else's process: platform, driver and offload, started
// by the first operation and ended with the last front end that is loaded. One in a process, since
// SystemC has one kernel; a child after fork() gets one of its own when it first needs it.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "ringside/driver/device.hpp"
#include "ringside/offload/offload.hpp"
#include "ringside/sim/live_platform.hpp"

namespace ringside::engine {

/// What an operator can say (docs: the sample openssl.cnf).
struct ModuleConfig {
    std::uint32_t ring_entries = 256;
    bool callbacks = true;
    bool paced = false;

    bool operator==(const ModuleConfig&) const = default;
};

class EmbeddedDevice {
  public:
    /// The process's one. Leaked on purpose: static destructors run before providers are torn down.
    static EmbeddedDevice& instance();

    /// A front end is loaded. False: another one has been loaded with a different configuration.
    bool attach(const ModuleConfig& config);
    /// A front end is unloaded; with the last one the device ends, its statistics are written to
    /// the file that RINGSIDE_STATS names, and its threads are joined.
    void detach();

    /// Starts the device if need be; null if it cannot be (said once on stderr). Any thread, any
    /// stack.
    offload::Offload* offload();
    bool is_current(const offload::Offload* offload) const { return offload == offload_.load(); }

  private:
    EmbeddedDevice();
    void start();
    void end();
    void abandon_after_fork();
    void write_statistics();

    std::mutex mutex_;
    ModuleConfig config_;
    unsigned attached_ = 0;
    bool failed_ = false;
    std::unique_ptr<sim::LivePlatform> platform_;
    std::unique_ptr<driver::Device> device_;
    std::unique_ptr<offload::Offload> owned_offload_;
    std::atomic<offload::Offload*> offload_{nullptr};
};

}  // namespace ringside::engine
