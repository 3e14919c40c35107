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

/// Runs it on a fresh chip; says how many events that recorded. Aborts, with a line on stderr,
/// where the chip breaks a promise.
std::uint64_t run_device_program(std::span<const std::byte> program);

}  // namespace ringside::testing
