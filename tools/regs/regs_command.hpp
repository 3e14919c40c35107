// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// `ringside regs`: the register map and the configuration space on the command line.

#include <CLI/App.hpp>

namespace ringside::tools {

void add_regs_command(CLI::App& program, int& exit_code);

}  // namespace ringside::tools
