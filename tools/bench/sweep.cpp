// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "sweep.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bit>

#include "arguments.hpp"

namespace ringside::tools::bench {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts(1);
    for (const char letter : text) {
        if (letter == separator) {
            parts.emplace_back();
        } else {
            parts.back() += letter;
        }
    }
    return parts;
}

/// Empty: it is neither a range nor a list.
std::vector<std::uint32_t> values_in(const std::string& text) {
    const bool is_range = text.find(':') != std::string::npos;
    std::vector<std::uint32_t> numbers;
    for (const std::string& part : split(text, is_range ? ':' : ',')) {
        const auto number = number_in<std::uint32_t>(part);
        if (!number) {
            return {};
        }
        numbers.push_back(*number);
    }
    if (!is_range) {
        return numbers;
    }
    if (numbers.size() != 3 || numbers[1] == 0 || numbers[0] > numbers[2] ||
        (numbers[2] - numbers[0]) / numbers[1] >= most_values) {
        return {};
    }
    std::vector<std::uint32_t> values;
    for (std::uint64_t value = numbers[0]; value <= numbers[2]; value += numbers[1]) {
        values.push_back(static_cast<std::uint32_t>(value));
    }
    return values;
}

bool is_allowed(std::uint32_t value, const Allowed& allowed) {
    return value >= allowed.low && value <= allowed.high &&
           (!allowed.power_of_two || std::has_single_bit(value));
}

}  // namespace

std::vector<std::uint32_t> parse_sweep(const std::string& option, const std::string& text,
                                       const Allowed& allowed) {
    auto values = values_in(text);
    bool good = !values.empty() && values.size() <= most_values;
    for (const std::uint32_t value : values) {
        good = good && is_allowed(value, allowed);
    }
    if (!good) {
        throw CLI::ValidationError(
            option,
            fmt::format("'{}' is not allowed: {} from {} to {}, a list a,b,c or a range min:inc:max"
                        " of at most {}",
                        text, allowed.power_of_two ? "a power of two" : "a number", allowed.low,
                        allowed.high, most_values));
    }
    return values;
}

CLI::Option* add_sweep(CLI::App& command, const std::string& names,
                       std::vector<std::uint32_t>& values, const Allowed& allowed,
                       const std::string& description) {
    const auto take = [name = split(names, ',').front(), &values, allowed](
                          const std::string& text) { values = parse_sweep(name, text, allowed); };
    return command.add_option_function<std::string>(names, take, description)
        ->type_name("N|N,N,..|MIN:INC:MAX")
        ->default_str(fmt::format("{}", fmt::join(values, ",")));
}

}  // namespace ringside::tools::bench
