// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The option that says in which kind of time a machine runs.

#include <CLI/CLI.hpp>
#include <cstdint>

namespace ringside::tools {

enum class TimeKind : std::uint8_t { virtual_time, live };

const char* name_of(TimeKind time);

/// The option's target must live until the arguments are parsed.
void add_time_option(CLI::App& command, TimeKind& time);

}  // namespace ringside::tools
