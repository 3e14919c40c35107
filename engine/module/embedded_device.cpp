// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "embedded_device.hpp"

#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <utility>

#include "ringside/core/chips.hpp"
#include "ringside/sim/fault_plan.hpp"

namespace ringside::engine {
namespace {

using frontends::LogLevel;
using frontends::say;

static_assert(core::DeviceConfig{}.queue_pairs == frontends::largest_queue_pairs + 1);
static_assert(core::max_helpers == frontends::most_helpers);

/// %p is the process id.
std::string expand(std::string path) {
    for (std::size_t at = path.find("%p"); at != std::string::npos; at = path.find("%p", at)) {
        path.replace(at, 2, std::to_string(getpid()));
    }
    return path;
}

/// Null: there is none of this name, which has been said.
const core::Chip* choose_chip(const std::string& name) {
    const core::Chip* const chip = core::find_chip(name);
    if (chip == nullptr) {
        std::string names;
        for (const core::Chip& each : core::chips()) {
            names += (names.empty() ? "" : ", ") + std::string(each.name);
        }
        say(LogLevel::error, "chip: '" + name + "' is not allowed: " + names);
    }
    return chip;
}

/// Empty: the plan is wrong, which has been said.
std::optional<std::vector<core::FaultRule>> read_fault_plan(const std::string& text) {
    if (text.empty()) {
        return std::vector<core::FaultRule>();
    }
    auto plan = sim::parse_fault_plan(text);
    if (!plan) {
        say(LogLevel::error, "faults: " + plan.error().message);
        return std::nullopt;
    }
    return std::move(*plan);
}

/// The caller may be on a job's stack of 32 KiB: building and ending a machine wants a thread's.
template <typename Work>
void on_a_large_stack(Work work) {
    std::thread(work).join();
}

}  // namespace

class EmbeddedDevice::Source final : public frontends::OffloadSource {
  public:
    explicit Source(EmbeddedDevice& device) : device_(device) {}
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;
    ~Source() override { device_.detach(); }

    offload::Offload* offload() override { return device_.offload(); }
    bool is_current(const offload::Offload* offload) override {
        return offload == device_.offload_.load();
    }
    void count_software(frontends::SoftwareReason reason) override {
        ++device_.in_software_.at(static_cast<std::size_t>(reason));
    }

