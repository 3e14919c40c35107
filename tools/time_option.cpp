// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "time_option.hpp"

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

}  // namespace ringside::tools
