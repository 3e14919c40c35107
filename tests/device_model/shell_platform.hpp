// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Our virtual platform as a machine for the workload, to be compared with other machines.

#include <memory>

#include "ringside/sim/virtual_platform.hpp"
#include "shell_workload.hpp"

namespace ringside::testing {

/// Our virtual platform without the driver: the workload is its only application.
class PlatformHost final : public WorkloadHost {
  public:
    PlatformHost() {
        bus_base =
            platform_->link().dma_map(memory, driver::DmaDirection::bidirectional).value().value;
        for (std::uint32_t queue = 0; queue < workload_layout::queues; ++queue) {
            wait_for_message(spec::queue_vector(queue));
        }
        wait_for_message(spec::error_vector);
        platform_->environment().trace().listen(
            [this](const TraceEvent&) { log.look(memory, platform_->device_time()); });
    }
    ~PlatformHost() override { platform_->environment().trace().listen({}); }

    void write32(std::uint32_t offset, std::uint32_t value) override {
        platform_->link().mmio_write32(offset, value);
    }
    void wait_for(Duration duration) override {
        sim::sleep_for(platform_->environment(), duration);
    }

    ArrivalLog log;

  private:
    void wait_for_message(std::uint32_t vector) {
        platform_->link().async_wait_vector(vector, [this, vector](driver::error_code error) {
            if (!error) {
                log.message(vector, platform_->device_time());
                wait_for_message(vector);
            }
        });
    }

    /// Time passes only when all wait: nothing but the workload decides when it writes.
    std::unique_ptr<sim::VirtualPlatform> platform_ =
        sim::VirtualPlatform::create({.interleaving = sim::Interleaving::cooperative}).value();
};

}  // namespace ringside::testing
