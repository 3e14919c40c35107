// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The libFuzzer target: driver_fuzzer [-max_total_time=SECONDS] [CORPUS]. A crash leaves a file,
// which driver_fuzzer FILE replays; it then belongs into tests/fuzz/driver_corpus.

#include <cstddef>
#include <cstdint>

#include "driver_program.hpp"
#include "ringside/testing/seed.hpp"

std::uint64_t ringside::testing::seed() {
    return 1;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ringside::testing::run_driver_program(std::as_bytes(std::span(data, size)));
    return 0;
}
