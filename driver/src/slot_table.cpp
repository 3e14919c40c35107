// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "slot_table.hpp"

#include <limits>

#include "rules_in_use.hpp"

namespace ringside::driver {
namespace {

/// On an I/O queue a result is a length; an admin result may be an id.
std::uint32_t max_result_of(const spec::SubmissionEntry& entry) {
    return spec::is_io(static_cast<spec::Opcode>(entry.opcode))
               ? entry.dst_len
               : std::numeric_limits<std::uint32_t>::max();
}

}  // namespace

SlotTable::SlotTable(std::uint32_t entries)
    : slots_(entries), mask_(static_cast<std::uint16_t>(entries - 1)) {
    for (std::uint32_t i = 0; i < entries; ++i) {
        slots_[i].cid = static_cast<std::uint16_t>(i);
        slots_[i].newer = static_cast<std::uint16_t>(i + 1 < entries ? i + 1 : none);
    }
}

void SlotTable::take(spec::SubmissionEntry& entry, Operation& operation, Time now,
                     std::uint32_t new_session) {
    const std::uint16_t index = free_;
    Slot& slot = slots_[index];
    free_ = slot.newer;
    slot.operation = &operation;
    slot.user_tag = ++last_tag_;
    slot.submitted_at = now;
    slot.new_session = new_session;
    slot.answered = false;
    slot.max_result = max_result_of(entry);
    slot.cid = static_cast<std::uint16_t>(slot.cid + mask_ + 1);  // the next generation
    slot.older = newest_;
    slot.newer = none;
    (newest_ != none ? slots_[newest_].newer : oldest_) = index;
    newest_ = index;
    entry.cid = slot.cid;
    entry.user_tag = slot.user_tag;
}

SlotTable::Slot* SlotTable::note_answer(const spec::CompletionEntry& completion) {
    if (!holds(completion.cid, completion.user_tag)) {
        return nullptr;
    }
    Slot& slot = slots_[index_of(completion.cid)];
    slot.result = completion.result;
    slot.latency_ns = completion.latency_ns;
    slot.status = completion.status;
    slot.answered = true;
    return &slot;
}

bool SlotTable::looks_torn(const spec::CompletionEntry& completion) const {
    const Slot& slot = slots_[index_of(completion.cid)];
    return slot.operation != nullptr && slot.cid == completion.cid &&
           slot.user_tag != completion.user_tag;
}

bool SlotTable::holds(std::uint16_t cid, std::uint64_t user_tag) const {
    const Slot& slot = slots_[index_of(cid)];
    return slot.operation != nullptr && Rules::names(slot.cid, slot.user_tag, cid, user_tag);
}

void SlotTable::release(Slot& slot) {
    (slot.older != none ? slots_[slot.older].newer : oldest_) = slot.newer;
    (slot.newer != none ? slots_[slot.newer].older : newest_) = slot.older;
    slot.operation = nullptr;
    slot.newer = free_;
    free_ = index_of(slot.cid);
}

}  // namespace ringside::driver
