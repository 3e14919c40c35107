// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "regs/regs_command.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "arguments.hpp"
#include "regs/formats.hpp"

namespace ringside::tools {

void add_regs_command(CLI::App& program, int& exit_code) {
    using Format = std::string (*)();
    auto* command = program.add_subcommand("regs", "Print the register map of the accelerator");
    const auto format = std::make_shared<Format>(registers_as_text);
    add_choice<Format>(*command, "--format", *format,
                       {{"text", registers_as_text},
                        {"json", registers_as_json},
                        {"md", registers_as_markdown},
                        {"c", registers_as_c_header}},
                       "as a table, JSON, the datasheet's tables, or a C header");
    command->callback([format, &exit_code] {
        std::fputs((*format)().c_str(), stdout);
        exit_code = 0;
    });
}

}  // namespace ringside::tools
