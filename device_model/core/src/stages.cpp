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
            if (action.slot == reset_epoch_ && state() == spec::DeviceState::enabling) {
                change_state(spec::DeviceState::ready);
                for (std::uint32_t index = 0; index < queues_.size(); ++index) {
                    start_fetching(index);
                }
            }
            return;
        case Stage::fetch:
            if (action.slot == queues_[action.queue].epoch) {
                fetch(action.queue);
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
        case Stage::source_read:
        case Stage::slice_done:
        case Stage::written:
        case Stage::completed:
            perform_on_operation(action);
            return;
    }
}

void Device::Impl::perform_on_operation(const Action& action) {
    if (action.stage == Stage::slice_done) {
        --busy_slices_;  // also when the operation was aborted meanwhile
        feed_slices();
    }
    Operation& operation = operations_[action.slot];
    if (operation.serial != action.serial) {
        return;
    }
    switch (action.stage) {
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
            complete(operation);
            release(action.slot);
            break;
    }
}

void Device::Impl::start_fetching(std::uint32_t index) {
    Queue& queue = queues_[index];
    if (queue.fetching || queue.unfetched() == 0 || queue.state != spec::QueueState::enabled ||
        state() != spec::DeviceState::ready) {
        return;
    }
    queue.fetching = true;
    calendar_.add(now_ + config_.doorbell + config_.fetch,
                  {Stage::fetch, static_cast<std::uint16_t>(index), queue.epoch, 0});
}

void Device::Impl::fetch(std::uint32_t index) {
    Queue& queue = queues_[index];
    queue.fetching = false;
    if (state() != spec::DeviceState::ready || queue.state != spec::QueueState::enabled) {
        return;
    }
    const std::uint32_t count = std::min(queue.unfetched(), config_.fetch_batch);
    for (std::uint32_t i = 0; i < count; ++i) {
        spec::SubmissionEntry entry;
        const std::uint64_t address = queue.sq_base + queue.sq_head * sizeof entry;
        const DmaResult result = dma_.read(address, bytes_of(entry));
        if (result != DmaResult::ok) {
            // Without its descriptor an operation cannot even be refused: the ring is unusable.
            queue.state = spec::QueueState::error;
            raise_error(result == DmaResult::iommu_fault ? spec::ErrorSource::iommu
                                                         : spec::ErrorSource::dma_read,
                        address, static_cast<std::uint16_t>(index), nobody);
            return;
        }
        statistics_.dma_read += sizeof entry;
        const Time doorbell = queue.doorbell_times[queue.sq_head];
        queue.sq_head = (queue.sq_head + 1) & queue.sq_mask;
        admit(index, entry, doorbell);
    }
    start_fetching(index);
}

void Device::Impl::admit(std::uint32_t index, const spec::SubmissionEntry& entry, Time doorbell) {
    record(TraceKind::fetch, static_cast<std::uint16_t>(index), entry.user_tag,
           digest_of(std::as_bytes(std::span(&entry, 1))));
    const std::uint32_t submitted = spec::at("Q_SUBMITTED").of(index);
    registers_.set64(submitted, registers_.get64(submitted) + 1);
    const std::uint32_t slot = take_slot();
    Operation& operation = operations_[slot];
    operation.queue = static_cast<std::uint16_t>(index);
    operation.doorbell = doorbell;
    operation.entry = entry;
    operation.status = check(entry, index == 0, operation);
    if (!operation.status.ok() || entry.opcode == static_cast<std::uint8_t>(spec::Opcode::nop)) {
        schedule(Stage::completed, config_.completion, slot);
        return;
    }
    const Time arrives = over_link(downstream_free_, entry.src_len, config_.dma_read);
    calendar_.add(arrives, {Stage::source_read, operation.queue, slot, operation.serial});
}

/// Everything about a descriptor that can be wrong before its data is seen. An admin operation's
/// result stands here only for nop.
spec::Status Device::Impl::check(const spec::SubmissionEntry& entry, bool is_admin,
                                 Operation& operation) {
    constexpr auto known_flags = static_cast<unsigned>(spec::SubmissionFlag::decrypt) |
                                 static_cast<unsigned>(spec::SubmissionFlag::interrupt_now);
    if ((entry.flags & ~known_flags) != 0 || entry.crypt_off != 0 || entry.auth_off != 0) {
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
                return entry.src_len == sizeof(spec::SessionParameters)
                           ? spec::Status{}
                           : request_error(spec::RequestError::bad_length);
            }
            break;
        case spec::Opcode::session_destroy:
            if (is_admin) {
                return {};
            }
            break;
        case spec::Opcode::cipher:
            if (!is_admin) {
                return check_cipher(entry, operation);
            }
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
        if (entry.iv_len != 16 || entry.aad_len != 0 || entry.tag_len != 0) {
            return request_error(spec::RequestError::bad_field);
        }
        if (entry.src_len == 0 || entry.src_len % 16 != 0) {
            return request_error(spec::RequestError::bad_length);
        }
    } else {
        if (entry.iv_len == 0 || entry.iv_len > 16 || !is_gcm_tag_length(entry.tag_len)) {
            return request_error(spec::RequestError::bad_field);
        }
        const std::uint32_t around = entry.aad_len + (decrypt ? std::uint32_t{entry.tag_len} : 0);
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
    const DmaResult result =
        operation.source.empty() ? DmaResult::ok : dma_.read(operation.entry.src, operation.source);
    if (dma_failed(result, false, operation.entry.src, operation)) {
        schedule(Stage::completed, config_.completion, slot);
        return;
    }
    statistics_.dma_read += operation.source.size();
    const bool is_admin = operation.queue == 0;
    // Key bytes leave no trace, not even as a digest.
    record(TraceKind::dma_read, operation.queue, operation.entry.user_tag,
           is_admin ? 0 : digest_of(operation.source));
    if (is_admin) {
        run_admin(operation);
        schedule(Stage::completed, config_.completion, slot);
        return;
    }
    waiting_for_slice_.push_back(slot);
    feed_slices();
}

