// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "options/options_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "arguments.hpp"
#include "ringside/frontends/settings.hpp"

namespace ringside::tools {
namespace {

using frontends::Option;

std::string as_text(const std::string& /*module*/) {
    std::string text;
    for (const Option& option : frontends::options()) {
        text += fmt::format("{:<13} {}\n{:13} {}; default: {}\n", option.name, option.help, "",
                            option.allowed, *option.fallback != '\0' ? option.fallback : "none");
    }
    return text;
}

std::string as_markdown(const std::string& /*module*/) {
    std::string text =
        "| name | environment | type | allowed | default | what it does "
        "|\n|---|---|---|---|---|---|\n";
    for (const Option& option : frontends::options()) {
        text += fmt::format("| `{}` | `{}` | {} | {} | {} | {} |\n", option.name,
                            frontends::environment_name(option), option.type, option.allowed,
                            *option.fallback != '\0' ? option.fallback : "none", option.help);
    }
    return text;
}

/// Each option in a comment's company, at its default.
std::string as_section() {
    std::string text;
    for (const Option& option : frontends::options()) {
        text += fmt::format("\n# {}\n# Allowed: {}.\n{}{} = {}\n", option.help, option.allowed,
                            *option.fallback != '\0' ? "" : "# ", option.name, option.fallback);
    }
    return text;
}

constexpr const char* head =
    "# OpenSSL on the simulated accelerator. Use it with OPENSSL_CONF=<this file>, or copy the "
    "sections\n# into the openssl.cnf of your system. RINGSIDE_<OPTION> in the environment wins "
    "over what stands here.\n";

std::string as_provider_config(const std::string& module) {
    return fmt::format(
        R"({}openssl_conf = openssl_init

[openssl_init]
providers = providers
alg_section = evp

[providers]
# The default provider does everything that the device does not, random numbers among it.
default = default_section
ringside = ringside_section

[default_section]
activate = 1

[evp]
# Prefer the device, and take others where it offers nothing.
default_properties = ?ringside.offload=yes

[ringside_section]
module = {}
activate = 1
{})",
        head, module, as_section());
}

std::string as_engine_config(const std::string& module) {
    return fmt::format(
        R"({}openssl_conf = openssl_init

[openssl_init]
engines = engines

[engines]
ringside = ringside_section

[ringside_section]
dynamic_path = {}
# Before the options: OpenSSL reads no further after one that is refused, and its software would go on.
default_algorithms = ALL
{})",
        head, module, as_section());
}

}  // namespace

void add_options_command(CLI::App& program, int& exit_code) {
    using Format = std::string (*)(const std::string& module);
    auto* command =
        program.add_subcommand("options", "Print what can be set in the OpenSSL module");
    const auto format = std::make_shared<Format>(as_text);
    add_choice<Format>(*command, "--format", *format,
                       {{"text", as_text},
                        {"md", as_markdown},
                        {"provider", as_provider_config},
                        {"engine", as_engine_config}},
                       "as a list, Markdown, or an openssl.cnf for the provider or the ENGINE");
    const auto module = std::make_shared<std::string>("/usr/lib/ossl-modules/ringside.so");
    command->add_option("--module", *module, "the module's path in that openssl.cnf")
        ->capture_default_str();
    command->callback([format, module, &exit_code] {
        std::fputs((*format)(*module).c_str(), stdout);
        exit_code = 0;
    });
}

}  // namespace ringside::tools
