// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Options of the `ringside` program, for its subcommands. CLI11 does the parsing; what is here
// makes a wrong value answer with one line that names the value and what is allowed.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace ringside::tools {

/// What a subcommand adds to the program: it sets `exit_code` when it has run.
using AddCommand = void (*)(CLI::App& program, int& exit_code);

/// An option that takes one of a few words, each standing for a value; the default is what `value`
/// holds. `value` must live until the arguments are parsed.
template <typename T>
CLI::Option* add_choice(CLI::App& command, const std::string& name, T& value,
                        const std::vector<std::pair<std::string, T>>& choices,
                        const std::string& description) {
    std::vector<std::string> words;
    std::string standard;
    for (const auto& [word, meaning] : choices) {
        words.push_back(word);
        if (meaning == value) {
            standard = word;
        }
    }
    const auto take = [name, &value, choices, words](const std::string& text) {
        for (const auto& [word, meaning] : choices) {
            if (word == text) {
                value = meaning;
                return;
            }
        }
        throw CLI::ValidationError(
            name, fmt::format("'{}' is not allowed: one of {}", text, fmt::join(words, ", ")));
    };
    return command.add_option_function<std::string>(name, take, description)
        ->type_name(fmt::format("{}", fmt::join(words, "|")))
        ->default_str(standard);
}

/// For ->check(): a decimal number from `low` to `high`, both included.
template <typename T>
CLI::Validator number_between(T low, T high = std::numeric_limits<T>::max()) {
    const auto check = [low, high](const std::string& text) {
        T number{};
        const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
        const bool allowed =
            digits && CLI::detail::lexical_cast(text, number) && number >= low && number <= high;
        return allowed
                   ? std::string()
                   : fmt::format("'{}' is not allowed: a number from {} to {}", text, low, high);
    };
    return {check, ""};
}

}  // namespace ringside::tools
