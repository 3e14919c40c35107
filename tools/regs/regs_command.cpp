// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "regs/regs_command.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "chip_option.hpp"
#include "regs/config_dump.hpp"
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
    const auto config = std::make_shared<bool>(false);
    command
        ->add_flag("--config", *config,
                   "instead the PCI configuration space as a kernel leaves it to a driver, in "
                   "hexadecimal, for lspci -F")
        ->excludes("--format");
    const auto chip = std::make_shared<const core::Chip*>(core::chips().data());
    add_chip_option(*command, *chip)->needs("--config");
    command->callback([format, config, chip, &exit_code] {
        const auto text = *config ? config_space_as_hex((*chip)->config()) : (*format)();
        std::fputs(text.c_str(), stdout);
        exit_code = 0;
    });
}

}  // namespace ringside::tools
