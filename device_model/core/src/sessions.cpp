// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "sessions.hpp"

namespace ringside::core {

std::optional<std::uint32_t> SessionTable::create(spec::Algorithm algorithm,
                                                  std::span<const std::byte> key) {
    std::uint32_t index = 0;
    if (!vacant_.empty()) {
        index = vacant_.back();
        vacant_.pop_back();
    } else if (slots_.size() < max_sessions_) {
        index = static_cast<std::uint32_t>(slots_.size());
        slots_.emplace_back();
    } else {
        return std::nullopt;
    }
    slots_[index].key = std::make_shared<CipherKey>(library_, algorithm, key);
    return index << 8 | slots_[index].generation;
}

bool SessionTable::destroy(std::uint32_t id) {
    if (find(id) == nullptr) {
        return false;
    }
    vacate(index_of(id));
    return true;
}

std::shared_ptr<CipherKey> SessionTable::find(std::uint32_t id) const {
    const std::uint32_t index = index_of(id);
    if (index >= slots_.size() || slots_[index].generation != (id & 0xFF)) {
        return nullptr;
    }
    return slots_[index].key;
}

void SessionTable::vacate(std::uint32_t index) {
    Slot& slot = slots_[index];
    slot.key.reset();
    if (++slot.generation == 0) {
        slot.generation = 1;
    }
    vacant_.push_back(index);
}

void SessionTable::forget_all() {
    for (std::uint32_t index = 0; index < slots_.size(); ++index) {
        if (slots_[index].key != nullptr) {
            vacate(index);
        }
    }
}

}  // namespace ringside::core
