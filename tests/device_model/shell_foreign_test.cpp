// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The module in a SystemC simulation of somebody else's does exactly what it does on our virtual
// platform: the same seeded work, and every completion and message arrives at the same picosecond.

#include <gtest/gtest.h>

#include <sstream>

#include "ringside/sim/virtual_platform.hpp"
#include "ringside/testing/process.hpp"
#include "ringside/testing/seed.hpp"
#include "shell_workload.hpp"

namespace ringside::testing {
namespace {

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

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(line);
    }
    return lines;
}

TEST(ForeignSimulation, SeesEveryCompletionAndMessageAtThePlatformsTimes) {
    const auto foreign = run_process({FOREIGN_SIMULATION, std::to_string(seed())});
    ASSERT_EQ(foreign.exit_code, 0) << foreign.err;
    PlatformHost host;
    Workload(host, seed()).run();

    auto expected = host.log.completions;
    EXPECT_GT(expected.size(), 500u);
    EXPECT_GT(host.log.messages.size(), 50u);
    expected.insert(expected.end(), host.log.messages.begin(), host.log.messages.end());
    const auto seen = lines_of(foreign.out);
    ASSERT_EQ(seen.size(), expected.size());
    for (std::size_t i = 0; i < seen.size(); ++i) {
        ASSERT_EQ(seen[i], expected[i]);
    }
}

}  // namespace
}  // namespace ringside::testing
