// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// From reset to READY and back, and devices that do not come up, go away or complain.

#include "ringside/driver/device.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fake_device.hpp"
#include "ringside/driver/limits.hpp"
#include "test_environment.hpp"
#include "test_requests.hpp"

namespace ringside::testing {
namespace {

using driver::Device;
using driver::DeviceConfig;
using driver::Errc;

struct DeviceTest : ::testing::Test {
    TestEnvironment environment;
    FakeDevice chip{environment};

    driver::error_code open_error(const DeviceConfig& config = {}) {
        const auto opened = Device::open(chip, environment, config);
        return opened ? driver::error_code() : opened.error();
    }
    std::unique_ptr<Device> open(const DeviceConfig& config = {}) {
        return Device::open(chip, environment, config).value();
    }
};

TEST_F(DeviceTest, OpensWithAnAdminQueuePairAndAsManyAsWanted) {
    const auto device = open({.io_queue_pairs = 3, .ring_entries = 32});
    EXPECT_EQ(device->queue_pair_count(), 3u);
    EXPECT_EQ(device->admin().index(), 0u);
    EXPECT_EQ(device->queue_pair(2).index(), 3u);
    EXPECT_EQ(device->queue_pair(2).capacity(), 31u);
    EXPECT_EQ(device->max_length(), chip.max_length);
    TestOperation operation;
    for (auto* queue : {&device->admin(), &device->queue_pair(0), &device->queue_pair(2)}) {
        ASSERT_TRUE(queue->submit({}, operation));
        chip.complete(queue->index());
        environment.run_ready();
    }
    EXPECT_EQ(operation.completions, 3);
    EXPECT_EQ(device->read_statistics().operations, 3u);
}

TEST_F(DeviceTest, RefusesAnotherDeviceWithoutWritingToIt) {
    chip.id = 0x12345678;
    EXPECT_EQ(open_error(), Errc::not_our_device);
    EXPECT_FALSE(chip.has_been_reset());
}

TEST_F(DeviceTest, RefusesAnotherMajorVersionButNotAnotherMinor) {
    chip.version = 0x00020000;
    EXPECT_EQ(open_error(), Errc::unsupported_version);
    EXPECT_FALSE(chip.has_been_reset());
    chip.version = 0x00010007;
    EXPECT_FALSE(open_error());
}

TEST_F(DeviceTest, RefusesWhatTheDeviceDoesNotHave) {
    EXPECT_EQ(open_error({.io_queue_pairs = 0}), Errc::unsupported_config);
    EXPECT_EQ(open_error({.io_queue_pairs = 4}), Errc::unsupported_config);
    EXPECT_EQ(open_error({.ring_entries = 512}), Errc::unsupported_config);
    EXPECT_EQ(open_error({.ring_entries = 24}), Errc::unsupported_config);
    EXPECT_EQ(open_error({.ring_entries = 1}), Errc::unsupported_config);
    chip.vectors = 2;
    EXPECT_EQ(open_error(), Errc::unsupported_config) << "no vector for the I/O queue pair";
    EXPECT_EQ(chip.mappings(), 0u);
}

TEST_F(DeviceTest, ALinkThatIsGoneIsDeadAndNotTouchedAgain) {
    chip.vanish();
    EXPECT_EQ(open_error(), Errc::dead);
    EXPECT_EQ(chip.mmio_accesses(), 2u);
}

TEST_F(DeviceTest, StuckStatesTimeOutOnTheInjectedClock) {
    const auto limit = std::chrono::milliseconds(chip.timeout_ms);
    chip.reset_time = std::chrono::hours(1);
    Time before = environment.now();
    EXPECT_EQ(open_error(), Errc::timed_out);
    EXPECT_EQ(environment.now() - before, limit);
    chip.reset_time = {};
    chip.enable_time = std::chrono::hours(1);
    before = environment.now();
    EXPECT_EQ(open_error(), Errc::timed_out);
    EXPECT_EQ(environment.now() - before, limit);
    EXPECT_EQ(chip.mappings(), 0u);
}

TEST_F(DeviceTest, WaitsNoLongerThanItsOwnLimitWhateverTheDeviceSays) {
    chip.timeout_ms = 0xFFFFFFFE;
    chip.reset_time = std::chrono::hours(1);
    EXPECT_EQ(open_error(), Errc::timed_out);
    EXPECT_EQ(environment.now() - Time{}, driver::max_state_change);
}

TEST_F(DeviceTest, WithoutMappingsItDoesNotOpenAndLeavesNothingBehind) {
    for (chip.mapping_limit = 0; chip.mapping_limit < 4; ++chip.mapping_limit) {
        EXPECT_TRUE(open_error().failed()) << chip.mapping_limit;
        EXPECT_EQ(chip.mappings(), 0u);
    }
    chip.mapping_limit = 5;
    EXPECT_FALSE(open_error({.ring_entries = 2}));
}

TEST_F(DeviceTest, CloseFailsWhatIsInFlightInInterruptContextAndRefusesTheRest) {
    auto device = open({.io_queue_pairs = 2});
    TestOperation operation;
    bool in_interrupt = true;
    operation.on_complete = [&] { in_interrupt = environment.on_interrupt_executor(); };
    ASSERT_TRUE(device->admin().submit({}, operation));
    ASSERT_TRUE(device->queue_pair(1).submit({}, operation));
    device->close();
    EXPECT_EQ(operation.completions, 2);
    EXPECT_EQ(operation.last.status, Errc::dead);
    EXPECT_TRUE(in_interrupt);
    const auto accesses = chip.mmio_accesses();
    EXPECT_EQ(device->queue_pair(1).submit({}, operation).error(), Errc::dead);
    EXPECT_EQ(device->read_statistics().operations, 0u);
    device->close();
    EXPECT_EQ(chip.mmio_accesses(), accesses);
    device.reset();
    EXPECT_EQ(chip.mappings(), 0u);
    EXPECT_EQ(operation.completions, 2);
}

TEST_F(DeviceTest, OpensAgainAfterClose) {
    for (int i = 0; i < 3; ++i) {
        auto device = open();
        TestOperation operation;
        ASSERT_TRUE(device->queue_pair(0).submit({}, operation));
        chip.complete(1);
        environment.run_ready();
        EXPECT_FALSE(operation.last.status);
    }
}

TEST_F(DeviceTest, ErrorsAreCountedAndClearedAndTheNextOneInterruptsAgain) {
    const auto device = open();
    for (std::uint64_t i = 1; i <= 3; ++i) {
        chip.raise_error(spec::ErrorSource::iommu);
        environment.run_ready();
        EXPECT_EQ(device->reported_errors(), i);
        EXPECT_EQ(chip.mmio_read32(spec::at("ERR_SRC").of()), 0u);
    }
}

TEST_F(DeviceTest, SurpriseRemovalFailsEverythingAndStopsTouchingTheDevice) {
    for (const bool found_by_interrupt : {true, false}) {
        TestEnvironment world;
        FakeDevice device_chip(world);
        auto device = Device::open(device_chip, world, {}).value();
        TestOperation operation;
        ASSERT_TRUE(device->queue_pair(0).submit({}, operation));
        device_chip.vanish();
        if (found_by_interrupt) {
            device_chip.send_interrupt(spec::error_vector);
        } else {
            EXPECT_EQ(device->read_statistics().operations, 0u);
        }
        world.run_ready();
        EXPECT_EQ(operation.completions, 1);
        EXPECT_EQ(operation.last.status, Errc::dead);
        const auto accesses = device_chip.mmio_accesses();
        EXPECT_EQ(device->queue_pair(0).submit({}, operation).error(), Errc::dead);
        EXPECT_EQ(device->read_statistics().operations, 0u);
        device.reset();
        EXPECT_EQ(device_chip.mmio_accesses(), accesses);
        EXPECT_EQ(device_chip.mappings(), 0u);
    }
}

}  // namespace
}  // namespace ringside::testing
