// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// ASYNC_set_mem_functions(3) of OpenSSL 3.2: the application's own stacks. What it sets holds for
// the whole process, so this is one story in a program of its own.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "async_fixture.hpp"

namespace ringside::testing {
namespace {

struct Stack {
    std::uintptr_t bottom;
    std::size_t size;
};
std::vector<Stack> stacks;
std::size_t asked_for = 0;
bool out_of_memory = false;

void* allocate(std::size_t* size) {
    asked_for = *size;
    if (out_of_memory) {
        return nullptr;
    }
    *size *= 4;
    void* memory = std::aligned_alloc(4096, *size);
    stacks.push_back({reinterpret_cast<std::uintptr_t>(memory), *size});
    return memory;
}

void release(void* memory) {
    EXPECT_EQ(stacks.back().bottom, reinterpret_cast<std::uintptr_t>(memory));
    stacks.pop_back();
    std::free(memory);
}

TEST(MemFunctions, AreSetOnceAndServeEveryStackFromThenOn) {
    ASYNC_stack_alloc_fn alloc_fn = nullptr;
    ASYNC_stack_free_fn free_fn = nullptr;
    ASYNC_get_mem_functions(&alloc_fn, &free_fn);
    ASSERT_NE(alloc_fn, nullptr);
    ASSERT_NE(free_fn, nullptr);
    std::size_t size = 100;
    free_fn(alloc_fn(&size));  // they can be wrapped
    ASYNC_get_mem_functions(nullptr, nullptr);

    // Null leaves that one as it is.
    EXPECT_EQ(ASYNC_set_mem_functions(&allocate, nullptr), 1);
    EXPECT_EQ(ASYNC_set_mem_functions(nullptr, &release), 1);
    ASYNC_get_mem_functions(&alloc_fn, &free_fn);
    EXPECT_EQ(alloc_fn, &allocate);
    EXPECT_EQ(free_fn, &release);

    Job job([] {
        char local = 0;
        const auto address = reinterpret_cast<std::uintptr_t>(&local);
        ASYNC_pause_job();
        return address - stacks.front().bottom < stacks.front().size ? 1 : 0;
    });
    ASSERT_EQ(job.run(), ASYNC_PAUSE);
    EXPECT_EQ(asked_for, 32768U);
    ASSERT_EQ(stacks.size(), 1U);
    EXPECT_EQ(ASYNC_set_mem_functions(&allocate, &release), 0);  // too late

    out_of_memory = true;
    Job none([] { return 1; });
    EXPECT_EQ(none.run(), ASYNC_NO_JOBS);
    EXPECT_EQ(none.handle, nullptr);
    out_of_memory = false;

    ASSERT_EQ(job.run(), ASYNC_FINISH);
#if !defined(__SANITIZE_ADDRESS__)  // with it locals may live elsewhere
    EXPECT_EQ(job.result, 1);
#endif
    EXPECT_EQ(stacks.size(), 1U);  // pooled
    ASYNC_cleanup_thread();
    EXPECT_EQ(stacks.size(), 0U);
    EXPECT_EQ(ASYNC_set_mem_functions(&allocate, &release), 0);  // for ever
}

}  // namespace
}  // namespace ringside::testing
