// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/frontends/settings.hpp"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <optional>

#include "ringside/spec/registers.hpp"

namespace ringside::frontends {
namespace {

constexpr std::string_view environment_prefix = "RINGSIDE_";
/// The ASYNC library's, which may be preloaded into the same process.
constexpr std::string_view foreign_prefix = "RINGSIDE_ASYNC_";

template <typename Number>
std::optional<Number> read_number(std::string_view value, Number smallest, Number largest) {
    Number number = 0;
    const char* const last = value.data() + value.size();
    const auto [end, error] = std::from_chars(value.data(), last, number);
    const bool allowed =
        error == std::errc() && end == last && number >= smallest && number <= largest;
    return allowed ? std::optional(number) : std::nullopt;
}

/// Sets `chosen` if `value` is one of the two.
bool read_choice(std::string_view value, std::string_view yes, std::string_view no, bool& chosen) {
    if (value != yes && value != no) {
        return false;
    }
    chosen = value == yes;
    return true;
}

bool read_algorithms(std::string_view value, Settings& settings) {
    std::uint32_t chosen = value == "all" ? ~std::uint32_t{0} : 0;
    while (value != "all" && value != "none") {
        const std::string_view name = value.substr(0, value.find(','));
        const auto* const found = std::find(std::begin(family_names), std::end(family_names), name);
        if (found == std::end(family_names)) {
            return false;
        }
        chosen |= std::uint32_t{1} << (found - std::begin(family_names));
        if (name.size() == value.size()) {
            break;
        }
        value.remove_prefix(name.size() + 1);
    }
    settings.policy.algorithms = chosen;
    return true;
}

bool read_ring_entries(std::string_view value, Settings& settings) {
    const auto entries =
        read_number<std::uint32_t>(value, spec::min_ring_entries, spec::max_ring_entries);
    if (!entries || !std::has_single_bit(*entries)) {
        return false;
    }
    settings.device.ring_entries = *entries;
    return true;
}

bool read_smallest_request(std::string_view value, Settings& settings) {
    const auto bytes = read_number<std::size_t>(value, 0, std::numeric_limits<int>::max());
    settings.policy.smallest_request = bytes.value_or(settings.policy.smallest_request);
    return bytes.has_value();
}

const char* allowed_algorithms() {
    // Leaked on purpose: whoever is torn down last may still ask.
    static const auto* const text = [] {
        auto* const joined = new std::string("all, none, or names with commas:");
        char separator = ' ';
        for (const std::string_view name : family_names) {
            *joined += separator;
            *joined += name;
            separator = ',';
        }
        return joined;
    }();
    return text->c_str();
}

const Option table[] = {
    {"algorithms", "list", allowed_algorithms(), "all",
     "Which families of algorithms are offered; the others stay with OpenSSL's own.",
     &read_algorithms},
    {"min_bytes", "number", "0 to 2147483647", "0",
     "Requests with less data than this are done in software; those of asymmetric keys have no "
     "size.",
     &read_smallest_request},
    {"sync_calls", "choice", "device or software", "device",
     "Where calls outside an ASYNC job are done: the device makes them wait.",
     [](std::string_view value, Settings& settings) {
         return read_choice(value, "software", "device", settings.policy.synchronous_in_software);
     }},
    {"fallback", "choice", "on or off", "off",
     "Whether software does what the device cannot: when it fails, does not start, or an option "
     "is wrong. Off: those operations fail.",
     [](std::string_view value, Settings& settings) {
         return read_choice(value, "on", "off", settings.policy.fallback);
     }},
    {"queue_pairs", "number", "1 to 7", "1",
     "Queue pairs with rings of their own; threads are spread over them in turn.",
     [](std::string_view value, Settings& settings) {
         const auto pairs = read_number<std::uint32_t>(value, 1, largest_queue_pairs);
         settings.device.queue_pairs = pairs.value_or(settings.device.queue_pairs);
         return pairs.has_value();
     }},
    {"ring_entries", "number", "a power of two from 2 to 4096", "256",
     "Entries of each ring; one less can be in flight. A small ring is how you find out what "
     "your program does when it is full.",
     &read_ring_entries},
    {"callbacks", "choice", "on or off", "on",
     "Whether wait-ctx callbacks are honoured; off: every job is told through its descriptor.",
     [](std::string_view value, Settings& settings) {
         return read_choice(value, "on", "off", settings.device.callbacks);
     }},
    {"time", "choice", "free or paced", "free",
     "free: as fast as the host simulates. paced: the model's latencies are felt in wall time.",
     [](std::string_view value, Settings& settings) {
         return read_choice(value, "paced", "free", settings.device.paced);
     }},
    {"chip", "text", "standard, edge, card, server or slow-slices", "standard",
     "Which chip is simulated; the datasheet's chapter \"Time\" has them.",
     [](std::string_view value, Settings& settings) {
         settings.device.chip = value;  // whoever starts the device knows the names
         return true;
     }},
    {"helpers", "number", "0 to 3", "0",
     "Threads that compute for the chip; what it does, and when, is the same with any number.",
     [](std::string_view value, Settings& settings) {
         const auto helpers = read_number<unsigned>(value, 0, most_helpers);
         settings.device.helpers = helpers.value_or(settings.device.helpers);
         return helpers.has_value();
     }},
    {"faults", "text", "a plan as in the datasheet's chapter \"Fault injection\"", "",
     "Faults that the device injects, to see what your program does.",
     [](std::string_view value, Settings& settings) {
         settings.device.fault_plan = value;  // whoever starts the device can read it
         return true;
     }},
    {"stats", "path", "a path, %p for the process id", "",
     "The device's counters and those of software, written as JSON when the device ends.",
     [](std::string_view value, Settings& settings) {
         settings.device.statistics_file = value;
         return true;
     }},
    {"trace", "path", "a path, %p for the process id", "",
     "Every event of the device and its driver, one line each; for Perfetto if it ends in .json, "
     "for GTKWave if in .vcd. Payloads as digests. Mode 0600.",
     [](std::string_view value, Settings& settings) {
         settings.device.trace_file = value;
         return true;
     }},
    {"log", "choice", "error or info", "error",
     "What is told on stderr: what does not work, or also what begins and ends.",
     [](std::string_view value, Settings& settings) {
         bool info = false;
         const bool allowed = read_choice(value, "info", "error", info);
         settings.device.log = info ? LogLevel::info : LogLevel::error;
         return allowed;
     }},
};

}  // namespace

std::span<const Option> options() {
    return table;
}

std::string environment_name(const Option& option) {
    std::string name(environment_prefix);
    for (const char* letter = option.name; *letter != '\0'; ++letter) {
        name += *letter >= 'a' && *letter <= 'z' ? static_cast<char>(*letter - 'a' + 'A') : *letter;
    }
    return name;
}

bool apply(const Option& option, std::string_view value, std::string_view where,
           Settings& settings) {
    if (option.read(value, settings)) {
        return true;
    }
    say(LogLevel::error, std::string(option.name) + " = '" + std::string(value) + "' (" +
                             std::string(where) + ") is not allowed: " + option.allowed);
    return false;
}

bool apply_environment(Settings& settings) {
    bool allowed = true;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const std::string name(text.substr(0, text.find('=')));
        if (name.rfind(environment_prefix, 0) != 0 || name.rfind(foreign_prefix, 0) == 0) {
            continue;
        }
        const auto* const option =
            std::find_if(std::begin(table), std::end(table),
                         [&](const Option& each) { return environment_name(each) == name; });
        if (option == std::end(table)) {
            say(LogLevel::error, "the environment has " + name + ", which is no option");
            allowed = false;
            continue;
        }
        // Nobody steers a program that runs with more rights than his own by his environment.
        const char* const value = secure_getenv(name.c_str());
        allowed = (value == nullptr || apply(*option, value, name, settings)) && allowed;
    }
    return allowed;
}

}  // namespace ringside::frontends
