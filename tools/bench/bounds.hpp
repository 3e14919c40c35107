// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// `ringside bench --bounds`: what we hold ourselves to, measured in one run beside a plain
// libcrypto loop over the same payload, in turns, so that what the host adds to both cancels out.
// What runs on one thread is measured in CPU time, the rest in wall time.

#include <cstdint>

#include "options.hpp"

namespace ringside::tools::bench {

struct BoundsSettings {
    std::uint64_t operations = 200'000;  ///< of a measurement; the longest run has 50 times as many
    unsigned rounds = 5;  ///< of each pair of measurements; the best of each side counts
    std::uint64_t seed = 1;
    Format format = Format::table;
};

/// Prints what was measured, and whether every bound that applies here holds.
bool measure_bounds(const BoundsSettings& settings);

}  // namespace ringside::tools::bench
