// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/sim/fault_plan.hpp"

#include <charconv>
#include <limits>
#include <optional>
#include <set>

#include "ringside/spec/wire.hpp"

namespace ringside::sim {
namespace {

using core::FaultRule;

struct OpcodeName {
    std::string_view name;
    spec::Opcode opcode;
};
constexpr OpcodeName opcode_names[] = {
    {"nop", spec::Opcode::nop},
    {"session_create", spec::Opcode::session_create},
    {"session_destroy", spec::Opcode::session_destroy},
    {"abort", spec::Opcode::abort},
    {"get_log", spec::Opcode::get_log},
    {"cipher", spec::Opcode::cipher},
    {"digest", spec::Opcode::digest},
    {"derive", spec::Opcode::derive},
    {"random", spec::Opcode::random},
    {"sign", spec::Opcode::sign},
    {"verify", spec::Opcode::verify},
    {"rsa_private", spec::Opcode::rsa_private},
    {"rsa_public", spec::Opcode::rsa_public},
    {"agree", spec::Opcode::agree},
};

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r";
    const auto first = text.find_first_not_of(blank);
    return first == std::string_view::npos
               ? std::string_view{}
               : text.substr(first, text.find_last_not_of(blank) - first + 1);
}

/// Cuts the part before the first of `separators` off `rest`.
std::string_view take(std::string_view& rest, std::string_view separators) {
    const auto end = std::min(rest.find_first_of(separators), rest.size());
    const auto part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return trimmed(part);
}

FaultPlanError refusal(std::string_view word, const std::string& allowed) {
    return {"'" + std::string(word) + "' is not allowed: " + allowed};
}

std::string between(std::int64_t low, std::int64_t high) {
    return "a number from " + std::to_string(low) + " to " + std::to_string(high);
}

/// Decimal, or hexadecimal behind 0x; the whole word.
std::optional<std::int64_t> number(std::string_view word, std::int64_t low, std::int64_t high) {
    const bool negative = word.starts_with('-');
    word.remove_prefix(negative ? 1 : 0);
    const bool hex = word.starts_with("0x");
    word.remove_prefix(hex ? 2 : 0);
    std::uint64_t magnitude = 0;
    const auto [end, error] =
        std::from_chars(word.data(), word.data() + word.size(), magnitude, hex ? 16 : 10);
    if (error != std::errc{} || end != word.data() + word.size() ||
        magnitude > std::numeric_limits<std::uint32_t>::max()) {
        return std::nullopt;
    }
    const auto value = static_cast<std::int64_t>(magnitude) * (negative ? -1 : 1);
    return value >= low && value <= high ? std::optional(value) : std::nullopt;
}

/// One rule: its words go into `rule` one after the other.
class RuleParser {
  public:
    /// Empty: a good rule.
    std::optional<FaultPlanError> parse(std::string_view text) {
        const std::string_view name = take(text, ",");
        info_ = spec::find_fault(name);
        if (info_ == nullptr) {
            return refusal(name, "one of " + all_kinds());
        }
        rule.kind = info_->kind;
        while (!text.empty()) {
            const std::string_view word = take(text, ",");
            if (auto error = parse_word(word)) {
                return error;
            }
        }
        return std::nullopt;
    }

    FaultRule rule;

  private:
    static std::string all_kinds() {
        std::string names;
        for (const auto& info : spec::fault_kinds) {
            names += (names.empty() ? "" : ", ") + std::string(info.name);
        }
        return names;
    }

    std::optional<FaultPlanError> parse_word(std::string_view word) {
        std::string_view value = word;
        const std::string_view key = take(value, "=");
        value = trimmed(value);
        if (!seen_.insert(key).second) {
            return refusal(word, "each word once");
        }
        if (key == "queue" || key == "opcode") {
            return parse_match(word, key, value);
        }
        if (key == "chance") {
            return parse_chance(word, value);
        }
        if (key == "value") {
            return parse_value(word, value);
        }
        struct Plain {
            std::string_view key;
            std::uint32_t FaultRule::*member;
            std::int64_t least;
        };
        constexpr Plain plain[] = {{"after", &FaultRule::after, 0},
                                   {"every", &FaultRule::every, 1},
                                   {"count", &FaultRule::count, 0},
                                   {"from_us", &FaultRule::from_us, 0},
                                   {"offset", &FaultRule::offset, 0}};
        for (const Plain& candidate : plain) {
            if (candidate.key == key) {
                constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
                const auto parsed = number(value, candidate.least, most);
                if (!parsed) {
                    return refusal(word, between(candidate.least, most));
                }
                rule.*candidate.member = static_cast<std::uint32_t>(*parsed);
                return std::nullopt;
            }
        }
        return refusal(word,
                       "one of queue, opcode, from_us, after, every, count, chance, offset, value, "
                       "each followed by =");
    }

