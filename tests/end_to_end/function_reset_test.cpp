// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// A function-level reset under a running driver: what was under way ends once, and the next driver
// finds a function that works.

#include <gtest/gtest.h>

#include "ringside/sim/fault_plan.hpp"
#include "ringside/testing/accelerator.hpp"

namespace ringside {
namespace {

using testing::Accelerator;
using testing::RecordedOperation;

constexpr std::array<std::byte, 16> key{};
constexpr std::size_t length = 64;

struct FunctionReset : ::testing::Test {
    Accelerator machine{{.seed = testing::seed()}, {.ring_entries = 8}};

    /// Submits an encryption of `length` zero bytes in place.
    void submit(RecordedOperation& operation, const driver::DmaBuffer& data) {
        const std::uint32_t session = machine.create_session(spec::Algorithm::aes_cbc, key);
        const driver::CipherBuffers buffers{data.iova(), length, data.iova(), length};
        const auto request = driver::aes_cbc(driver::Direction::encrypt, session, buffers, key);
        ASSERT_TRUE(machine.queue().submit(request, operation).has_value());
    }
    driver::DmaBuffer allocate() { return machine.device->dma().allocate(length).value(); }
};

TEST_F(FunctionReset, LeavesNothingOfWhatWasUnderWayAndTheDriverNotices) {
    RecordedOperation operation(machine.environment());
    const driver::DmaBuffer data = allocate();
    submit(operation, data);
    machine.platform->reset_function();
    machine.platform->run_until_idle();
    EXPECT_EQ(operation.completions(), 1);
    EXPECT_EQ(operation.completion()->status, driver::Errc::aborted);
    EXPECT_EQ(data.bytes()[0], std::byte{0}) << "the device wrote after its reset";
    EXPECT_EQ(machine.device->health(), driver::DeviceHealth::working);
    EXPECT_EQ(machine.device->recovery_counters().device_resets, 1u);
}

TEST_F(FunctionReset, LeavesTheFunctionReadyForTheNextDriver) {
    machine.platform->reset_function();
    machine.device->close();
    machine.device.reset();
    machine.device =
        driver::Device::open(machine.platform->link(), machine.environment(), {.ring_entries = 8})
            .value();
    RecordedOperation operation(machine.environment());
    const driver::DmaBuffer data = allocate();
    submit(operation, data);
    EXPECT_FALSE(operation.wait().status);
    EXPECT_NE(data.bytes()[0], std::byte{0});
}

TEST_F(FunctionReset, BringsBackWhatALostLinkTookAlong) {
    {
        sim::inject(machine.platform->link(), {.kind = spec::FaultKind::lose_link, .queue = 1}, 0);
        RecordedOperation operation(machine.environment());
        const driver::DmaBuffer data = allocate();
        submit(operation, data);
        machine.platform->run_until_idle();
        EXPECT_EQ(machine.platform->link().mmio_read32(spec::at("ID").of()), 0xFFFFFFFFu);
        machine.platform->reset_function();
        EXPECT_EQ(machine.platform->link().mmio_read32(spec::at("ID").of()), spec::device_id);
        machine.device->close();
    }
    machine.device.reset();
    machine.device =
        driver::Device::open(machine.platform->link(), machine.environment(), {.ring_entries = 8})
            .value();
    RecordedOperation operation(machine.environment());
    const driver::DmaBuffer data = allocate();
    submit(operation, data);
    EXPECT_FALSE(operation.wait().status) << "its interrupt has come";
}

}  // namespace
}  // namespace ringside
