// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The ten bugs of ring-full, a scenario each: what an application does on the chip in virtual time,
// where one seed is one interleaving, and what must then hold. A scenario sees the driver from
// outside, by its public face alone. The shipped driver passes them all; each rule of
// driver/src/ring_rules.hpp, made wrong, is found by one of them (docs/driver.md).

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ringside::testing {

/// Hears what does not hold.
class Verdict {
  public:
    /// `problem` depends on the seed alone.
    virtual void broken(const std::string& problem) = 0;

  protected:
    ~Verdict() = default;
};

struct Scenario {
    int bug;  ///< its number in docs/driver.md
    std::string_view name;
    unsigned seeds;  ///< within so many a driver that has the bug is found
    /// Says how often the moment came in which the bug would bite.
    std::uint64_t (*run)(std::uint64_t seed, Verdict& verdict);
};

std::span<const Scenario> scenarios();

}  // namespace ringside::testing
