// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Bytes as a program that misuses the chip: register and configuration accesses of any width at any
// offset, descriptors and ring memory of any contents, rules of fault injection, time that passes.
// The fuzzer invents such bytes, a test draws them; whatever they say, the chip must neither crash
// nor fail an assertion, and end a device reset in one of the states that the datasheet knows.

#include <cstddef>
#include <cstdint>
#include <span>

namespace ringside::testing {

/// A program ends early when its chip has done so much: a few bytes can ask for storms of errors
/// and messages without end.
inline constexpr std::uint64_t most_events = 500'000;

/// Who runs the chip, and on what terms. What the chip does is the same in each.
struct DeviceTerms {
    unsigned helpers = 0;
    /// The chip works ahead as far as the program lets time pass; else one instant at a time.
    bool host_stands_still = false;
};
inline constexpr DeviceTerms device_terms[] = {{}, {0, true}, {2, true}};

struct DeviceRun {
    std::uint64_t events;  ///< that the chip recorded
    std::uint64_t hash;    ///< of them

    bool operator==(const DeviceRun&) const = default;
};

/// Runs it on a fresh chip. Aborts, with a line on stderr, where the chip breaks a promise.
DeviceRun run_device_program(std::span<const std::byte> program, DeviceTerms terms);

}  // namespace ringside::testing
