// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The driver on a hostile device without the fuzzer: programs drawn from the seed, and those that
// once broke something. A crash is the failure.

#include "driver_program.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "ringside/base/prng.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::testing {
namespace {

TEST(HostileDevices, DrawnAtRandomBreakNothing) {
    Prng stream(seed(), "driver programs");
    for (int i = 0; i < 2000; ++i) {
        std::vector<std::byte> program(stream.below(2048));
        stream.fill(program);
        run_driver_program(program);
    }
}

TEST(HostileDevices, ThatOnceBrokeSomethingBreakNothing) {
    std::size_t programs = 0;
    for (const auto& file : std::filesystem::directory_iterator(RINGSIDE_DRIVER_CORPUS)) {
        std::ifstream stream(file.path(), std::ios::binary);
        const std::string bytes(std::istreambuf_iterator<char>(stream), {});
        SCOPED_TRACE(file.path());
        run_driver_program(std::as_bytes(std::span(bytes)));
        ++programs;
    }
    EXPECT_GT(programs, 0u);
}

}  // namespace
}  // namespace ringside::testing