  private:
    EmbeddedDevice& device_;
};

EmbeddedDevice& EmbeddedDevice::instance() {
    static auto* const device = new EmbeddedDevice;
    return *device;
}

EmbeddedDevice::EmbeddedDevice() {
    // Held across the fork, so that the child finds nothing half-made.
    pthread_atfork([] { instance().mutex_.lock(); }, [] { instance().mutex_.unlock(); },
                   [] { instance().abandon_after_fork(); });
}

std::unique_ptr<frontends::OffloadSource> EmbeddedDevice::attach(
    const frontends::DeviceSettings& settings) {
    const std::lock_guard lock(mutex_);
    if (attached_ != 0 && settings != settings_) {
        say(LogLevel::error,
            "this process has a device with other settings already (provider, ENGINE and all "
            "library contexts share one)");
        return nullptr;
    }
    const core::Chip* const chip = choose_chip(settings.chip);
    auto faults = read_fault_plan(settings.fault_plan);
    if (chip == nullptr || !faults) {
        return nullptr;
    }
    chip_ = chip->config();
    chip_.helpers = settings.helpers;
    chip_.faults = std::move(*faults);
    settings_ = settings;
    frontends::set_log_level(settings.log);
    ++attached_;
    return std::make_unique<Source>(*this);
}

void EmbeddedDevice::detach() {
    const std::lock_guard lock(mutex_);
    if (--attached_ == 0 && !exiting_) {
        on_a_large_stack([this] {
            stop();
            running_.reset();
        });
        failed_ = false;
    }
}

offload::Offload* EmbeddedDevice::offload() {
    if (offload::Offload* running = offload_.load()) {
        return running;
    }
    const std::lock_guard lock(mutex_);
    if (running_ == nullptr && !failed_ && !exiting_) {
        on_a_large_stack([this] {
            try {
                start();
            } catch (const std::exception& error) {  // no descriptor or memory left for a part
                fail(error.what());
            }
        });
    }
    return offload_.load();
}

void EmbeddedDevice::fail(const std::string& why) {
    failed_ = true;
    say(LogLevel::error, "no device: " + why);
}

void EmbeddedDevice::start() {
    auto running = std::make_unique<Running>();
    sim::LivePlatformConfig platform_config;
    platform_config.device = chip_;
    platform_config.pace = settings_.paced ? sim::Pace::paced : sim::Pace::free;
    auto platform = sim::LivePlatform::create(platform_config);
    if (!platform) {
        fail(platform.error().message());
        return;
    }
    running->platform = std::move(*platform);
    if (!settings_.trace_file.empty()) {
        const std::string path = expand(settings_.trace_file);
        running->trace = std::make_unique<sim::TraceFiles>(running->platform->environment().trace(),
                                                           settings_.queue_pairs + 1);
        if (!running->trace->open(path, sim::trace_format_of(path))) {
            fail("cannot write the trace '" + path + "': " + std::strerror(errno));
            return;
        }
    }
    driver::DeviceConfig device_config;
    device_config.io_queue_pairs = settings_.queue_pairs;
    device_config.ring_entries = settings_.ring_entries;
    auto device = driver::Device::open(running->platform->link(), running->platform->environment(),
                                       device_config);
    if (!device) {
        fail(device.error().message());
        return;
    }
    running->device = std::move(*device);
    offload::OffloadConfig offload_config;
    offload_config.callbacks = settings_.callbacks;
    running->offload = std::make_unique<offload::Offload>(*running->device, offload_config);
    offload_.store(running->offload.get());
    running_ = std::move(running);
    // Registered last, and so run before the destructors of the static objects that the device's
    // threads use, SystemC's and Asio's.
    static const int registered = std::atexit([] { instance().end_at_exit(); });
    static_cast<void>(registered);
    say(LogLevel::info, "device started");
}

/// Ends the device; its objects stay, for whoever is still inside one of them.
void EmbeddedDevice::stop() {
    if (offload_.load() == nullptr) {
        return;
    }
    write_statistics();
    offload_.store(nullptr);
    running_->device->close();
    running_->trace.reset();
    say(LogLevel::info, "device ended");
}

/// The process exits, perhaps with operations in flight and with other threads in the middle of
/// them. No device from here on.
void EmbeddedDevice::end_at_exit() {
    const std::lock_guard lock(mutex_);
    exiting_ = true;
    // exit() from within a callback: the device cannot be waited for on its own thread.
    if (running_ != nullptr && !running_->platform->environment().on_interrupt_executor()) {
        on_a_large_stack([this] {
            stop();
            running_->platform->shut_down();
        });
    }
}

/// The child has the parent's memory and none of its threads: what they worked on is left alone.
void EmbeddedDevice::abandon_after_fork() {
    offload_.store(nullptr);
    if (running_ != nullptr) {
        (void)running_.release();
        sim::LivePlatform::abandon_after_fork();
    }
    for (auto& count : in_software_) {
        count = 0;
    }
    mutex_.unlock();
}

void EmbeddedDevice::write_statistics() {
    if (settings_.statistics_file.empty()) {
        return;
    }
    const driver::DeviceStatistics statistics = running_->device->read_statistics();
    // Summed over the queue pairs for I/O.
    const auto of_driver = [this](std::uint64_t driver::QueueCounters::*counter) {
        std::uint64_t sum = 0;
        for (std::uint32_t i = 0; i < running_->device->queue_pair_count(); ++i) {
            sum += running_->device->queue_pair(i).counters().*counter;
        }
        return sum;
    };
    const auto in_software = [this](frontends::SoftwareReason reason) {
        return in_software_.at(static_cast<std::size_t>(reason)).load();
    };
    const nlohmann::ordered_json json = {
        {"pid", getpid()},
        {"operations", statistics.operations},
        {"bytes", statistics.bytes},
        {"errors", statistics.errors},
        {"busy_ns", statistics.busy_ns},
        {"dma_read_bytes", statistics.dma_read_bytes},
        {"dma_written_bytes", statistics.dma_written_bytes},
        {"msix_messages", statistics.msix_messages},
        {"submissions_accepted", of_driver(&driver::QueueCounters::accepted)},
        {"submissions_refused_ring_full", of_driver(&driver::QueueCounters::eagain)},
        {"slots_handed_to_waiters", of_driver(&driver::QueueCounters::grants)},
        {"software_small", in_software(frontends::SoftwareReason::small)},
        {"software_synchronous", in_software(frontends::SoftwareReason::synchronous)},
        {"software_device_failed", in_software(frontends::SoftwareReason::device_failed)},
    };
    const std::string path = expand(settings_.statistics_file);
    std::ofstream file(path);
    file << json.dump(2) << '\n';
    if (!file.flush()) {
        say(LogLevel::error, "stats: cannot write '" + path + "'");
    }
}

}  // namespace ringside::engine
