// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// `ringside bench`: how fast the modelled chip is, and how fast this host simulates it, through
// the driver, in the columns of dpdk-test-crypto-perf.

#include <CLI/CLI.hpp>

namespace ringside::tools {

void add_bench_command(CLI::App& program, int& exit_code);

}  // namespace ringside::tools
