// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Runs the built `ringside` program as a user does, for the tests of its subcommands.

#include <string>
#include <utility>
#include <vector>

#include "ringside/testing/process.hpp"

namespace ringside::testing {

/// Runs `ringside arguments...` to its end. With `out_file`, standard output goes there instead.
inline ProcessResult run_program(std::vector<std::string> arguments,
                                 const char* out_file = nullptr) {
    arguments.insert(arguments.begin(), RINGSIDE_PROGRAM);
    return run_process(arguments, {}, out_file);
}

}  // namespace ringside::testing
