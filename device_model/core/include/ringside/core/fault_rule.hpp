// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// One rule of fault injection: which fault, at which of the events that reach its site, how often.
// DeviceConfig::faults has those that the chip powers on with; a driver or a test programs others
// through the FI_* registers, for which register_writes() is the recipe. (Datasheet, "Fault
// injection".)

#include <array>
#include <cstdint>
#include <optional>

#include "ringside/spec/faults.hpp"
#include "ringside/spec/registers.hpp"

namespace ringside::core {

struct FaultRule {
    static constexpr std::uint16_t any = 0xFFFF;

    spec::FaultKind kind = spec::FaultKind::none;
    std::uint16_t queue = any;   ///< only events of this queue pair
    std::uint16_t opcode = any;  ///< only events of operations of this opcode
    std::uint32_t from_us = 0;   ///< only events at this time since power-on or later
    std::uint32_t after = 0;     ///< so many events pass first
    std::uint32_t every = 1;     ///< then the first of every so many is chosen; 0 counts as 1
    std::uint32_t count = 1;     ///< the rule ends when it has fired so often; 0: never
    /// An event that is chosen is struck with this probability; a denominator of 0: always.
    std::uint16_t chance_numerator = 0;
    std::uint16_t chance_denominator = 0;
    std::uint32_t offset = 0;           ///< what the kind says, most of them nothing
    std::optional<std::int32_t> value;  ///< what the kind says; empty: its usual one

    std::int32_t value_or_usual() const {
        const spec::FaultInfo* info = spec::find_fault(static_cast<std::uint32_t>(kind));
        return value.value_or(info != nullptr ? info->usual_value : 0);
    }
};

struct RegisterWrite {
    std::uint32_t offset;
    std::uint32_t value;
};
using RuleWrites = std::array<RegisterWrite, 10>;

/// The writes to BAR0, in order, that put a rule into slot `slot` (below spec::fault_rules) in
/// place of what was there.
RuleWrites register_writes(const FaultRule& rule, std::uint32_t slot);

}  // namespace ringside::core
