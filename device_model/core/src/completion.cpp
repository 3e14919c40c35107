// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The end of an operation: the completion entry, and whether and when an interrupt tells of it.

#include <algorithm>
#include <bit>
#include <cstring>

#include "device_impl.hpp"

namespace ringside::core {
namespace {

/// A completion entry put together in registers and written in two halves: whoever reads more at
/// once than was written at once waits until what was written has reached the cache, and with it
/// all that was written before.
inline spec::CompletionEntry in_halves(const spec::CompletionEntry& parts) {
    using Half [[gnu::vector_size(16)]] = std::uint64_t;
    const auto word = [](std::uint64_t low, std::uint64_t high) { return low | high << 32; };
    const Half halves[] = {{parts.user_tag, word(parts.result, parts.detail)},
                           {word(parts.latency_ns, parts.reserved),
                            word(parts.sq_head | std::uint32_t{parts.qid} << 16,
                                 parts.cid | std::uint32_t{parts.status} << 16)}};
    spec::CompletionEntry entry;
    static_assert(sizeof halves == sizeof entry);
    std::memcpy(&entry, halves, sizeof entry);
    return entry;
}

}  // namespace

void Device::Impl::complete(Operation& operation) {
    const Queue& queue = queues_[operation.queue];
    if (queue.state != spec::QueueState::enabled) {
        return;  // its ring has failed: there is nowhere to say it
    }
    const std::int64_t latency = to_ns(now_ - operation.doorbell);
    PendingCompletion pending{operation.queue, operation.entry.opcode,
                              in_halves({.user_tag = operation.entry.user_tag,
                                         .result = operation.status.ok() ? operation.result : 0,
                                         .detail = operation.detail,
                                         .latency_ns = static_cast<std::uint32_t>(
                                             std::min<std::int64_t>(latency, 0xFFFFFFFF)),
                                         .sq_head = static_cast<std::uint16_t>(queue.sq.head),
                                         .qid = operation.queue,
                                         .cid = operation.entry.cid}),
                              operation.status};
    if (faults_.any() && strike_completion(pending)) {
        return;
    }
    post(pending);
    const bool at_once =
        (operation.entry.flags & static_cast<unsigned>(spec::SubmissionFlag::interrupt_now)) != 0;
    announce(operation.queue, at_once);
}

void Device::Impl::post(const PendingCompletion& pending) {
    const std::uint16_t index = pending.queue;
    Queue& queue = queues_[index];
    if (queue.cq.is_full()) {
        queue.state = spec::QueueState::error;
        raise_error(spec::ErrorSource::cq_overrun, 0, index, pending.entry.cid);
        return;
    }
    spec::CompletionEntry entry = pending.entry;
    entry.status = encode_status(pending.status, queue.cq.phase);
    entry = in_halves(entry);
    const auto bytes = std::as_bytes(std::span(&entry, 1));
    const std::uint64_t address = queue.cq.tail_address(sizeof entry);
    const DmaResult result = write_entry(pending, address, bytes);
    if (result != DmaResult::ok) {
        queue.state = spec::QueueState::error;
        raise_error(result == DmaResult::iommu_fault ? spec::ErrorSource::iommu
                                                     : spec::ErrorSource::dma_write,
                    address, index, entry.cid);
        return;
    }
    record(TraceKind::completion, index, entry.user_tag, digest_of(bytes));
    queue.cq.step();
    queue.last_tag = {entry.cid, entry.user_tag};
    queue.moderation.note_completion();
    ++statistics_.operations;
    statistics_.dma_written += sizeof entry;
    ++queue.completed;
    if (!pending.status.ok()) {
        ++statistics_.errors;
        ++queue.errors;
    }
}

DmaResult Device::Impl::write_entry(const PendingCompletion& pending, std::uint64_t address,
                                    std::span<const std::byte> bytes) {
    before_write(address, bytes.size());
    if (!faults_.any()) {
        return dma_.write_entry(address, bytes);
    }
    const FaultEvent event{now_, pending.queue, pending.opcode};
    if (strike(spec::FaultKind::completion_fault, event)) {
        return DmaResult::iommu_fault;
    }
    if (const auto torn = strike(spec::FaultKind::torn_completion, event)) {
        constexpr std::size_t tail = spec::completion_tail_offset;
        write_late(torn->ns(), pending.queue, address, bytes.first(tail), true);
        return dma_.write(address + tail, bytes.subspan(tail));
    }
    return dma_.write_entry(address, bytes);
}

/// Interrupts now, later or not, as the moderation judges.
void Device::Impl::announce(std::uint16_t index, bool at_once) {
    Queue& queue = queues_[index];
    const std::uint32_t limits = registers_.get32(spec::at("INT_MOD").of(index));
    const auto count = static_cast<std::uint32_t>(spec::field("INT_MOD", "COUNT").get(limits));
    const auto time = std::chrono::microseconds(spec::field("INT_MOD", "TIME_US").get(limits));
    const auto delay = queue.moderation.judge({count, time}, at_once);
    if (delay == Duration{}) {
        fire(index);
    } else if (delay) {
        calendar_.add(now_ + *delay,
                      {Stage::moderation, index, queue.moderation.timer(), queue.epoch});
    }
}

void Device::Impl::fire(std::uint16_t index) {
    Queue& queue = queues_[index];
    queue.moderation.stop_timer();
    if (queue.interrupts_enabled && strike(spec::FaultKind::coalesce_for_ever, index)) {
        return;
    }
    queue.moderation.fired();
    if (queue.interrupts_enabled && !(faults_.any() && strike_interrupt(index))) {
        send_message(queue, now_ + config_.interrupt);
    }
}

void Device::Impl::send_message(const Queue& queue, Time when) {
    calendar_.add(when,
                  {Stage::interrupt, static_cast<std::uint16_t>(queue.vector), reset_epoch_, 0});
}

void Device::Impl::raise_vector(std::uint32_t vector) {
    const bool sent = msix_.raise(vector);
    statistics_.messages += sent ? 1 : 0;
    record_message(vector, sent ? MessageFate::sent : MessageFate::pending);
}

void Device::Impl::note_late_messages(std::uint64_t vectors) {
    for (; vectors != 0; vectors &= vectors - 1) {
        ++statistics_.messages;
        record_message(static_cast<std::uint32_t>(std::countr_zero(vectors)),
                       MessageFate::sent_late);
    }
}

void Device::Impl::record_message(std::uint32_t vector, MessageFate fate) {
    record(TraceKind::interrupt, static_cast<std::uint16_t>(vector), statistics_.messages,
           static_cast<std::uint64_t>(fate));
}

}  // namespace ringside::core