    std::optional<FaultPlanError> parse_match(std::string_view word, std::string_view key,
                                              std::string_view value) {
        const bool is_queue = key == "queue";
        if (is_queue ? !spec::has_queue(info_->site) : !spec::has_opcode(info_->site)) {
            return refusal(
                word, "what " + std::string(info_->name) + " strikes has no " + std::string(key));
        }
        if (is_queue) {
            const auto parsed = number(value, 0, spec::max_queue_pairs - 1);
            rule.queue = static_cast<std::uint16_t>(parsed.value_or(0));
            return parsed ? std::nullopt
                          : std::optional(refusal(word, between(0, spec::max_queue_pairs - 1)));
        }
        std::string allowed;
        for (const OpcodeName& candidate : opcode_names) {
            if (candidate.name == value) {
                rule.opcode = static_cast<std::uint16_t>(candidate.opcode);
                return std::nullopt;
            }
            allowed += std::string(candidate.name) + ", ";
        }
        const auto parsed = number(value, 0, 0xFF);
        rule.opcode = static_cast<std::uint16_t>(parsed.value_or(0));
        return parsed
                   ? std::nullopt
                   : std::optional(refusal(word, "one of " + allowed + "or " + between(0, 0xFF)));
    }

    std::optional<FaultPlanError> parse_chance(std::string_view word, std::string_view value) {
        std::string_view rest = value;
        const auto numerator = number(take(rest, "/"), 0, 0xFFFF);
        const auto denominator = number(trimmed(rest), 1, 0xFFFF);
        if (!numerator || !denominator || *numerator > *denominator) {
            return refusal(word, "a fraction like 1/8, of numbers up to 65535");
        }
        rule.chance_numerator = static_cast<std::uint16_t>(*numerator);
        rule.chance_denominator = static_cast<std::uint16_t>(*denominator);
        return std::nullopt;
    }

    std::optional<FaultPlanError> parse_value(std::string_view word, std::string_view value) {
        if (info_->value_doc.empty()) {
            return refusal(word, std::string(info_->name) + " takes none");
        }
        constexpr std::int64_t least = std::numeric_limits<std::int32_t>::min();
        constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
        const auto parsed = number(value, least, most);
        if (!parsed) {
            return refusal(word, between(least, most) + " (" + std::string(info_->value_doc) + ")");
        }
        rule.value = static_cast<std::int32_t>(*parsed);
        return std::nullopt;
    }

    const spec::FaultInfo* info_ = nullptr;
    std::set<std::string_view> seen_;
};

}  // namespace

boost::system::result<std::vector<FaultRule>, FaultPlanError> parse_fault_plan(
    std::string_view text) {
    std::vector<FaultRule> rules;
    const std::string_view plan = text;
    while (!text.empty()) {
        const std::string_view one = take(text, ";\n");
        if (one.empty()) {
            continue;
        }
        RuleParser parser;
        if (auto error = parser.parse(one)) {
            return std::move(*error);
        }
        if (rules.size() == spec::fault_rules) {
            return refusal(one,
                           "a plan has at most " + std::to_string(spec::fault_rules) + " rules");
        }
        rules.push_back(parser.rule);
    }
    if (rules.empty()) {
        return refusal(plan, "a plan has a rule");
    }
    return rules;
}

std::string to_text(const FaultRule& rule) {
    const spec::FaultInfo* info = spec::find_fault(static_cast<std::uint32_t>(rule.kind));
    std::string text(info != nullptr ? info->name : "none");
    const auto add = [&text](const char* key, std::int64_t value, std::int64_t usual) {
        if (value != usual) {
            text += std::string(",") + key + "=" + std::to_string(value);
        }
    };
    add("queue", rule.queue, FaultRule::any);
    add("opcode", rule.opcode, FaultRule::any);
    add("from_us", rule.from_us, 0);
    add("after", rule.after, 0);
    add("every", rule.every, 1);
    add("count", rule.count, 1);
    if (rule.chance_denominator != 0) {
        text += ",chance=" + std::to_string(rule.chance_numerator) + "/" +
                std::to_string(rule.chance_denominator);
    }
    add("offset", rule.offset, 0);
    if (info != nullptr && !info->value_doc.empty()) {
        add("value", rule.value_or_usual(), info->usual_value);
    }
    return text;
}

void inject(driver::Link& link, const FaultRule& rule, std::uint32_t slot) {
    for (const core::RegisterWrite& write : core::register_writes(rule, slot)) {
        link.mmio_write32(write.offset, write.value);
    }
}

}  // namespace ringside::sim
