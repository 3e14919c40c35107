// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Row 38: the n-th allocation of an operation fails, for every n. Each time the operation fails
// cleanly or succeeds, and the next one works.

#include <new>

#include "module_process.hpp"

namespace {

/// How many more allocations of this thread succeed; negative: all.
thread_local int allocations_left = -1;

}  // namespace

// The module's, too: the program's symbols stand before the libraries'.
[[gnu::noinline]] void* operator new(std::size_t size) {
    if (allocations_left == 0) {
        throw std::bad_alloc();
    }
    allocations_left -= allocations_left > 0 ? 1 : 0;
    if (void* memory = std::malloc(size == 0 ? 1 : size)) {
        return memory;
    }
    throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
    try {
        return operator new(size);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/) noexcept {
    std::free(memory);
}

namespace ringside {
namespace {

using testing::Block;
using testing::encrypt;
using testing::in_child;
using testing::LoadedProvider;
using testing::require;
using testing::TestJob;

/// Lets the n-th allocation of each run of `operation` fail, until there is no n-th.
template <typename Operation>
void fail_each(const LoadedProvider& provider, Operation operation) {
    int failures = 0;
    for (int n = 0;; ++n) {
        require(n < 1000, "an operation makes few allocations");
        allocations_left = n;
        const bool worked = operation();
        const bool has_failed = allocations_left == 0;
        allocations_left = -1;
        ERR_clear_error();
        provider.work();
        if (!has_failed) {
            require(worked, "it works with memory");
            break;
        }
        failures += worked ? 0 : 1;
    }
    require(failures >= 3, "the test reaches what it is about");
}

class Allocation : public ::testing::TestWithParam<const char*> {};

TEST_P(Allocation, Row38TheNthOfASynchronousOperationFails) {
    EXPECT_EQ(in_child([] {
                  const LoadedProvider provider;
                  provider.work();
                  const CipherHandle cipher = provider.fetch(GetParam());
                  const Block expected = testing::in_software(GetParam());
                  fail_each(provider, [&] {
                      Block out{};
                      const bool worked = encrypt(cipher.get(), out);
                      require(!worked || out == expected, "what succeeds is right");
                      return worked;
                  });
              }),
              0);
}

TEST_P(Allocation, Row38TheNthOfAJobFails) {
    EXPECT_EQ(in_child([] {
                  const LoadedProvider provider;
                  provider.work();
                  const CipherHandle cipher = provider.fetch(GetParam());
                  const Block expected = testing::in_software(GetParam());
                  fail_each(provider, [&] {
                      const int left = std::exchange(allocations_left, -1);
                      bool worked = false;
                      TestJob job([&] {
                          Block out{};
                          allocations_left = left;
                          worked = encrypt(cipher.get(), out);
                          require(!worked || out == expected, "what succeeds is right");
                      });
                      testing::finish(job);
                      return worked;
                  });
              }),
              0);
}

INSTANTIATE_TEST_SUITE_P(Aes, Allocation, ::testing::Values("AES-128-CBC", "AES-128-GCM"),
                         [](const auto& parameter) {
                             return std::string(parameter.param).substr(8);
                         });

}  // namespace
}  // namespace ringside
