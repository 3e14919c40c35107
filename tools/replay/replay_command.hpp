// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// `ringside replay`: a recording of `ringside run --record`, once more against a fresh device, the
// driver, or both.

#include <CLI/App.hpp>

namespace ringside::tools {

/// Adds the subcommand. It exits with 0 if all was as recorded, 1 at a divergence, 2 if the file is
/// no recording, is damaged, or cannot be replayed as asked.
void add_replay_command(CLI::App& program, int& exit_code);

}  // namespace ringside::tools