void Device::Impl::run_admin(Operation& operation) {
    if (operation.entry.opcode == static_cast<std::uint8_t>(spec::Opcode::session_destroy)) {
        if (!sessions_.destroy(operation.entry.session)) {
            operation.status = request_error(spec::RequestError::bad_session);
        }
        return;
    }
    spec::SessionParameters parameters;
    std::memcpy(&parameters, operation.source.data(), sizeof parameters);
    const auto algorithm = static_cast<spec::Algorithm>(parameters.algorithm);
    const bool known =
        algorithm == spec::Algorithm::aes_cbc || algorithm == spec::Algorithm::aes_gcm;
    const std::size_t key_size = parameters.key_len;
    if (!known || (key_size != 16 && key_size != 24 && key_size != 32)) {
        operation.status = request_error(spec::RequestError::bad_field);
    } else if (const auto id = sessions_.create(
                   algorithm, std::as_bytes(std::span(parameters.key)).first(key_size))) {
        operation.result = *id;
    } else {
        operation.status = request_error(spec::RequestError::no_session_left);
    }
    explicit_bzero(&parameters, sizeof parameters);
}

void Device::Impl::feed_slices() {
    while (busy_slices_ < config_.slices && !waiting_for_slice_.empty()) {
        const std::uint32_t slot = waiting_for_slice_.front();
        waiting_for_slice_.pop_front();
        if (operations_[slot].serial == 0) {
            continue;  // aborted while it waited
        }
        ++busy_slices_;
        const Duration service =
            config_.slice_fixed +
            config_.slice_per_byte * static_cast<std::int64_t>(operations_[slot].source.size());
        statistics_.busy += service;
        schedule(Stage::slice_done, service, slot);
    }
}

void Device::Impl::run_slice(Operation& operation, std::uint32_t slot) {
    operation.status = operation.key->run(operation.entry, operation.source, operation.output);
    statistics_.bytes += operation.source.size();
    record(TraceKind::slice, operation.queue, operation.entry.user_tag,
           encode_status(operation.status, false));
    if (!operation.status.ok()) {
        schedule(Stage::completed, config_.completion, slot);
        return;
    }
    const Time written = over_link(upstream_free_, operation.output.size(), config_.dma_write);
    calendar_.add(written, {Stage::written, operation.queue, slot, operation.serial});
}

void Device::Impl::write_output(Operation& operation, std::uint32_t slot) {
    const DmaResult result = operation.output.empty()
                                 ? DmaResult::ok
                                 : dma_.write(operation.entry.dst, operation.output);
    if (!dma_failed(result, true, operation.entry.dst, operation)) {
        operation.result = static_cast<std::uint32_t>(operation.output.size());
        statistics_.dma_written += operation.output.size();
        record(TraceKind::dma_write, operation.queue, operation.entry.user_tag,
               digest_of(operation.output));
    }
    schedule(Stage::completed, config_.completion, slot);
}

/// When a transfer that starts now has crossed one direction of the link: behind what is on it
/// already, then its own bytes, then the latency.
Time Device::Impl::over_link(Time& link_free, std::size_t bytes, Duration latency) {
    link_free =
        std::max(link_free, now_) + config_.link_per_byte * static_cast<std::int64_t>(bytes);
    return link_free + latency;
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

std::uint32_t Device::Impl::take_slot() {
    if (vacant_.empty()) {
        vacant_.push_back(static_cast<std::uint32_t>(operations_.size()));
        operations_.emplace_back();
    }
    const std::uint32_t slot = vacant_.back();
    vacant_.pop_back();
    operations_[slot].serial = ++serial_;
    ++in_pipeline_;
    return slot;
}

/// The buffers stay for the next operation, their contents do not: they held plaintext or a key.
void Device::Impl::release(std::uint32_t slot) {
    Operation& operation = operations_[slot];
    cleanse(operation.source);
    cleanse(operation.output);
    operation.key.reset();
    operation.serial = 0;
    operation.status = {};
    operation.result = 0;
    operation.detail = 0;
    vacant_.push_back(slot);
    --in_pipeline_;
}

}  // namespace ringside::core
