// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The options that every subcommand with a machine has: which chip, in which kind of time.

#include <CLI/CLI.hpp>
#include <cstdint>

#include "ringside/core/chips.hpp"

namespace ringside::tools {

enum class TimeKind : std::uint8_t { virtual_time, live };

const char* name_of(TimeKind time);

/// The option's target must live until the arguments are parsed.
void add_time_option(CLI::App& command, TimeKind& time);
CLI::Option* add_chip_option(CLI::App& command, const core::Chip*& chip);

}  // namespace ringside::tools
