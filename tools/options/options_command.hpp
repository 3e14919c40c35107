// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// `ringside options`: what an operator of the OpenSSL module can set, from the table that the
// module itself reads.

#include <CLI/App.hpp>

namespace ringside::tools {

void add_options_command(CLI::App& program, int& exit_code);

}  // namespace ringside::tools
