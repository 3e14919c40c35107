// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The IOMMU lets the device reach what is mapped, to the byte and in the direction given, and
// nothing else.

#include "ringside/sim/iommu.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "ringside/testing/seed.hpp"

namespace ringside::sim {
namespace {

using driver::DmaDirection;
using driver::Iova;

class IommuTest : public ::testing::Test {
  protected:
    Iova map(std::span<std::byte> range, DmaDirection direction = DmaDirection::bidirectional) {
        const auto iova = iommu.map(range, direction);
        EXPECT_TRUE(iova);
        return iova ? *iova : Iova{};
    }

    Iommu iommu{testing::seed()};
    std::vector<std::byte> memory = std::vector<std::byte>(100);
    std::array<std::byte, 16> buffer{};
};

TEST_F(IommuTest, TranslatesReadsAndWritesOfEverySize) {
    const Iova iova = map(memory);
    for (std::size_t size = 1; size <= buffer.size(); ++size) {
        for (std::size_t i = 0; i < size; ++i) {
            buffer[i] = static_cast<std::byte>(size + i);
        }
        ASSERT_TRUE(iommu.write(iova.value + size, std::span(buffer).first(size)));
        for (std::size_t i = 0; i < size; ++i) {
            ASSERT_EQ(memory[size + i], buffer[i]);
        }
        std::array<std::byte, 16> back{};
        ASSERT_TRUE(iommu.read(iova.value + size, std::span(back).first(size)));
        ASSERT_TRUE(std::equal(back.begin(), back.begin() + static_cast<std::ptrdiff_t>(size),
                               buffer.begin()));
    }
}

TEST_F(IommuTest, FaultsOneByteBeforeAndOneByteBeyond) {
    const Iova iova = map(memory);
    EXPECT_FALSE(iommu.read(iova.value - 1, std::span(buffer).first(2)));
    EXPECT_TRUE(iommu.read(iova.value + 99, std::span(buffer).first(1)));
    EXPECT_FALSE(iommu.read(iova.value + 99, std::span(buffer).first(2)));
    EXPECT_FALSE(iommu.read(iova.value + 100, std::span(buffer).first(1)));
    EXPECT_FALSE(iommu.write(~std::uint64_t{0} - 3, buffer));
}

TEST_F(IommuTest, NeighboursDoNotTouch) {
    std::vector<std::byte> other(100);
    const Iova first = map(memory);
    const Iova second = map(other);
    EXPECT_FALSE(iommu.read(first.value + memory.size(), std::span(buffer).first(1)));
    EXPECT_FALSE(iommu.read(second.value - 1, std::span(buffer).first(1)));
}

TEST_F(IommuTest, DirectionIsKept) {
    const Iova in = map(memory, DmaDirection::to_device);
    EXPECT_TRUE(iommu.read(in.value, buffer));
    EXPECT_FALSE(iommu.write(in.value, buffer));
    const Iova out = map(memory, DmaDirection::from_device);
    EXPECT_FALSE(iommu.read(out.value, buffer));
    EXPECT_TRUE(iommu.write(out.value, buffer));
}

TEST_F(IommuTest, UnmappedMemoryIsOutOfReachAtOnce) {
    const Iova iova = map(memory);
    EXPECT_TRUE(iommu.unmap(iova));
    EXPECT_FALSE(iommu.read(iova.value, buffer));
    EXPECT_FALSE(iommu.unmap(iova));
    EXPECT_EQ(iommu.mapping_count(), 0u);
}

TEST_F(IommuTest, MemoryOfManyPagesThatWasUsedIsOutOfReachAsAWhole) {
    std::vector<std::byte> pages(4096 * 3);
    const Iova iova = map(pages);
    const Iova other = map(memory);
    for (std::uint64_t offset = 0; offset < pages.size(); offset += 4096) {
        EXPECT_TRUE(iommu.read(iova.value + offset, buffer));
    }
    EXPECT_TRUE(iommu.read(other.value, buffer));
    EXPECT_TRUE(iommu.unmap(iova));
    for (std::uint64_t offset = 0; offset < pages.size(); offset += 4096) {
        EXPECT_FALSE(iommu.read(iova.value + offset, buffer));
    }
    EXPECT_TRUE(iommu.read(other.value, buffer));
}

TEST_F(IommuTest, DirectMemoryIsThatOfTheMappingUntilItIsRevoked) {
    std::vector<std::uint64_t> revoked;
    iommu.on_revoke([&](const HostMemory::Direct& direct) { revoked.push_back(direct.address); });
    const Iova iova = map(memory, DmaDirection::to_device);
    const auto direct = iommu.direct(iova.value + 7);
    ASSERT_TRUE(direct);
    EXPECT_EQ(direct->address, iova.value);
    EXPECT_EQ(direct->memory.data(), memory.data());
    EXPECT_EQ(direct->memory.size(), memory.size());
    EXPECT_TRUE(direct->readable);
    EXPECT_FALSE(direct->writable);
    EXPECT_FALSE(iommu.direct(iova.value + memory.size()));
    EXPECT_TRUE(iommu.unmap(iova));
    EXPECT_EQ(revoked, std::vector<std::uint64_t>{iova.value});
    EXPECT_FALSE(iommu.direct(iova.value));
}

// A device that puts off a read must know what is written there meanwhile, by whatever address.
TEST_F(IommuTest, MemoryThatIsMappedTwiceIsNotGivenInVirtualTime) {
    Iommu alone(testing::seed(), Iommu::Threads::one);
    std::vector<std::uint64_t> revoked;
    alone.on_revoke([&](const HostMemory::Direct& direct) { revoked.push_back(direct.address); });
    const auto map_alone = [&](std::size_t from, std::size_t size) {
        return *alone.map(std::span(memory).subspan(from, size), DmaDirection::bidirectional);
    };
    const Iova first = map_alone(0, 50);
    const Iova neighbour = map_alone(50, 30);
    EXPECT_TRUE(revoked.empty());
    ASSERT_TRUE(alone.direct(first.value));
    const Iova second = map_alone(40, 10);
    EXPECT_EQ(revoked, std::vector{first.value});
    EXPECT_FALSE(alone.direct(first.value));
    EXPECT_FALSE(alone.direct(second.value));
    EXPECT_TRUE(alone.direct(neighbour.value));
    EXPECT_TRUE(alone.write(second.value, std::span(buffer).first(10)));
    EXPECT_TRUE(alone.unmap(first));
    EXPECT_TRUE(alone.direct(second.value));
}

TEST_F(IommuTest, AddressesAreAlignedSeededAndNeverHostAddresses) {
    std::vector<std::byte> ring(4096 * 64);
    const Iova iova = map(ring);
    EXPECT_EQ(iova.value % ring.size(), 0u);
    EXPECT_GE(iova.value, std::uint64_t{1} << 32);
    EXPECT_NE(iova.value, reinterpret_cast<std::uintptr_t>(ring.data()));
    Iommu other(testing::seed() + 1);
    EXPECT_NE(other.map(ring, DmaDirection::to_device)->value, iova.value);
    EXPECT_FALSE(iommu.read(reinterpret_cast<std::uintptr_t>(ring.data()), buffer));
}

TEST_F(IommuTest, RefusesEmptyRangesAndMoreThanItsLimit) {
    EXPECT_EQ(iommu.map({}, DmaDirection::to_device).error(),
              boost::system::errc::make_error_code(boost::system::errc::invalid_argument));
    for (std::size_t i = 0; i < Iommu::max_mappings; ++i) {
        map(memory);
    }
    EXPECT_EQ(iommu.map(memory, DmaDirection::to_device).error(),
              boost::system::errc::make_error_code(boost::system::errc::not_enough_memory));
}

}  // namespace
}  // namespace ringside::sim
