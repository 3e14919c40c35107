// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// DMA memory: classes, recycling, cleansing, bounds.

#include "ringside/driver/dma_pool.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <vector>

#include "fake_device.hpp"
#include "test_environment.hpp"

namespace ringside::driver {
namespace {

struct DmaPoolTest : ::testing::Test {
    testing::TestEnvironment environment;
    testing::FakeDevice device{environment};
    DmaPool pool{device, environment, std::size_t{4} << 20};
};

bool all_zero(const DmaBuffer& buffer) {
    return std::all_of(buffer.bytes().begin(), buffer.bytes().end(),
                       [](std::byte byte) { return byte == std::byte{0}; });
}

TEST_F(DmaPoolTest, BuffersOfEverySizeAreReachableAndApart) {
    std::vector<DmaBuffer> buffers;
    std::set<std::uint64_t> starts;
    for (const std::size_t size : {0u, 1u, 255u, 256u, 257u, 4096u, 65537u, 1u << 20}) {
        auto buffer = pool.allocate(size);
        ASSERT_TRUE(buffer) << size;
        EXPECT_EQ(buffer->bytes().size(), size);
        EXPECT_TRUE(all_zero(*buffer));
        EXPECT_TRUE(device.is_mapped(buffer->iova()));
        std::memset(buffer->bytes().data(), 0xA5, size);
        EXPECT_TRUE(starts.insert(buffer->iova().value).second);
        buffers.push_back(std::move(*buffer));
    }
    for (const auto& buffer : buffers) {
        EXPECT_TRUE(std::all_of(buffer.bytes().begin(), buffer.bytes().end(),
                                [](std::byte byte) { return byte == std::byte{0xA5}; }));
    }
}

TEST_F(DmaPoolTest, ABufferComesBackZeroedAndIsUsedAgainWithoutAnotherMapping) {
    auto first = pool.allocate(1000).value();
    std::memset(first.bytes().data(), 0xA5, first.bytes().size());
    const Iova iova = first.iova();
    const auto mappings = device.mappings();
    first = DmaBuffer();
    auto second = pool.allocate(1024).value();
    EXPECT_EQ(second.iova(), iova);
    EXPECT_TRUE(all_zero(second));
    EXPECT_EQ(device.mappings(), mappings);
}

TEST_F(DmaPoolTest, AMovedBufferIsGivenBackOnce) {
    auto first = pool.allocate(300).value();
    DmaBuffer second = std::move(first);
    EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): what a move leaves is the point
    EXPECT_TRUE(second);
    auto& alias = second;
    second = std::move(alias);
    EXPECT_TRUE(second);
}

TEST_F(DmaPoolTest, LimitsAreErrorsAndNothingIsLost) {
    EXPECT_EQ(pool.allocate(DmaPool::largest_block + 1).error(), Errc::invalid_request);
    std::vector<DmaBuffer> buffers;
    buffers.reserve(2);
    for (int i = 0; i < 2; ++i) {
        buffers.push_back(pool.allocate(DmaPool::largest_block).value());
    }
    EXPECT_EQ(pool.allocate(1).error(), Errc::out_of_dma_memory);
    buffers.pop_back();
    EXPECT_TRUE(pool.allocate(DmaPool::largest_block));
}

TEST_F(DmaPoolTest, APlatformWithoutMappingsLeftIsAnError) {
    device.mapping_limit = 0;
    EXPECT_EQ(pool.allocate(1).error(), Errc::out_of_dma_memory);
    device.mapping_limit = 1;
    EXPECT_TRUE(pool.allocate(1));
}

TEST_F(DmaPoolTest, ImportedMemoryIsReachableAsItIsAndLeftAsItIs) {
    std::vector<std::byte> memory(1000, std::byte{0x5A});
    {
        const auto buffer = pool.import_memory(memory).value();
        EXPECT_EQ(buffer.bytes().data(), memory.data());
        EXPECT_TRUE(device.is_mapped(buffer.iova()));
        EXPECT_TRUE(device.is_mapped(buffer.iova() + 999));
        EXPECT_FALSE(device.is_mapped(buffer.iova() + 1000));
    }
    EXPECT_EQ(device.mappings(), 0u);
    EXPECT_EQ(memory, std::vector<std::byte>(1000, std::byte{0x5A}));
}

TEST_F(DmaPoolTest, ImportFailsAsTheLinkSays) {
    std::vector<std::byte> memory(10);
    device.mapping_limit = 0;
    EXPECT_EQ(pool.import_memory(memory).error(),
              make_error_code(boost::system::errc::not_enough_memory));
}

TEST(DmaPool, UnmapsEverythingAtTheEnd) {
    testing::TestEnvironment environment;
    testing::FakeDevice device(environment);
    {
        DmaPool pool(device, environment);
        (void)pool.allocate(1);
        (void)pool.allocate(100'000);
        EXPECT_EQ(device.mappings(), 2u);
    }
    EXPECT_EQ(device.mappings(), 0u);
}

}  // namespace
}  // namespace ringside::driver
