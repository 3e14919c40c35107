// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// --chip, which chips there are and what they are: for every subcommand that has a simulated one.

#include <string>
#include <utility>
#include <vector>

#include "arguments.hpp"
#include "ringside/core/chips.hpp"

namespace ringside::tools {

/// `chip` must live until the arguments are parsed; it holds the default.
inline CLI::Option* add_chip_option(CLI::App& command, const core::Chip*& chip) {
    std::vector<std::pair<std::string, const core::Chip*>> choices;
    std::string help = "which chip:";
    for (const core::Chip& candidate : core::chips()) {
        choices.emplace_back(candidate.name, &candidate);
        help += fmt::format("\n{}: {}", candidate.name, candidate.description);
    }
    return add_choice<const core::Chip*>(command, "--chip", chip, choices, help);
}

}  // namespace ringside::tools
