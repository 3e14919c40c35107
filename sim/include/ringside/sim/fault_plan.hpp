// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Fault injection as a short text, for command lines and configuration files, and from the driver's
// side of a running machine. A plan is rules, separated by ';' or line ends; a rule is the fault's
// name and what differs from "the first event, once":
//
//     drop_completion,queue=1,after=100,every=10,count=3; slow_slice,value=50,chance=1/8,count=0
//
// The rules go into core::DeviceConfig::faults. What the words mean stands in the datasheet, "Fault
// injection".

#include <boost/system/result.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ringside/core/fault_rule.hpp"
#include "ringside/driver/link/link.hpp"

namespace ringside::sim {

/// What is wrong with a plan: one line that names the word and what is allowed in its place.
struct FaultPlanError {
    std::string message;
};

/// At least one rule, at most spec::fault_rules.
boost::system::result<std::vector<core::FaultRule>, FaultPlanError> parse_fault_plan(
    std::string_view text);

/// The rule as parse_fault_plan() reads it, with no word that says what goes without saying.
std::string to_text(const core::FaultRule& rule);

/// Puts a rule into slot `slot` (below spec::fault_rules) of a running device, by register writes.
void inject(driver::Link& link, const core::FaultRule& rule, std::uint32_t slot);

}  // namespace ringside::sim
