// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "sessions.hpp"

#include <utility>

namespace ringside::core {

SessionTable::Created SessionTable::create(const SessionKeys& keys) {
    NewSession made = create_session(library_, keys);
    if (made.session == nullptr) {
        return {made.status};
    }
    std::uint32_t index = 0;
    if (!vacant_.empty()) {
        index = vacant_.back();
        vacant_.pop_back();
    } else if (slots_.size() < max_sessions_) {
        index = static_cast<std::uint32_t>(slots_.size());
        slots_.emplace_back();
    } else {
        return {refused(spec::RequestError::no_session_left)};
    }
    slots_[index].session = std::move(made.session);
    return {{}, index << 8 | slots_[index].generation};
}

bool SessionTable::destroy(std::uint32_t id) {
    if (find(id) == nullptr) {
        return false;
    }
    vacate(index_of(id));
    return true;
}

SessionPtr SessionTable::find(std::uint32_t id) const {
    const std::uint32_t index = index_of(id);
    if (index >= slots_.size() || slots_[index].generation != (id & 0xFF)) {
        return nullptr;
    }
    return slots_[index].session;
}

void SessionTable::vacate(std::uint32_t index) {
    Slot& slot = slots_[index];
    slot.session.reset();
    if (++slot.generation == 0) {
        slot.generation = 1;
    }
    vacant_.push_back(index);
}

void SessionTable::forget_all() {
    for (std::uint32_t index = 0; index < slots_.size(); ++index) {
        if (slots_[index].session != nullptr) {
            vacate(index);
        }
    }
}

}  // namespace ringside::core
