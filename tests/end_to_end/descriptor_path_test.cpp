// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Everything that matters crosses as descriptors and DMA: what is changed in memory between the
// doorbell and the fetch changes the result, what is unmapped faults.

#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "ringside/driver/queued_submit.hpp"
#include "ringside/sim/live_platform.hpp"
#include "ringside/testing/accelerator.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside {
namespace {

using driver::CipherBuffers;
using driver::Completion;
using driver::Direction;
using testing::Accelerator;
using testing::RecordedOperation;

constexpr std::size_t length = 64;

/// One AES-CBC encryption whose memory a test tampers with while the device has only seen the
/// doorbell. Cooperative: no time passes before the test waits.
class DescriptorPath : public ::testing::Test {
  protected:
    DescriptorPath() {
        for (std::size_t i = 0; i < length; ++i) {
            source.bytes()[i] = static_cast<std::byte>(i);
        }
        session = machine.create_session(spec::Algorithm::aes_cbc, key);
        untouched = run([] {});
        EXPECT_FALSE(untouched.status);
        expected.assign(target.bytes().begin(), target.bytes().end());
    }

    template <typename Tamper>
    Completion run(Tamper tamper) {
        RecordedOperation operation(machine.environment());
        const CipherBuffers buffers{source.iova(), length, target.iova(), length};
        const auto request = driver::aes_cbc(Direction::encrypt, session, buffers, iv);
        EXPECT_TRUE(machine.queue().submit(request, operation).has_value());
        tamper();
        return operation.wait();
    }
    bool output_is_as_expected() const {
        return std::equal(expected.begin(), expected.end(), target.bytes().begin());
    }

