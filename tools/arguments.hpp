// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Options of the `ringside` program, for its subcommands. CLI11 does the parsing; what is here
// makes a wrong value answer with one line that names the value and what is allowed.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
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

/// A decimal number, or also a hexadecimal one with 0x, that `text` is as a whole; not an octal
/// one: leading zeros mean nothing. Empty: it is none, or more than T holds.
template <typename T>
std::optional<T> number_in(std::string_view text, bool or_hexadecimal = false) {
    const bool hexadecimal = or_hexadecimal && (text.starts_with("0x") || text.starts_with("0X"));
    text.remove_prefix(hexadecimal ? 2 : 0);
    T number{};
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number, hexadecimal ? 16 : 10);
    return error == std::errc() && rest == end ? std::optional(number) : std::nullopt;
}

/// What an option may be, both included.
template <typename T>
struct Between {
    T low;
    T high = std::numeric_limits<T>::max();
};

/// An option that takes a decimal number; the default is what `value` holds. `value` must live
/// until the arguments are parsed. Not CLI11's own numbers, of which those with a leading zero are
/// octal and those that are too large are the largest.
template <typename T>
CLI::Option* add_number(CLI::App& command, const std::string& names, T& value,
                        std::type_identity_t<Between<T>> allowed, const std::string& description) {
    const auto take = [name = names.substr(0, names.find(',')), &value,
                       allowed](const std::string& text) {
        const auto number = number_in<T>(text);
        if (!number || *number < allowed.low || *number > allowed.high) {
            throw CLI::ValidationError(
                name, fmt::format("'{}' is not allowed: a number from {} to {}", text, allowed.low,
                                  allowed.high));
        }
        value = *number;
    };
    return command.add_option_function<std::string>(names, take, description)
        ->type_name("N")
        ->default_str(fmt::format("{}", value));
}

}  // namespace ringside::tools
