// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "fault_injector.hpp"

#include <algorithm>

namespace ringside::core {
namespace {

bool is_match(const FaultRule& rule, const FaultEvent& event) {
    return (rule.queue == FaultRule::any || rule.queue == event.queue) &&
           (rule.opcode == FaultRule::any || rule.opcode == event.opcode) &&
           event.time >= Time{std::chrono::microseconds(rule.from_us)};
}

}  // namespace

RuleWrites register_writes(const FaultRule& rule, std::uint32_t slot) {
    const auto pair = [](std::uint32_t low, std::uint32_t high) { return low | high << 16; };
    const auto control = static_cast<std::uint32_t>(
        spec::field("FI_CTRL", "KIND").set(static_cast<std::uint64_t>(rule.kind)));
    return {{
        {spec::at("FI_CTRL").of(slot), 0},
        {spec::at("FI_MATCH").of(slot), pair(rule.queue, rule.opcode)},
        {spec::at("FI_FROM_US").of(slot), rule.from_us},
        {spec::at("FI_AFTER").of(slot), rule.after},
        {spec::at("FI_EVERY").of(slot), rule.every},
        {spec::at("FI_COUNT").of(slot), rule.count},
        {spec::at("FI_CHANCE").of(slot), pair(rule.chance_numerator, rule.chance_denominator)},
        {spec::at("FI_OFFSET").of(slot), rule.offset},
        {spec::at("FI_VALUE").of(slot), static_cast<std::uint32_t>(rule.value_or_usual())},
        {spec::at("FI_CTRL").of(slot),
         control | static_cast<std::uint32_t>(spec::field("FI_CTRL", "ACTIVE").set(1))},
    }};
}

void FaultInjector::set(std::uint32_t slot, const FaultRule& rule) {
    slots_[slot] = {};
    slots_[slot].rule = rule;
    slots_[slot].active = spec::find_fault(static_cast<std::uint32_t>(rule.kind)) != nullptr;
    note_active_kinds();
}

void FaultInjector::clear(std::uint32_t slot) {
    slots_[slot].active = false;
    note_active_kinds();
}

void FaultInjector::note_active_kinds() {
    active_kinds_ = 0;
    for (const Slot& slot : slots_) {
        active_kinds_ |= slot.active ? bit_of(slot.rule.kind) : 0;
    }
}

std::optional<Fault> FaultInjector::consult(spec::FaultKind kind, const FaultEvent& event) {
    for (Slot& slot : slots_) {
        if (slot.active && slot.rule.kind == kind && is_match(slot.rule, event) && fires(slot)) {
            const Fault fault{slot.rule.offset, slot.rule.value_or_usual()};
            if (slot.rule.count != 0 && slot.fired == slot.rule.count) {
                slot.active = false;
                note_active_kinds();
            }
            return fault;
        }
    }
    return std::nullopt;
}

/// The event is one of those that the rule looks at.
bool FaultInjector::fires(Slot& slot) {
    const FaultRule& rule = slot.rule;
    const std::uint64_t before = slot.matched++;
    const bool chosen =
        before >= rule.after && (before - rule.after) % std::max(rule.every, 1u) == 0;
    if (!chosen || (rule.chance_denominator != 0 &&
                    !stream_.chance(rule.chance_numerator, rule.chance_denominator))) {
        return false;
    }
    ++slot.fired;
    return true;
}

}  // namespace ringside::core
