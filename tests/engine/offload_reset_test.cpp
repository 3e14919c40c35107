// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// A device reset as those above the driver see it: jobs that come during one wait as for a slot,
// and the session that they had before still holds its key.

#include <gtest/gtest.h>

#include <deque>

#include "offload_fixture.hpp"

namespace ringside {
namespace {

using testing::for_seeds;
using testing::OffloadMachine;
using testing::TestJob;

/// Asks for a reset and returns when it is under way.
void begin_reset(OffloadMachine& machine) {
    driver::Device& device = *machine.accelerator.device;
    device.request_reset();
    while (device.health() == driver::DeviceHealth::working) {
        sim::sleep_for(machine.accelerator.environment(), std::chrono::microseconds(1));
    }
}

TEST(OffloadReset, JobsThatComeDuringAResetWaitAndTheirSessionStillEncrypts) {
    for_seeds(100, [](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed, .ring_entries = 4});
        begin_reset(machine);
        std::deque<TestJob> jobs;
        for (int i = 0; i < 8; ++i) {
            jobs.emplace_back([&] { machine.work(); });
            jobs.back().enter();
        }
        for (TestJob& job : jobs) {
            while (!job.finished()) {
                machine.wait_readable(job.fd());
                job.enter();
            }
        }
        EXPECT_EQ(machine.completed, 8);
        EXPECT_EQ(machine.accelerator.device->recovery_counters().sessions_restored, 1u);
    });
}

TEST(OffloadReset, ACallerOutsideAJobWaitsTheResetOut) {
    for_seeds(100, [](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed});
        begin_reset(machine);
        machine.work();
        EXPECT_EQ(machine.accelerator.device->health(), driver::DeviceHealth::working);
    });
}

TEST(OffloadReset, ASessionThatIsDestroyedDuringAResetIsNotRestored) {
    for_seeds(100, [](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed});
        auto second = offload::CipherSession::create(machine.offload, spec::Algorithm::aes_cbc,
                                                     std::array<std::byte, 16>{});
        ASSERT_TRUE(second.has_value());
        begin_reset(machine);
        second = driver::Errc::dead;  // destroys the session: a request that has to wait, too
        machine.work();
        machine.settle();
        EXPECT_EQ(machine.accelerator.device->admin().counters().waiting, 0u);
        EXPECT_EQ(machine.accelerator.device->admin().counters().in_flight, 0u);
    });
}

}  // namespace
}  // namespace ringside
