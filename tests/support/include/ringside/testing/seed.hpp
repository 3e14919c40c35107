// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The seed of a test program's run: --seed N on its command line, else 1. A failing test prints it.

#include <cstdint>

namespace ringside::testing {

std::uint64_t seed();

}  // namespace ringside::testing
