// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The fuzzer's programs without the fuzzer: drawn from the seed, and those that once broke
// something. A crash is the failure.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "device_program.hpp"
#include "ringside/base/prng.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::testing {
namespace {

TEST(DevicePrograms, DrawnAtRandomBreakNothing) {
    Prng stream(seed(), "device programs");
    for (int i = 0; i < 2000; ++i) {
        std::vector<std::byte> program(stream.below(4096));
        stream.fill(program);
        run_device_program(program);
    }
}

TEST(DevicePrograms, ThatOnceBrokeSomethingBreakNothing) {
    std::size_t programs = 0;
    for (const auto& file : std::filesystem::directory_iterator(RINGSIDE_FUZZ_CORPUS)) {
        std::ifstream stream(file.path(), std::ios::binary);
        const std::string bytes(std::istreambuf_iterator<char>(stream), {});
        run_device_program(std::as_bytes(std::span(bytes)));
        ++programs;
    }
    EXPECT_GT(programs, 0u);
}

}  // namespace
}  // namespace ringside::testing
