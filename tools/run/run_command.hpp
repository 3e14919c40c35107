// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// `ringside run`: the main job on the command line.

#include <CLI/App.hpp>

namespace ringside::tools {

/// Adds the subcommand. It exits with 0 if every byte was right, 1 on a mismatch, 2 on wrong
/// arguments or an unusable file.
void add_run_command(CLI::App& program, int& exit_code);

}  // namespace ringside::tools
