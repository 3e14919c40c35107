// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Decides which events of the chip are struck by a fault: the rules in their slots, their counts,
// and the random stream "faults" of the run's seed. The stages ask at each site; what the fault
// then does there is theirs (fault_effects.cpp). Without a rule of a kind, asking for it is one
// test of a bit, and nothing is drawn unless a rule with a chance has chosen an event: events come
// in simulated order, so a seed and its rules give one run.

#include <array>
#include <cstdint>
#include <optional>

#include "ringside/base/prng.hpp"
#include "ringside/base/time.hpp"
#include "ringside/core/fault_rule.hpp"

namespace ringside::core {

/// What a rule that fires leaves to its site.
struct Fault {
    std::uint32_t offset = 0;
    std::int32_t value = 0;

    /// `value` as a delay; what is negative delays nothing.
    Duration ns() const { return std::chrono::nanoseconds(value > 0 ? value : 0); }
    Duration us() const { return std::chrono::microseconds(value > 0 ? value : 0); }
};

/// An event at a site: what rules match against.
struct FaultEvent {
    Time time;
    std::uint16_t queue = FaultRule::any;   ///< any: none
    std::uint16_t opcode = FaultRule::any;  ///< any: none
};

class FaultInjector {
  public:
    explicit FaultInjector(std::uint64_t seed) : stream_(seed, "faults") {}

    /// Puts a rule into a slot, its counts at zero. A kind that does not exist: no rule.
    void set(std::uint32_t slot, const FaultRule& rule);
    /// Ends the rule in a slot; its counts stay.
    void clear(std::uint32_t slot);
    bool is_active(std::uint32_t slot) const { return slots_[slot].active; }
    std::uint64_t matched(std::uint32_t slot) const { return slots_[slot].matched; }
    std::uint64_t fired(std::uint32_t slot) const { return slots_[slot].fired; }

    /// Whether any rule is active: a site may leave out everything else if not.
    bool any() const { return active_kinds_ != 0; }

    /// An event has reached the site of `kind`. The rules of that kind look at it in the order of
    /// their slots; the first that fires is the one, and those behind it do not see the event.
    std::optional<Fault> strike(spec::FaultKind kind, const FaultEvent& event) {
        if ((active_kinds_ & bit_of(kind)) == 0) [[likely]] {
            return std::nullopt;
        }
        return consult(kind, event);
    }

  private:
    struct Slot {
        FaultRule rule;
        bool active = false;
        std::uint64_t matched = 0;
        std::uint64_t fired = 0;
    };
    static_assert(spec::fault_kinds.size() < 64, "a bit for each kind");
    static constexpr std::uint64_t bit_of(spec::FaultKind kind) {
        return std::uint64_t{1} << static_cast<unsigned>(kind);
    }
    std::optional<Fault> consult(spec::FaultKind kind, const FaultEvent& event);
    bool fires(Slot& slot);
    void note_active_kinds();

    std::array<Slot, spec::fault_rules> slots_{};
    std::uint64_t active_kinds_ = 0;
    Prng stream_;
};

}  // namespace ringside::core
