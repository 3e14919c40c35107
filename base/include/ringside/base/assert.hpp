// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Assertions on our own invariants. They stay on in release builds: when one fails, the process
// prints what was expected, the values, and the trace's dump (seed, registers, rings, last 200
// events) on stderr, and aborts. Never for what a guest, a peer or a user did: that is answered
// with a typed error.

#include "ringside/base/trace.hpp"

namespace ringside {

/// Prints the report and aborts; `trace` may be null where none is at hand.
[[noreturn, gnu::cold, gnu::format(printf, 5, 6)]] void assertion_failed(const Trace* trace,
                                                                         const char* expression,
                                                                         const char* file, int line,
                                                                         const char* format, ...);

}  // namespace ringside

/// RINGSIDE_ASSERT(trace, condition, "printf format", values...): `trace` is the Trace to dump.
#define RINGSIDE_ASSERT(trace, condition, ...)                                                   \
    do {                                                                                         \
        if (!(condition)) [[unlikely]] {                                                         \
            ::ringside::assertion_failed(&(trace), #condition, __FILE__, __LINE__, __VA_ARGS__); \
        }                                                                                        \
    } while (false)
