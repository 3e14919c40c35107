// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Values of an option that is swept, as dpdk-test-crypto-perf takes them: one number, a list
// (64,128,1024) or a range (min:inc:max).

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace ringside::tools::bench {

/// Bounds for one value, and what it must be a power of.
struct Allowed {
    std::uint32_t low;
    std::uint32_t high;
    bool power_of_two = false;
};

inline constexpr std::size_t most_values = 1024;

/// CLI::ValidationError, one line that names the value and what is allowed.
std::vector<std::uint32_t> parse_sweep(const std::string& option, const std::string& text,
                                       const Allowed& allowed);

/// `values` must live until the arguments are parsed.
CLI::Option* add_sweep(CLI::App& command, const std::string& names,
                       std::vector<std::uint32_t>& values, const Allowed& allowed,
                       const std::string& description);

}  // namespace ringside::tools::bench
