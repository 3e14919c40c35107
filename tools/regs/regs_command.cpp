// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "regs/regs_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "chip_option.hpp"
#include "regs/config_dump.hpp"
#include "regs/decode.hpp"
#include "regs/formats.hpp"

namespace ringside::tools {

namespace {

using Format = std::string (*)();

struct RegsOptions {
    Format format = registers_as_text;
    bool config = false;
    const core::Chip* chip = core::chips().data();
    std::vector<std::string> decode;
    std::string recording;
    std::string reg;
    bool json = false;
};

std::string text_of(const RegsOptions& options) {
    if (options.config) {
        return config_space_as_hex(options.chip->config());
    }
    if (!options.recording.empty()) {
        return decode_recording(options.recording, options.reg, options.json);
    }
    if (options.decode.empty()) {
        return options.json ? registers_as_json() : options.format();
    }
    std::string text;
    for (const std::string& assignment : options.decode) {
        text += decode_assignment(assignment, options.json);
    }
    return text;
}

int print(const RegsOptions& options) {
    try {
        std::fputs(text_of(options).c_str(), stdout);
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "ringside regs: {}\n", error.what());
        return 2;
    }
}

}  // namespace

void add_regs_command(CLI::App& program, int& exit_code) {
    auto* command = program.add_subcommand(
        "regs", "Print the register map of the accelerator, or decode values of registers");
    const auto options = std::make_shared<RegsOptions>();
    auto* format = add_choice<Format>(*command, "--format", options->format,
                                      {{"text", registers_as_text},
                                       {"json", registers_as_json},
                                       {"md", registers_as_markdown},
                                       {"c", registers_as_c_header}},
                                      "as a table, JSON, the datasheet's tables, or a C header");
    auto* config = command->add_flag(
        "--config", options->config,
        "instead the PCI configuration space as a kernel leaves it to a driver, in "
        "hexadecimal, for lspci -F");
    config->excludes(format);
    add_chip_option(*command, options->chip)->needs(config);
    auto* decode = command->add_option(
        "--decode", options->decode,
        "instead these values by field, e.g. CSTS=0x403, 'Q_CTRL[1]=1' or 0x34=0x403");
    decode->type_name("REGISTER=VALUE")->excludes(format)->excludes(config);
    auto* recording =
        command->add_option("--recording", options->recording,
                            "instead what was accessed in a recording, or in a trace of the "
                            "OpenSSL module, by field: the last value of each register");
    recording->type_name("FILE")->excludes(format)->excludes(config)->excludes(decode);
    command
        ->add_option("--register", options->reg, "of the recording every value of this one alone")
        ->type_name("REGISTER")
        ->needs(recording);
    command->add_flag("--json", options->json, "print JSON")->excludes(format)->excludes(config);
    command->callback([options, &exit_code] { exit_code = print(*options); });
}

}  // namespace ringside::tools