    Accelerator machine{{.interleaving = sim::Interleaving::cooperative}, {.ring_entries = 8}};
    std::array<std::byte, 16> key{};
    std::array<std::byte, 16> iv{};
    driver::DmaBuffer source = machine.device->dma().allocate(length).value();
    driver::DmaBuffer target = machine.device->dma().allocate(length).value();
    std::uint32_t session = 0;
    Completion untouched;
    std::vector<std::byte> expected;
};

TEST_F(DescriptorPath, TheSameRequestTwiceGivesTheSameBytes) {
    EXPECT_FALSE(run([] {}).status);
    EXPECT_TRUE(output_is_as_expected());
}

TEST_F(DescriptorPath, AFlippedPayloadBitChangesTheResult) {
    EXPECT_FALSE(run([this] { source.bytes()[5] ^= std::byte{1}; }).status);
    EXPECT_FALSE(output_is_as_expected());
}

TEST_F(DescriptorPath, AFlippedKeyBitChangesTheResult) {
    const driver::SessionSpec spec{.algorithm = spec::Algorithm::aes_cbc, .key = key};
    auto parameters = machine.device->dma().allocate(spec.size()).value();
    driver::write_session_parameters(parameters.bytes(), spec);
    RecordedOperation operation(machine.environment());
    ASSERT_TRUE(machine.device->admin()
                    .submit(driver::session_create(parameters.iova(), spec.size()), operation)
                    .has_value());
    parameters.bytes()[sizeof(spec::SessionParameters)] ^= std::byte{1};
    session = operation.wait().result;
    EXPECT_FALSE(run([] {}).status);
    EXPECT_FALSE(output_is_as_expected());
}

TEST_F(DescriptorPath, AnUnmappedSourceFaults) {
    std::vector<std::byte> memory(length);
    const auto iova =
        machine.platform->link().dma_map(memory, driver::DmaDirection::to_device).value();
    RecordedOperation operation(machine.environment());
    const CipherBuffers buffers{iova, length, target.iova(), length};
    const auto request = driver::aes_cbc(Direction::encrypt, session, buffers, iv);
    ASSERT_TRUE(machine.queue().submit(request, operation).has_value());
    machine.platform->link().dma_unmap(iova);
    EXPECT_EQ(operation.wait().status, driver::Errc::dma_fault);
}

TEST_F(DescriptorPath, MemoryThatTheDeviceHasUsedFaultsOnceItIsUnmapped) {
    std::vector<std::byte> memory(length);
    auto& link = machine.platform->link();
    const auto iova = link.dma_map(memory, driver::DmaDirection::bidirectional).value();
    const auto request =
        driver::aes_cbc(driver::Direction::encrypt, session, {iova, length, iova, length}, iv);
    for (int round = 0; round < 3; ++round) {
        RecordedOperation operation(machine.environment());
        ASSERT_TRUE(machine.queue().submit(request, operation).has_value());
        EXPECT_FALSE(operation.wait().status);
    }
    link.dma_unmap(iova);
    const auto before = memory;
    RecordedOperation operation(machine.environment());
    ASSERT_TRUE(machine.queue().submit(request, operation).has_value());
    EXPECT_EQ(operation.wait().status, driver::Errc::dma_fault);
    EXPECT_EQ(memory, before);
}

TEST_F(DescriptorPath, AWrongDirectionFaults) {
    std::vector<std::byte> memory(length);
    const auto iova =
        machine.platform->link().dma_map(memory, driver::DmaDirection::to_device).value();
    RecordedOperation operation(machine.environment());
    const CipherBuffers buffers{source.iova(), length, iova, length};
    const auto request = driver::aes_cbc(Direction::encrypt, session, buffers, iv);
    ASSERT_TRUE(machine.queue().submit(request, operation).has_value());
    EXPECT_EQ(operation.wait().status, driver::Errc::dma_fault);
    machine.platform->link().dma_unmap(iova);
}

TEST_F(DescriptorPath, AHostAddressIsNoDeviceAddress) {
    RecordedOperation operation(machine.environment());
    const driver::Iova host{reinterpret_cast<std::uintptr_t>(source.bytes().data())};
    const CipherBuffers buffers{host, length, target.iova(), length};
    const auto request = driver::aes_cbc(Direction::encrypt, session, buffers, iv);
    ASSERT_TRUE(machine.queue().submit(request, operation).has_value());
    EXPECT_EQ(operation.wait().status, driver::Errc::dma_fault);
}

/// The chip works on it in its own thread, with direct access to what is mapped.
TEST(LiveDescriptorPath, MemoryIsLeftAloneFromTheMomentItIsUnmapped) {
    const auto platform = sim::LivePlatform::create({.seed = testing::seed()}).value();
    auto& link = platform->link();
    auto& environment = platform->environment();
    const auto device = driver::Device::open(link, environment, {.ring_entries = 16}).value();
    const std::array<std::byte, 16> key{};
    const driver::SessionSpec spec{.algorithm = spec::Algorithm::aes_cbc, .key = key};
    auto parameters = device->dma().allocate(spec.size()).value();
    driver::write_session_parameters(parameters.bytes(), spec);
    const auto session =
        driver::submit_and_wait(device->admin(), environment,
                                driver::session_create(parameters.iova(), spec.size()))
            .result;
    for (int round = 0; round < 100; ++round) {
        std::vector<std::byte> memory(4096);
        const auto size = static_cast<std::uint32_t>(memory.size());
        const auto iova = link.dma_map(memory, driver::DmaDirection::bidirectional).value();
        const auto request =
            driver::aes_cbc(Direction::encrypt, session, {iova, size, iova, size}, key);
        std::deque<RecordedOperation> operations;
        for (int i = 0; i < 8; ++i) {
            auto& operation = operations.emplace_back(environment);
            ASSERT_TRUE(device->queue_pair(0).submit(request, operation).has_value());
        }
        operations.front().wait();
        operations.pop_front();
        link.dma_unmap(iova);
        const auto at_unmapping = memory;
        for (auto& operation : operations) {
            const auto status = operation.wait().status;
            EXPECT_TRUE(!status || status == driver::Errc::dma_fault) << status.message();
        }
        ASSERT_EQ(memory, at_unmapping);
    }
    device->close();
}

}  // namespace
}  // namespace ringside
