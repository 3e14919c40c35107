// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The libFuzzer target: device_fuzzer [-max_total_time=SECONDS] [CORPUS]. A crash leaves a file,
// which device_fuzzer FILE replays; it then belongs into tests/fuzz/corpus. On which terms a
// program runs depends on its length.

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>

#include "device_program.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ringside::testing;
    const DeviceTerms& terms = device_terms[size % std::size(device_terms)];
    run_device_program(std::as_bytes(std::span(data, size)), terms);
    return 0;
}
