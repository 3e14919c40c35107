// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The `ringside` program: one subcommand per job, each in a folder of its own. Exit codes: 0 done,
// 1 the job ran and found something wrong, 2 it could not run as asked (one line on stderr says
// why).

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "bench/bench_command.hpp"
#include "options/options_command.hpp"
#include "regs/regs_command.hpp"
#include "replay/replay_command.hpp"
#include "run/run_command.hpp"

namespace ringside::tools {
namespace {

constexpr int could_not_run = 2;

/// In the order of --help.
constexpr AddCommand commands[] = {add_run_command, add_replay_command, add_bench_command,
                                   add_regs_command, add_options_command};

/// The words that may stand where an unexpected one stood.
std::string allowed_words(const CLI::App& app) {
    std::vector<std::string> words;
    for (const auto* command : app.get_subcommands({})) {
        words.push_back(command->get_name());
    }
    for (const auto* option : app.get_options()) {
        words.push_back(option->get_name());
    }
    return fmt::format("{}", fmt::join(words, ", "));
}

/// One line that names what was wrong and what is allowed.
std::string complaint(const CLI::App& program, const CLI::ParseError& error) {
    const auto parsed = program.get_subcommands();
    const CLI::App& command = parsed.empty() ? program : *parsed.front();
    const std::string name =
        parsed.empty() ? program.get_name() : program.get_name() + " " + command.get_name();
    const auto unexpected = program.remaining(true);
    if (!unexpected.empty()) {
        return fmt::format("{}: unexpected argument '{}'; allowed: {}", name, unexpected.front(),
                           allowed_words(command));
    }
    if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && parsed.empty()) {
        return fmt::format("{}: no subcommand given; allowed: {}", name, allowed_words(command));
    }
    return fmt::format("{}: {}", name, error.what());
}

int run(int argc, char** argv) {
    CLI::App program("A crypto accelerator before the silicon exists: model, driver and tools",
                     "ringside");
    program.set_version_flag("--version", "ringside " RINGSIDE_VERSION);
    program.require_subcommand(1);
    int exit_code = 0;
    for (const auto add : commands) {
        add(program, exit_code);
    }
    try {
        program.parse(argc, argv);
    } catch (const CLI::Success& request) {
        return program.exit(request);  // --help, --version
    } catch (const CLI::ParseError& error) {
        fmt::print(stderr, "{}\n", complaint(program, error));
        return could_not_run;
    }
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
        fmt::print(stderr, "{}: cannot write standard output\n", program.get_name());
        return could_not_run;
    }
    return exit_code;
}

}  // namespace
}  // namespace ringside::tools

int main(int argc, char** argv) {
    try {
        return ringside::tools::run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "ringside: %s\n", error.what());
        return ringside::tools::could_not_run;
    }
}
