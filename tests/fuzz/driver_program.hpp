// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Bytes as a life of the driver on a hostile device: what an application asks of it, what the
// device does against it, and when. Whatever they say, the driver must neither crash nor fail an
// assertion nor hang, and complete every operation that it accepted exactly once.

#include <cstddef>
#include <span>

namespace ringside::testing {

/// Runs it on a fresh device. Aborts, with a line on stderr, where the driver breaks a promise.
void run_driver_program(std::span<const std::byte> program);

}  // namespace ringside::testing
