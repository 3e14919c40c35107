// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The end of an operation: the completion entry, and whether and when an interrupt tells of it.

#include <algorithm>
#include <cstring>

#include "device_impl.hpp"

namespace ringside::core {

void Device::Impl::complete(Operation& operation) {
    spec::CompletionEntry entry;
    entry.user_tag = operation.entry.user_tag;
    entry.result = operation.status.ok() ? operation.result : 0;
    entry.detail = operation.detail;
    entry.latency_ns = static_cast<std::uint32_t>(
        std::min<std::int64_t>(to_ns(now_ - operation.doorbell), 0xFFFFFFFF));
    entry.cid = operation.entry.cid;
    Queue& queue = queues_[operation.queue];
    if (queue.state != spec::QueueState::enabled) {
        return;  // its ring has failed: there is nowhere to say it
    }
    post(queue, operation.queue, entry, operation.status);
    const bool at_once =
        (operation.entry.flags & static_cast<unsigned>(spec::SubmissionFlag::interrupt_now)) != 0;
    announce(operation.queue, at_once);
}

void Device::Impl::post(Queue& queue, std::uint16_t index, spec::CompletionEntry entry,
                        spec::Status status) {
    if (((queue.cq_tail + 1) & queue.cq_mask) == queue.cq_head) {
        queue.state = spec::QueueState::error;
        raise_error(spec::ErrorSource::cq_overrun, 0, index, entry.cid);
        return;
    }
    entry.sq_head = static_cast<std::uint16_t>(queue.sq_head);
    entry.qid = index;
    entry.status = encode_status(status, queue.phase);
    const auto bytes = std::as_bytes(std::span(&entry, 1));
    const std::uint64_t address = queue.cq_base + queue.cq_tail * sizeof entry;
    DmaResult result = dma_.write(address, bytes.first(spec::completion_tail_offset));
    if (result == DmaResult::ok) {
        result = dma_.write(address + spec::completion_tail_offset,
                            bytes.subspan(spec::completion_tail_offset));
    }
    if (result != DmaResult::ok) {
        queue.state = spec::QueueState::error;
        raise_error(result == DmaResult::iommu_fault ? spec::ErrorSource::iommu
                                                     : spec::ErrorSource::dma_write,
                    address, index, entry.cid);
        return;
    }
    record(TraceKind::completion, index, entry.user_tag, digest_of(bytes));
    queue.cq_tail = (queue.cq_tail + 1) & queue.cq_mask;
    queue.phase ^= queue.cq_tail == 0;
    ++queue.unannounced;
    ++statistics_.operations;
    statistics_.dma_written += sizeof entry;
    const auto count = [this](std::uint32_t offset) {
        registers_.set64(offset, registers_.get64(offset) + 1);
    };
    count(spec::at("Q_COMPLETED").of(index));
    if (!status.ok()) {
        ++statistics_.errors;
        count(spec::at("Q_ERRORS").of(index));
    }
}

/// One-shot and moderated: fires at the count, or when the time limit has run out since the first
/// completion that nobody was told of.
void Device::Impl::announce(std::uint16_t index, bool at_once) {
    Queue& queue = queues_[index];
    if (!queue.armed || queue.unannounced == 0) {
        return;
    }
    const std::uint32_t moderation = registers_.get32(spec::at("INT_MOD").of(index));
    const auto count = spec::field("INT_MOD", "COUNT").get(moderation);
    const auto time_us = spec::field("INT_MOD", "TIME_US").get(moderation);
    if (at_once || queue.unannounced >= std::max<std::uint64_t>(count, 1)) {
        fire(index);
    } else if (time_us != 0 && !queue.moderation_running) {
        queue.moderation_running = true;
        calendar_.add(now_ + std::chrono::microseconds(time_us),
                      {Stage::moderation, index, ++queue.moderation_epoch, queue.epoch});
    }
}

void Device::Impl::fire(std::uint16_t index) {
    Queue& queue = queues_[index];
    queue.armed = false;
    queue.unannounced = 0;
    queue.moderation_running = false;
    if (queue.interrupts_enabled) {
        calendar_.add(
            now_ + config_.interrupt,
            {Stage::interrupt, static_cast<std::uint16_t>(queue.vector), reset_epoch_, 0});
    }
}

void Device::Impl::raise_vector(std::uint32_t vector) {
    if (msix_.raise(vector)) {
        ++statistics_.messages;
    }
    record(TraceKind::interrupt, static_cast<std::uint16_t>(vector), statistics_.messages);
}

}  // namespace ringside::core
