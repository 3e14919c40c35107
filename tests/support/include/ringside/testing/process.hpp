// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Runs a program to its end as a shell would and keeps what it printed, for tests at the level of
// a user's command line.

#include <string>
#include <vector>

namespace ringside::testing {

struct ProcessResult {
    int exit_code = -1;  ///< 128 + signal if it did not exit
    std::string out;
    std::string err;
};

/// Runs command[0] with the rest as its arguments; `environment`: NAME=value, besides our own.
/// With `out_file`, standard output goes there instead.
ProcessResult run_process(const std::vector<std::string>& command,
                          const std::vector<std::string>& environment = {},
                          const char* out_file = nullptr);

}  // namespace ringside::testing
