// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Queue pairs: enabling, doorbells, who may fetch next, and queue reset.

#include <algorithm>
#include <bit>
#include <utility>

#include "device_impl.hpp"

namespace ringside::core {

void Device::Impl::enable_queue(std::uint32_t index) {
    Queue& queue = queues_[index];
    if (queue.state != spec::QueueState::disabled) {
        return;
    }
    const std::uint32_t size = registers_.get32(spec::at("Q_SIZE").of(index));
    const std::uint64_t sq_entries = spec::field("Q_SIZE", "SQ").get(size) + 1;
    const std::uint64_t cq_entries = spec::field("Q_SIZE", "CQ").get(size) + 1;
    const std::uint32_t vec = registers_.get32(spec::at("CQ_VEC").of(index));
    const auto good_size = [this](std::uint64_t entries) {
        return std::has_single_bit(entries) && entries >= spec::min_ring_entries &&
               entries <= std::uint64_t{1} << config_.log2_max_entries;
    };
    Queue fresh;
    fresh.epoch = queue.epoch + 1;
    fresh.sq.base = registers_.get64(spec::at("SQ_BASE").of(index));
    fresh.cq.base = registers_.get64(spec::at("CQ_BASE").of(index));
    fresh.vector = static_cast<std::uint32_t>(spec::field("CQ_VEC", "VECTOR").get(vec));
    fresh.interrupts_enabled = spec::field("CQ_VEC", "IEN").get(vec) != 0;
    const bool good = good_size(sq_entries) && good_size(cq_entries) &&
                      fresh.sq.base % (sq_entries * sizeof(spec::SubmissionEntry)) == 0 &&
                      fresh.cq.base % (cq_entries * sizeof(spec::CompletionEntry)) == 0 &&
                      fresh.vector < spec::max_vectors &&
                      (fresh.vector != spec::error_vector || !fresh.interrupts_enabled);
    if (!good) {
        queue.state = spec::QueueState::error;
        raise_error(spec::ErrorSource::bad_config, 0, static_cast<std::uint16_t>(index), nobody);
        return;
    }
    fresh.state = spec::QueueState::enabled;
    fresh.sq.mask = static_cast<std::uint32_t>(sq_entries - 1);
    fresh.cq.mask = static_cast<std::uint32_t>(cq_entries - 1);
    fresh.doorbell_times.resize(sq_entries);
    queue = std::move(fresh);
    eligible_ &= ~bit_of(index);
    refill(index);
}

void Device::Impl::submission_doorbell(std::uint32_t index, std::uint32_t value) {
    Queue& queue = queues_[index];
    const std::uint32_t tail = value & 0xFFFF;
    const bool good =
        queue.state == spec::QueueState::enabled && value >> 16 == 0 && queue.sq.accepts(tail);
    if (!good) {
        raise_error(spec::ErrorSource::bad_doorbell, spec::at("SQ_DB").of(index),
                    static_cast<std::uint16_t>(index), nobody);
        return;
    }
    if (strike(spec::FaultKind::drop_doorbell, static_cast<std::uint16_t>(index))) {
        return;
    }
    if (strike(spec::FaultKind::self_reset, static_cast<std::uint16_t>(index))) {
        begin_reset();
        return;
    }
    record(TraceKind::doorbell, static_cast<std::uint16_t>(index), tail);
    for (; queue.sq.tail != tail; queue.sq.tail = queue.sq.after(queue.sq.tail)) {
        queue.doorbell_times[queue.sq.tail] = now_;
        ++queue.credits_in_use;
    }
    ring(index);
}

void Device::Impl::completion_doorbell(std::uint32_t index, std::uint32_t value) {
    Queue& queue = queues_[index];
    const auto head = static_cast<std::uint32_t>(spec::field("CQ_DB", "HEAD").get(value));
    const std::uint32_t consumed = queue.cq.consumed(head);
    if (queue.state == spec::QueueState::disabled || !queue.cq.accepts(head)) {
        raise_error(spec::ErrorSource::bad_doorbell, spec::at("CQ_DB").of(index),
                    static_cast<std::uint16_t>(index), nobody);
        return;
    }
    if (strike(spec::FaultKind::drop_head_doorbell, static_cast<std::uint16_t>(index))) {
        return;
    }
    queue.cq.head = head;
    queue.credits_in_use -= std::min(consumed, queue.credits_in_use);
    if (spec::field("CQ_DB", "ARM").get(value) != 0 &&
        queue.moderation.arm(queue.cq.unconsumed())) {
        fire(static_cast<std::uint16_t>(index));
    }
}

/// A descriptor is announced: the arbiter hears of it when the doorbell has crossed the link.
void Device::Impl::ring(std::uint32_t index) {
    Queue& queue = queues_[index];
    if (!queue.rang && (eligible_ & bit_of(index)) == 0) {
        queue.rang = true;
        calendar_.add(now_ + config_.doorbell,
                      {Stage::doorbell, static_cast<std::uint16_t>(index), queue.epoch, 0});
    }
}

// ---- fetching: one batch at a time, queues in turn, each as much as its weight allows ----

/// Zero: as many as fit a batch.
std::uint32_t Device::Impl::weight(std::uint32_t index) const {
    return static_cast<std::uint32_t>(
        spec::field("Q_CTRL", "WEIGHT").get(registers_.get32(spec::at("Q_CTRL").of(index))));
}

void Device::Impl::arbitrate() {
    if (eligible_ == 0 || fetching_ || is_frozen_ || state() != spec::DeviceState::ready) {
        return;
    }
    const bool turn_goes_on = fetched_in_turn_ != 0 && fetched_in_turn_ < weight(last_served_);
    const std::uint32_t first = turn_goes_on ? last_served_ : last_served_ + 1;
    for (std::uint64_t turns = std::rotr(eligible_, static_cast<int>(first % 64)); turns != 0;
         turns &= turns - 1) {
        const std::uint32_t index =
            (first + static_cast<std::uint32_t>(std::countr_zero(turns))) % 64;
        if (may_fetch(index)) {
            fetching_ = true;
            fetched_in_turn_ = turn_goes_on && index == last_served_ ? fetched_in_turn_ : 0;
            last_served_ = index;
            calendar_.add(now_ + config_.fetch, {Stage::fetch, static_cast<std::uint16_t>(index),
                                                 queues_[index].epoch, reset_epoch_});
            return;
        }
    }
}

/// Whether the arbiter may choose a queue. One that only its rate holds back is looked at again
/// when the next token is there.
bool Device::Impl::may_fetch(std::uint32_t index) {
    Queue& queue = queues_[index];
    if (queue.fenced || queue.limited || queue.state != spec::QueueState::enabled) {
        return false;
    }
    const auto limit = rate_limit(index);
    if (!limit || queue.rate.tokens(now_, *limit) != 0) {
        return true;
    }
    queue.limited = true;
    const std::uint32_t stalls = spec::at("Q_STALLS").of(index);
    registers_.set64(stalls, registers_.get64(stalls) + 1);
    calendar_.add(queue.rate.next_token(*limit),
                  {Stage::token, static_cast<std::uint16_t>(index), queue.epoch, 0});
    return false;
}

/// Empty: the queue may fetch as fast as it gets its turn.
std::optional<RateLimit> Device::Impl::rate_limit(std::uint32_t index) const {
    const std::uint32_t per_second = registers_.get32(spec::at("RL_RATE").of(index));
    if (per_second == 0) {
        return std::nullopt;
    }
    const auto burst =
        spec::field("RL_BURST", "TOKENS").get(registers_.get32(spec::at("RL_BURST").of(index)));
    return RateLimit{Duration(std::chrono::seconds(1)) / per_second,
                     std::max(static_cast<std::uint32_t>(burst), 1u)};
}

/// The limit has been set or changed: its bucket begins full.
void Device::Impl::refill(std::uint32_t index) {
    Queue& queue = queues_[index];
    if (const auto limit = rate_limit(index)) {
        queue.rate.fill(now_, *limit);
    }
    queue.limited = false;
    arbitrate();
}

/// The turn goes on if the queue can be chosen again at once.
void Device::Impl::fetch(std::uint32_t index, std::uint32_t epoch) {
    fetching_ = false;
    const std::uint32_t before = std::exchange(fetched_in_turn_, 0);
    Queue& queue = queues_[index];
    if (queue.epoch == epoch && state() == spec::DeviceState::ready &&
        queue.state == spec::QueueState::enabled) {
        const std::uint32_t most = weight(index);
        std::uint32_t count = std::min(queue.sq.unfetched(), config_.fetch_batch);
        count = most != 0 ? std::min(count, most - std::min(most, before)) : count;
        const auto limit = rate_limit(index);
        count = limit ? std::min(count, queue.rate.tokens(now_, *limit)) : count;
        const std::size_t in_a_row = std::min(count, queue.sq.mask + 1 - queue.sq.head);
        dma_.expect(queue.sq.head_address(sizeof(spec::SubmissionEntry)),
                    in_a_row * sizeof(spec::SubmissionEntry));
        std::uint32_t fetched = 0;
        while (fetched != count && fetch_one(index)) {
            ++fetched;
            if (limit) {
                queue.rate.take(now_, *limit);
            }
        }
        if (queue.sq.unfetched() == 0) {
            eligible_ &= ~bit_of(index);
        }
        fetched_in_turn_ = before + fetched;
    }
    arbitrate();
    if (!fetching_) {
        fetched_in_turn_ = 0;
    }
}

/// The descriptor at the queue's head. False: its DMA failed, which has been raised as an error.
bool Device::Impl::read_descriptor(std::uint32_t index, spec::SubmissionEntry& entry) {
    const Queue& queue = queues_[index];
    const std::uint64_t address = queue.sq.head_address(sizeof entry);
    const bool refused =
        strike(spec::FaultKind::descriptor_fault, static_cast<std::uint16_t>(index)).has_value();
    const DmaResult result = refused
                                 ? dma_.refuse_read()
                                 : dma_.read(address, std::as_writable_bytes(std::span(&entry, 1)));
    if (result != DmaResult::ok) {
        raise_error(result == DmaResult::iommu_fault ? spec::ErrorSource::iommu
                                                     : spec::ErrorSource::dma_read,
                    address, static_cast<std::uint16_t>(index), nobody);
        return false;
    }
    statistics_.dma_read += sizeof entry;
    return true;
}

/// False: the ring has failed, or the descriptor is fenced and stays where it is for now.
bool Device::Impl::fetch_one(std::uint32_t index) {
    Queue& queue = queues_[index];
    const std::uint32_t slot = vacant_slot();
    Operation& operation = operations_[slot];
    if (!read_descriptor(index, operation.entry)) {
        // Without its descriptor an operation cannot even be refused: the ring is unusable.
        queue.state = spec::QueueState::error;
        return false;
    }
    if (queue.in_chip != 0 && operation.has(spec::SubmissionFlag::fence)) {
        queue.fenced = true;
        return false;
    }
    take_slot(operation, index);
    operation.doorbell = queue.doorbell_times[queue.sq.head];
    queue.sq.step();
    admit(operation, slot);
    return true;
}

/// An operation has been completed: a fence may stand open now.
void Device::Impl::lift_fence(std::uint32_t index) {
    Queue& queue = queues_[index];
    if (queue.fenced && queue.in_chip == 0) {
        queue.fenced = false;
        arbitrate();
    }
}

/// Stops a queue: no more DMA for what is under way; everything announced and not completed ends as
/// ABORTED, in the order of submission, what has not been fetched yet included.
void Device::Impl::reset_queue(std::uint32_t index) {
    Queue& queue = queues_[index];
    if (queue.state == spec::QueueState::resetting) {
        return;
    }
    if (is_frozen_ ||
        strike(spec::FaultKind::hang_queue_reset, static_cast<std::uint16_t>(index))) {
        queue.state = spec::QueueState::resetting;
        return;
    }
    if (queue.state == spec::QueueState::enabled && state() != spec::DeviceState::error) {
        eligible_ &= ~bit_of(index);  // nothing more is fetched
        abort_queue(index, spec::AbortReason::queue_reset);
    }
    for (std::uint32_t slot = 0; slot < operations_.size(); ++slot) {
        Operation& operation = operations_[slot];
        if (operation.serial != 0 && operation.queue == index) {
            // The ring or the chip has failed: there is nowhere to say it.
            release(operation, slot);
        }
    }
    const std::uint32_t epoch = queue.epoch + 1;
    queue = Queue{};
    queue.epoch = epoch;
    eligible_ &= ~bit_of(index);
    registers_.reset_block(spec::blocks[1], index, spec::ResetDomain::queue);
}

void Device::Impl::abort_queue(std::uint32_t index, spec::AbortReason reason) {
    Queue& queue = queues_[index];
    std::vector<std::uint32_t> slots;
    for (std::uint32_t slot = 0; slot < operations_.size(); ++slot) {
        if (operations_[slot].serial != 0 && operations_[slot].queue == index) {
            slots.push_back(slot);
        }
    }
    std::sort(slots.begin(), slots.end(), [this](std::uint32_t a, std::uint32_t b) {
        return operations_[a].serial < operations_[b].serial;
    });
    while (queue.sq.unfetched() != 0) {
        const std::uint32_t slot = vacant_slot();
        Operation& operation = operations_[slot];
        if (!read_descriptor(index, operation.entry)) {
            break;  // whose it was cannot be said; those behind it go the same way
        }
        take_slot(operation, index);
        operation.doorbell = queue.doorbell_times[queue.sq.head];
        queue.sq.step();
        slots.push_back(slot);
    }
    for (const std::uint32_t slot : slots) {
        operations_[slot].status = spec::Status::of(spec::StatusType::aborted, reason);
        retire(operations_[slot], slot);
    }
}

}  // namespace ringside::core
