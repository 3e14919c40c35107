// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "session_table.hpp"

#include <algorithm>
#include <bit>
#include <mutex>
#include <new>
#include <utility>

#include "ringside/driver/limits.hpp"

namespace ringside::driver {
namespace {

constexpr std::uint64_t bind(std::uint32_t handle, std::uint32_t device_id) {
    return std::uint64_t{handle} << 32 | device_id;
}

}  // namespace

SessionTable::SessionTable(Environment& environment, const DmaPool& dma, std::uint32_t most,
                           bool keep_parameters)
    : dma_(dma),
      keep_parameters_(keep_parameters),
      size_(std::bit_ceil(std::clamp(most, 1u, max_sessions))),
      mutex_(environment.make_mutex()),
      records_(size_),
      bindings_(std::make_unique<std::atomic<std::uint64_t>[]>(size_)) {
    free_.reserve(size_);
    for (std::uint32_t place = size_; place != 0;) {
        free_.push_back(--place);
    }
}

std::atomic<std::uint64_t>& SessionTable::binding(std::uint32_t handle) const {
    return bindings_[handle & (size_ - 1)];
}

SessionTable::Translated SessionTable::translate(std::uint32_t handle) const {
    const std::uint64_t bound = binding(handle).load(std::memory_order_acquire);
    const bool known = handle != 0 && bound >> 32 == handle;
    const std::uint32_t device_id = known ? static_cast<std::uint32_t>(bound) : 0;
    return {device_id, known && device_id == 0};
}

SessionTable::Record* SessionTable::find(std::uint32_t handle) {
    Record& record = records_[handle & (size_ - 1)];
    return handle != 0 && record.handle == handle ? &record : nullptr;
}

std::uint32_t SessionTable::begin(const spec::SubmissionEntry& create) {
    const std::lock_guard lock(*mutex_);
    if (free_.empty()) {
        return 0;
    }
    const std::uint32_t place = free_.back();
    free_.pop_back();
    Record& record = records_[place];
    do {
        record.handle = ++record.generation * size_ + place;
    } while (record.handle == 0);
    if (keep_parameters_ && create.src_len <= spec::max_session_size) {
        const auto bytes = dma_.bytes_at(Iova{create.src}, create.src_len);
        try {
            record.parameters = CleansedBuffer(std::span<const std::byte>(bytes));
        } catch (const std::bad_alloc&) {
            record.parameters = {};  // it works until a reset
        }
    }
    return record.handle;
}

void SessionTable::finish(std::uint32_t handle, std::uint32_t device_id) {
    const std::lock_guard lock(*mutex_);
    if (Record* const record = find(handle)) {
        record->exists = true;
        binding(handle).store(bind(handle, device_id), std::memory_order_release);
    }
}

void SessionTable::forget(std::uint32_t handle) {
    const std::lock_guard lock(*mutex_);
    if (Record* const record = find(handle)) {
        binding(handle).store(0, std::memory_order_release);
        *record = Record{.generation = record->generation};
        free_.push_back(handle & (size_ - 1));
    }
}

void SessionTable::lose_all() {
    const std::lock_guard lock(*mutex_);
    next_to_restore_ = 0;
    for (Record& record : records_) {
        if (record.exists) {
            record.to_restore = !record.parameters.empty();
            binding(record.handle).store(bind(record.handle, 0), std::memory_order_release);
        }
    }
}

std::optional<SessionTable::Lost> SessionTable::next_lost() {
    const std::lock_guard lock(*mutex_);
    while (next_to_restore_ < size_) {
        Record& record = records_[next_to_restore_++];
        if (record.exists && std::exchange(record.to_restore, false)) {
            return Lost{record.handle, CleansedBuffer(record.parameters.bytes())};
        }
    }
    return std::nullopt;
}

std::size_t SessionTable::stale() const {
    const std::lock_guard lock(*mutex_);
    return static_cast<std::size_t>(
        std::count_if(records_.begin(), records_.end(), [this](const Record& record) {
            return record.exists && static_cast<std::uint32_t>(binding(record.handle).load()) == 0;
        }));
}

}  // namespace ringside::driver
