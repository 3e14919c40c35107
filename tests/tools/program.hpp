// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Runs the built `ringside` program as a user does, for the tests of its subcommands.

#include <string>
#include <vector>

namespace ringside::testing {

struct ProgramRun {
    int exit_code = -1;  ///< 128 + signal if it did not exit
    std::string out;
    std::string err;
};

/// Runs `ringside arguments...` to its end. With `out_file`, standard output goes there instead.
ProgramRun run_program(const std::vector<std::string>& arguments, const char* out_file = nullptr);

}  // namespace ringside::testing
