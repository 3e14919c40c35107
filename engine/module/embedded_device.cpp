// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "embedded_device.hpp"

#include <pthread.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

namespace ringside::engine {
namespace {

void say(const std::string& line) {
    std::fprintf(stderr, "ringside: %s\n", line.c_str());
}

/// The path in RINGSIDE_STATS, %p replaced by the process id; empty: not asked for.
std::string statistics_path() {
    const char* pattern = std::getenv("RINGSIDE_STATS");
    std::string path = pattern != nullptr ? pattern : "";
    for (std::size_t at = path.find("%p"); at != std::string::npos; at = path.find("%p", at)) {
        path.replace(at, 2, std::to_string(getpid()));
    }
    return path;
}

}  // namespace

EmbeddedDevice& EmbeddedDevice::instance() {
    static auto* const device = new EmbeddedDevice;
    return *device;
}

EmbeddedDevice::EmbeddedDevice() {
    // Held across the fork, so that the child finds nothing half-made.
    pthread_atfork([] { instance().mutex_.lock(); }, [] { instance().mutex_.unlock(); },
                   [] { instance().abandon_after_fork(); });
}

bool EmbeddedDevice::attach(const ModuleConfig& config) {
    const std::lock_guard lock(mutex_);
    if (attached_ != 0 && config != config_) {
        say("this process has a device with another configuration already");
        return false;
    }
    config_ = config;
    ++attached_;
    return true;
}

void EmbeddedDevice::detach() {
    const std::lock_guard lock(mutex_);
    if (--attached_ == 0) {
        end();
    }
}

offload::Offload* EmbeddedDevice::offload() {
    if (offload::Offload* running = offload_.load()) {
        return running;
    }
    const std::lock_guard lock(mutex_);
    if (offload_.load() == nullptr && !failed_) {
        // The caller may be on a job's stack of 32 KiB: building a machine wants a thread's.
        std::thread([this] { start(); }).join();
    }
    return offload_.load();
}

void EmbeddedDevice::start() {
    sim::LivePlatformConfig platform_config;
    platform_config.pace = config_.paced ? sim::Pace::paced : sim::Pace::free;
    auto platform = sim::LivePlatform::create(platform_config);
    if (!platform) {
        failed_ = true;
        say("no device: " + platform.error().message());
        return;
    }
    driver::DeviceConfig device_config;
    device_config.ring_entries = config_.ring_entries;
    auto device =
        driver::Device::open((*platform)->link(), (*platform)->environment(), device_config);
    if (!device) {
        failed_ = true;
        say("no device: " + device.error().message());
        return;
    }
    platform_ = std::move(*platform);
    device_ = std::move(*device);
    offload::OffloadConfig offload_config;
    offload_config.callbacks = config_.callbacks;
    owned_offload_ = std::make_unique<offload::Offload>(*device_, offload_config);
    offload_.store(owned_offload_.get());
}

void EmbeddedDevice::end() {
    failed_ = false;
    if (offload_.load() == nullptr) {
        return;
    }
    write_statistics();
    device_->close();
    offload_.store(nullptr);
    owned_offload_.reset();
    device_.reset();
    platform_.reset();
}

/// The child has the parent's memory and none of its threads: what they worked on is left alone.
void EmbeddedDevice::abandon_after_fork() {
    if (offload_.exchange(nullptr) != nullptr) {
        (void)owned_offload_.release();
        (void)device_.release();
        (void)platform_.release();
        sim::LivePlatform::abandon_after_fork();
    }
    mutex_.unlock();
}

void EmbeddedDevice::write_statistics() {
    const std::string path = statistics_path();
    if (path.empty()) {
        return;
    }
    const driver::DeviceStatistics statistics = device_->read_statistics();
    const nlohmann::ordered_json json = {
        {"pid", getpid()},
        {"operations", statistics.operations},
        {"bytes", statistics.bytes},
        {"errors", statistics.errors},
        {"busy_ns", statistics.busy_ns},
        {"dma_read_bytes", statistics.dma_read_bytes},
        {"dma_written_bytes", statistics.dma_written_bytes},
        {"msix_messages", statistics.msix_messages},
    };
    std::ofstream file(path);
    file << json.dump(2) << '\n';
    if (!file.flush()) {
        say("RINGSIDE_STATS: cannot write '" + path + "'");
    }
}

}  // namespace ringside::engine
