// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Where the stacks of jobs come from: what two of them share, what lies below each, and when
// their memory goes back to the system.

#include "stack_slab.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <vector>

namespace ringside::async {
namespace {

constexpr std::size_t slab_stacks = 64;

bool mapped(std::byte* page) {
    unsigned char resident = 0;
    return mincore(page, 1, &resident) == 0 || errno != ENOMEM;
}

bool resident(std::byte* page) {
    unsigned char resident = 0;
    return mincore(page, 1, &resident) == 0 && (resident & 1) != 0;
}

class StackSlabsTest : public ::testing::Test {
  protected:
    std::vector<StackSlabs::Stack> take(std::size_t count) {
        std::vector<StackSlabs::Stack> stacks;
        for (std::size_t i = 0; i != count; ++i) {
            stacks.push_back(slabs_.take());
            EXPECT_NE(stacks.back().bottom, nullptr);
        }
        return stacks;
    }
    void give_back(const std::vector<StackSlabs::Stack>& stacks) {
        for (const auto& stack : stacks) {
            slabs_.give_back(stack.bottom, stack.owner);
        }
    }

    StackSlabs slabs_;
};

TEST_F(StackSlabsTest, StacksDoNotOverlapAndAreUsableToTheLastByte) {
    const auto stacks = take(3 * slab_stacks);
    std::set<const std::byte*> ends;
    for (const auto& stack : stacks) {
        EXPECT_GE(stack.size, job_stack_size);
        std::memset(stack.bottom, 0x5a, stack.size);
        const auto above = ends.upper_bound(stack.bottom);
        if (above != ends.end()) {
            EXPECT_GE(*above, stack.bottom + stack.size + job_stack_guard);
        }
        ends.insert(stack.bottom + stack.size);
    }
    EXPECT_EQ(ends.size(), stacks.size());
    give_back(stacks);
}

TEST_F(StackSlabsTest, UpperEndsSpreadOverThePageAndAShallowStackTouchesOnePage) {
    const auto stacks = take(slab_stacks);
    std::set<std::uintptr_t> offsets;
    for (const auto& stack : stacks) {
        const auto offset = reinterpret_cast<std::uintptr_t>(stack.bottom + stack.size) % 4096;
        EXPECT_EQ(offset % 64, 0U);
        EXPECT_GE(offset, 2048U);
        offsets.insert(offset);
    }
    EXPECT_EQ(offsets.size(), 16U);
    give_back(stacks);
}

TEST_F(StackSlabsTest, AStackGivenBackIsTheNextTaken) {
    auto stacks = take(2 * slab_stacks);
    for (const std::size_t index : {5U, 70U, 127U}) {
        slabs_.give_back(stacks[index].bottom, stacks[index].owner);
        const auto again = slabs_.take();
        EXPECT_EQ(again.bottom, stacks[index].bottom) << index;
        EXPECT_EQ(again.size, stacks[index].size) << index;
        stacks[index] = again;
    }
    give_back(stacks);
}

TEST_F(StackSlabsTest, UnusedSlabsAreKeptUpToABoundAllButTheLastWithoutTheirMemory) {
    constexpr std::size_t beyond = 2;
    const auto stacks = take((StackSlabs::most_unused + beyond) * slab_stacks);
    for (const auto& stack : stacks) {
        *stack.bottom = std::byte{1};
    }
    give_back(stacks);
    std::size_t kept = 0;
    std::size_t occupied = 0;
    for (const auto& stack : stacks) {
        kept += mapped(stack.bottom) ? 1 : 0;
        occupied += resident(stack.bottom) ? 1 : 0;
    }
    EXPECT_EQ(kept, StackSlabs::most_unused * slab_stacks);
    EXPECT_EQ(occupied, slab_stacks);
    const auto again = take(1);
    EXPECT_TRUE(resident(again.front().bottom)) << "one without memory was preferred";
    give_back(again);
}

TEST(StackSlabsEnd, StacksStillTakenStayMapped) {
    std::byte* taken = nullptr;
    std::byte* returned = nullptr;
    {
        StackSlabs slabs;
        std::vector<StackSlabs::Stack> stacks;
        for (std::size_t i = 0; i != slab_stacks + 1; ++i) {
            stacks.push_back(slabs.take());
        }
        taken = stacks.front().bottom;
        returned = stacks.back().bottom;
        std::memset(taken, 1, 64);
        slabs.give_back(returned, stacks.back().owner);
    }
    EXPECT_EQ(std::to_integer<int>(taken[63]), 1);
    EXPECT_FALSE(mapped(returned));
}

}  // namespace
}  // namespace ringside::async
