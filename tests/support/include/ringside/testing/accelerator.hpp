// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A machine in virtual time with the driver open on it, for end-to-end tests: operations that
// record how they ended, and synchronous helpers that wait for them.

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <memory>
#include <optional>

#include "ringside/driver/device.hpp"
#include "ringside/driver/requests.hpp"
#include "ringside/sim/virtual_platform.hpp"
#include "ringside/spec/registers.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::testing {

/// Remembers its completion and wakes whoever waits for it.
class RecordedOperation final : public driver::Operation {
  public:
    explicit RecordedOperation(driver::Environment& environment)
        : parker_(environment.make_parker()) {}

    void complete(const driver::Completion& completion) noexcept override {
        ++completions_;
        completion_ = completion;
        parker_->unpark();
    }
    const driver::Completion& wait() {
        parker_->park();
        return *completion_;
    }
    int completions() const { return completions_; }
    const std::optional<driver::Completion>& completion() const { return completion_; }

  private:
    std::unique_ptr<driver::Parker> parker_;
    int completions_ = 0;
    std::optional<driver::Completion> completion_;
};

class Accelerator {
  public:
    explicit Accelerator(const sim::VirtualPlatformConfig& platform_config,
                         const driver::DeviceConfig& device_config)
        : platform(sim::VirtualPlatform::create(platform_config).value()),
          device(driver::Device::open(platform->link(), platform->environment(), device_config)
                     .value()) {}

    driver::Environment& environment() { return platform->environment(); }
    driver::QueuePair& queue() { return device->queue_pair(0); }

    /// The I/O queue pair's own count of credits in use.
    std::uint32_t device_in_flight() {
        return platform->peek32(spec::at("INFLIGHT").of(queue().index()));
    }

    /// Creates a session with `key`; the test fails otherwise.
    std::uint32_t create_session(spec::Algorithm algorithm, std::span<const std::byte> key) {
        const driver::SessionSpec session{.algorithm = algorithm, .key = key};
        auto parameters = device->dma().allocate(session.size()).value();
        driver::write_session_parameters(parameters.bytes(), session);
        RecordedOperation operation(environment());
        EXPECT_TRUE(
            device->admin()
                .submit(driver::session_create(parameters.iova(), session.size()), operation)
                .has_value());
        const auto& completion = operation.wait();
        EXPECT_FALSE(completion.status) << completion.status.message();
        return completion.result;
    }

    std::unique_ptr<sim::VirtualPlatform> platform;
    std::unique_ptr<driver::Device> device;
};

}  // namespace ringside::testing
