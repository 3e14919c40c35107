// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// main() of every test program: GoogleTest's, plus --seed N and the seed of a failure.

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <string_view>

#include "ringside/testing/seed.hpp"

namespace ringside::testing {
namespace {

std::uint64_t the_seed = 1;

class SeedPrinter : public ::testing::EmptyTestEventListener {
    void OnTestPartResult(const ::testing::TestPartResult& result) override {
        if (result.failed()) {
            std::cout << "replay with: --seed " << the_seed << '\n';
        }
    }
};

}  // namespace

std::uint64_t seed() {
    return the_seed;
}

}  // namespace ringside::testing

int main(int argc, char** argv) {
    ::testing::InitGoogleTest(&argc, argv);
    for (int i = 1; i < argc; i += 2) {
        const bool is_seed = std::string_view(argv[i]) == "--seed" && i + 1 < argc;
        char* end = nullptr;
        if (is_seed) {
            ringside::testing::the_seed = std::strtoull(argv[i + 1], &end, 10);
        }
        if (!is_seed || end == argv[i + 1] || *end != '\0') {
            std::cerr << argv[0] << ": unknown argument '" << argv[i]
                      << "'; allowed: --seed N and GoogleTest's own (--help)\n";
            return 2;
        }
    }
    ::testing::UnitTest::GetInstance()->listeners().Append(
        new ringside::testing::SeedPrinter);  // NOLINT(cppcoreguidelines-owning-memory): gtest owns
                                              // it
    return RUN_ALL_TESTS();
}
