// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The way of an operation through the chip: fetch, DMA read, slice, DMA write, completion. Each
// stage does its work when its time has come, on what memory holds then.

#include <string.h>

#include <cstring>
#include <utility>

#include "device_impl.hpp"
#include "ringside/base/assert.hpp"

namespace ringside::core {
namespace {

std::span<std::byte> bytes_of(auto& object) {
    return std::as_writable_bytes(std::span(&object, 1));
}

spec::Status request_error(spec::RequestError error) {
    return spec::Status::of(spec::StatusType::request, error);
}

/// Overwrites and empties; the memory stays.
void cleanse(std::vector<std::byte>& bytes) {
    if (!bytes.empty()) {
        explicit_bzero(bytes.data(), bytes.size());
        bytes.clear();
    }
}

bool is_gcm_tag_length(std::uint32_t length) {
    return length == 4 || length == 8 || (length >= 12 && length <= 16);
}

/// Calls `visit` with the length of each piece of a buffer, at least once.
template <typename Visit>
void for_each_piece(const std::vector<spec::ListEntry>& list, std::size_t length, Visit&& visit) {
    std::size_t rest = length;
    for (const spec::ListEntry& piece : list) {
        const std::size_t part = std::min<std::size_t>(piece.length, rest);
        visit(part);
        rest -= part;
        if (rest == 0) {
            return;
        }
    }
    visit(rest);
}

}  // namespace

void Device::Impl::advance(Time now) {
    RINGSIDE_ASSERT(trace_, now >= now_, "time went back from %lld to %lld ps",
                    static_cast<long long>(to_ps(now_)), static_cast<long long>(to_ps(now)));
    while (calendar_.next() && *calendar_.next() <= now) {
        const auto [time, action] = calendar_.take();
        now_ = time;
        perform(action);
    }
    now_ = now;
}

void Device::Impl::perform(const Action& action) {
    switch (action.stage) {
        case Stage::reset_done:
            if (action.slot == reset_epoch_) {
                change_state(spec::DeviceState::disabled);
            }
            return;
        case Stage::enabled:
            if (action.slot == enable_epoch_ && state() == spec::DeviceState::enabling) {
                change_state(spec::DeviceState::ready);
                arbitrate();
            }
            return;
        case Stage::fatal:
            if (action.slot == reset_epoch_) {
                drop_operations();
            }
            return;
        case Stage::doorbell:
        case Stage::token:
            perform_on_queue(action);
            return;
        case Stage::fetch:
            if (action.serial == reset_epoch_) {
                fetch(action.queue, action.slot);
            }
            return;
        case Stage::moderation: {
            Queue& queue = queues_[action.queue];
            if (action.slot == queue.moderation_epoch && action.serial == queue.epoch &&
                queue.moderation_running) {
                queue.moderation_running = false;
                fire(action.queue);
            }
            return;
        }
        case Stage::interrupt:
            if (action.slot == reset_epoch_) {
                raise_vector(action.queue);
            }
            return;
        case Stage::lists_read:
        case Stage::source_read:
        case Stage::slice_done:
        case Stage::written:
        case Stage::completed:
            perform_on_operation(action);
            return;
    }
}

void Device::Impl::perform_on_queue(const Action& action) {
    Queue& queue = queues_[action.queue];
    if (action.slot != queue.epoch) {
        return;
    }
    if (action.stage == Stage::doorbell) {
        queue.rang = false;
        queue.eligible = true;
    } else {
        queue.limited = false;
    }
    arbitrate();
}

void Device::Impl::perform_on_operation(const Action& action) {
    if (action.stage == Stage::slice_done) {
        --slices_[action.queue].busy;  // also when the operation was aborted meanwhile
        feed_slices(static_cast<SliceClass>(action.queue));
    }
    Operation& operation = operations_[action.slot];
    if (operation.serial != action.serial) {
        return;
    }
    switch (action.stage) {
        case Stage::lists_read:
            read_lists(operation, action.slot);
            break;
        case Stage::source_read:
            read_source(operation, action.slot);
            break;
        case Stage::slice_done:
            run_slice(operation, action.slot);
            break;
        case Stage::written:
            write_output(operation, action.slot);
            break;
        default:
            retire(action.slot);
            break;
    }
}

void Device::Impl::admit(std::uint32_t index, const spec::SubmissionEntry& entry, Time doorbell) {
    record(TraceKind::fetch, static_cast<std::uint16_t>(index), entry.user_tag,
           digest_of(std::as_bytes(std::span(&entry, 1))));
    const std::uint32_t submitted = spec::at("Q_SUBMITTED").of(index);
    registers_.set64(submitted, registers_.get64(submitted) + 1);
    const std::uint32_t slot = take_slot(index);
    Operation& operation = operations_[slot];
    operation.doorbell = doorbell;
    operation.entry = entry;
    operation.status = check(entry, index == 0, operation);
    if (!operation.status.ok() || entry.opcode == static_cast<std::uint8_t>(spec::Opcode::nop)) {
        schedule(Stage::completed, config_.completion, slot);
        return;
    }
    if (operation.has(spec::SubmissionFlag::src_list) ||
        operation.has(spec::SubmissionFlag::dst_list)) {
        schedule(Stage::lists_read, config_.dma_read, slot);
    } else {
        request_source(operation, slot);
    }
}

/// The requests leave behind what is written, and the data comes behind what was read before.
void Device::Impl::request_source(const Operation& operation, std::uint32_t slot) {
    std::size_t requests = 0;
    for_each_piece(operation.source_list, operation.entry.src_len,
                   [&](std::size_t length) { requests += downstream_.requests(length); });
    const Time asked = upstream_.transfer_requests(now_, requests);
    Time crossed{};
    for_each_piece(operation.source_list, operation.entry.src_len,
                   [&](std::size_t length) { crossed = downstream_.transfer(asked, length); });
    calendar_.add(crossed + config_.dma_read,
                  {Stage::source_read, operation.queue, slot, operation.serial});
}

/// Everything about a descriptor that can be wrong before its data is seen. An admin operation's
/// result stands here only for nop.
spec::Status Device::Impl::check(const spec::SubmissionEntry& entry, bool is_admin,
                                 Operation& operation) {
    constexpr auto lists = static_cast<unsigned>(spec::SubmissionFlag::src_list) |
                           static_cast<unsigned>(spec::SubmissionFlag::dst_list);
    constexpr auto known_flags = lists | static_cast<unsigned>(spec::SubmissionFlag::decrypt) |
                                 static_cast<unsigned>(spec::SubmissionFlag::fence) |
                                 static_cast<unsigned>(spec::SubmissionFlag::interrupt_now);
    if ((entry.flags & ~known_flags) != 0 || (is_admin && (entry.flags & lists) != 0) ||
        entry.reserved != 0) {
        return request_error(spec::RequestError::bad_field);
    }
    if (entry.src_len > config_.max_length || entry.dst_len > config_.max_length) {
        return request_error(spec::RequestError::bad_length);
    }
    switch (static_cast<spec::Opcode>(entry.opcode)) {
        case spec::Opcode::nop:
            return {};
        case spec::Opcode::session_create:
            if (is_admin) {
                return entry.src_len >= sizeof(spec::SessionParameters) &&
                               entry.src_len <= spec::max_session_size
                           ? spec::Status{}
                           : request_error(spec::RequestError::bad_length);
            }
            break;
        case spec::Opcode::session_destroy:
        case spec::Opcode::abort:
        case spec::Opcode::get_log:
            if (is_admin) {
                return entry.src_len == 0 ? spec::Status{}
                                          : request_error(spec::RequestError::bad_length);
            }
            break;
        case spec::Opcode::cipher:
            if (!is_admin) {
                return check_cipher(entry, operation);
            }
            break;
        default:
            break;
    }
    return request_error(spec::RequestError::bad_opcode);
}

spec::Status Device::Impl::check_cipher(const spec::SubmissionEntry& entry, Operation& operation) {
    operation.key = sessions_.find(entry.session);
    if (operation.key == nullptr) {
        return request_error(spec::RequestError::bad_session);
    }
    const bool decrypt = (entry.flags & static_cast<unsigned>(spec::SubmissionFlag::decrypt)) != 0;
    std::uint32_t written = entry.src_len;
    if (operation.key->algorithm() == spec::Algorithm::aes_cbc) {
        if (entry.iv_len != 16 || entry.first_len != 0 || entry.second_len != 0 ||
            entry.tag_len != 0) {
            return request_error(spec::RequestError::bad_field);
        }
        if (entry.src_len == 0 || entry.src_len % 16 != 0) {
            return request_error(spec::RequestError::bad_length);
        }
    } else {
        if (entry.iv_len == 0 || entry.iv_len > 16 || entry.second_len != 0 ||
            !is_gcm_tag_length(entry.tag_len)) {
            return request_error(spec::RequestError::bad_field);
        }
        const std::uint32_t around = entry.first_len + (decrypt ? std::uint32_t{entry.tag_len} : 0);
        if (entry.src_len < around) {
            return request_error(spec::RequestError::bad_length);
        }
        written = entry.src_len - around + (decrypt ? 0 : entry.tag_len);
    }
    if (written > entry.dst_len) {
        return request_error(spec::RequestError::dst_too_small);
    }
    operation.output.resize(written);
    return {};
}

void Device::Impl::read_source(Operation& operation, std::uint32_t slot) {
    operation.source.resize(operation.entry.src_len);
    if (!gather(operation)) {
        schedule(Stage::completed, config_.completion, slot);
        return;
    }
    statistics_.dma_read += operation.source.size();
    const bool is_admin = operation.queue == 0;
    // Key bytes leave no trace, not even as a digest.
    record(TraceKind::dma_read, operation.queue, operation.entry.user_tag,
           is_admin ? 0 : digest_of(operation.source));
    if (is_admin) {
        run_admin(operation, slot);
        return;
    }
    operation.service = service_of(static_cast<spec::Opcode>(operation.entry.opcode),
                                   operation.key->algorithm(), operation.entry.src_len);
    const SliceClass slices = class_of(operation.service);
    slices_[static_cast<std::size_t>(slices)].waiting.push_back({slot, operation.serial});
    feed_slices(slices);
}

/// How long a slice works on an operation if nothing stops it.
Duration Device::Impl::service_time(const Operation& operation) const {
    const ServiceTime time = config_.services[operation.service].value_or(
        ServiceTime{config_.slice_fixed, config_.slice_per_byte});
    const bool makes_bytes =
        operation.service == Service::random || operation.service == Service::derive;
    const std::size_t bytes = makes_bytes ? operation.entry.dst_len : operation.source.size();
    return time.fixed + time.per_byte * static_cast<std::int64_t>(bytes);
}

/// 0: none.
Duration Device::Impl::watchdog(SliceClass slices) const {
    const std::uint32_t offset = slices == SliceClass::symmetric ? spec::at("WDT_SYM_US").of()
                                                                 : spec::at("WDT_ASYM_US").of();
    return std::chrono::microseconds(registers_.get32(offset));
}

void Device::Impl::feed_slices(SliceClass slices) {
    SlicePool& pool = slices_[static_cast<std::size_t>(slices)];
    while (pool.busy < pool.count && !pool.waiting.empty()) {
        const auto [slot, serial] = pool.waiting.front();
        pool.waiting.pop_front();
        Operation& operation = operations_[slot];
        if (operation.serial != serial) {
            continue;  // aborted while it waited
        }
        ++pool.busy;
        Duration service = service_time(operation);
        const Duration limit = watchdog(slices);
        operation.hung = limit != Duration{} && service > limit;
        service = operation.hung ? limit : service;
        statistics_.busy += service;
        calendar_.add(now_ + service,
                      {Stage::slice_done, static_cast<std::uint16_t>(slices), slot, serial});
    }
}

void Device::Impl::run_slice(Operation& operation, std::uint32_t slot) {
    if (operation.hung) {
        operation.status =
            spec::Status::of(spec::StatusType::transport, spec::TransportError::hang);
        raise_error(spec::ErrorSource::slice_hang, 0, operation.queue, operation.entry.cid);
        schedule(Stage::completed, config_.completion, slot);
        return;
    }
    operation.status = operation.key->run(operation.entry, operation.source, operation.output);
    statistics_.bytes += operation.source.size();
    record(TraceKind::slice, operation.queue, operation.entry.user_tag,
           encode_status(operation.status, false));
    if (!operation.status.ok()) {
        schedule(Stage::completed, config_.completion, slot);
        return;
    }
    send_output(operation, slot);
}

void Device::Impl::send_output(const Operation& operation, std::uint32_t slot) {
    Time crossed{};
    for_each_piece(operation.target_list, operation.output.size(),
                   [&](std::size_t length) { crossed = upstream_.transfer(now_, length); });
    calendar_.add(crossed + config_.dma_write,
                  {Stage::written, operation.queue, slot, operation.serial});
}

void Device::Impl::write_output(Operation& operation, std::uint32_t slot) {
    if (scatter(operation)) {
        operation.result = static_cast<std::uint32_t>(operation.output.size());
        statistics_.dma_written += operation.output.size();
        record(TraceKind::dma_write, operation.queue, operation.entry.user_tag,
               digest_of(operation.output));
    }
    schedule(Stage::completed, config_.completion, slot);
}

void Device::Impl::schedule(Stage stage, Duration delay, std::uint32_t slot) {
    const Operation& operation = operations_[slot];
    calendar_.add(now_ + delay, {stage, operation.queue, slot, operation.serial});
}

bool Device::Impl::dma_failed(DmaResult result, bool is_write, std::uint64_t address,
                              Operation& operation) {
    if (result == DmaResult::ok) {
        return false;
    }
    const bool iommu = result == DmaResult::iommu_fault;
    const auto direction =
        is_write ? spec::TransportError::dma_write : spec::TransportError::dma_read;
    operation.status = spec::Status::of(spec::StatusType::transport,
                                        iommu ? spec::TransportError::iommu : direction);
    operation.detail = static_cast<std::uint32_t>(address);
    const auto source = is_write ? spec::ErrorSource::dma_write : spec::ErrorSource::dma_read;
    raise_error(iommu ? spec::ErrorSource::iommu : source, address, operation.queue,
                operation.entry.cid);
    return true;
}

std::uint32_t Device::Impl::take_slot(std::uint32_t queue) {
    if (vacant_.empty()) {
        vacant_.push_back(static_cast<std::uint32_t>(operations_.size()));
        operations_.emplace_back();
    }
    const std::uint32_t slot = vacant_.back();
    vacant_.pop_back();
    operations_[slot].serial = ++serial_;
    operations_[slot].queue = static_cast<std::uint16_t>(queue);
    ++queues_[queue].in_chip;
    ++in_pipeline_;
    return slot;
}

void Device::Impl::retire(std::uint32_t slot) {
    const std::uint32_t queue = operations_[slot].queue;
    complete(operations_[slot]);
    release(slot);
    lift_fence(queue);
}

/// The buffers stay for the next operation, their contents do not: they held plaintext or a key.
void Device::Impl::release(std::uint32_t slot) {
    Operation& operation = operations_[slot];
    cleanse(operation.source);
    cleanse(operation.output);
    operation.source_list.clear();
    operation.target_list.clear();
    operation.hung = false;
    operation.key.reset();
    operation.serial = 0;
    operation.status = {};
    operation.result = 0;
    operation.detail = 0;
    vacant_.push_back(slot);
    --queues_[operation.queue].in_chip;
    --in_pipeline_;
}

}  // namespace ringside::core
