// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "machine_options.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "arguments.hpp"

namespace ringside::tools {

const char* name_of(TimeKind time) {
    return time == TimeKind::virtual_time ? "virtual" : "live";
}

void add_time_option(CLI::App& command, TimeKind& time) {
    add_choice<TimeKind>(command, "--time", time,
                         {{"virtual", TimeKind::virtual_time}, {"live", TimeKind::live}},
                         "deterministic, or with threads");
}

CLI::Option* add_chip_option(CLI::App& command, const core::Chip*& chip) {
    std::vector<std::pair<std::string, const core::Chip*>> choices;
    std::string help = "which chip:";
    for (const core::Chip& each : core::chips()) {
        choices.emplace_back(each.name, &each);
        help += fmt::format("\n{}: {}", each.name, each.description);
    }
    return add_choice<const core::Chip*>(command, "--chip", chip, choices, help);
}

}  // namespace ringside::tools
