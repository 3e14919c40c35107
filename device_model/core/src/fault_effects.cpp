// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// What injected faults do, site by site along the way of an operation, and the registers that say
// which there are. FaultInjector decides whether an event is struck.

#include <algorithm>
#include <utility>

#include "device_impl.hpp"
#include "ringside/base/assert.hpp"

namespace ringside::core {
namespace {

using spec::FaultKind;

/// Where an operation's source begins: the address that a failed read is reported with.
std::uint64_t source_address(const Operation& operation) {
    return operation.source_list.empty() ? operation.entry.src
                                         : operation.source_list.front().address;
}

bool has_vector(const Queue& queue) {
    return queue.state == spec::QueueState::enabled && queue.interrupts_enabled;
}

}  // namespace

// ---- the registers ----

void Device::Impl::program_faults() {
    RINGSIDE_ASSERT(trace_, config_.faults.empty() || config_.fault_injection,
                    "a chip without fault injection has %zu faults", config_.faults.size());
    for (const FaultRule& rule : config_.faults) {
        const auto kind = static_cast<std::uint32_t>(rule.kind);
        RINGSIDE_ASSERT(trace_, spec::find_fault(kind) != nullptr, "no fault has the kind %u",
                        kind);
        const bool has_slot = inject(rule).has_value();
        RINGSIDE_ASSERT(trace_, has_slot, "%zu faults, but %u slots", config_.faults.size(),
                        spec::fault_rules);
    }
}

std::optional<std::uint32_t> Device::Impl::inject(const FaultRule& rule) {
    const bool takes_rules =
        config_.fault_injection && !is_gone_ && state() != spec::DeviceState::dead;
    if (!takes_rules || spec::find_fault(static_cast<std::uint32_t>(rule.kind)) == nullptr) {
        return std::nullopt;
    }
    for (std::uint32_t slot = 0; slot < spec::fault_rules; ++slot) {
        if (!faults_.is_active(slot)) {
            for (const RegisterWrite& write : register_writes(rule, slot)) {
                apply_write(write.offset, write.value);
            }
            return slot;
        }
    }
    return std::nullopt;
}

std::uint32_t Device::Impl::fault_register(const spec::Location& location,
                                           std::uint32_t offset) const {
    const std::uint32_t slot = location.instance;
    if (offset == spec::at("FI_MATCHED").of(slot)) {
        return static_cast<std::uint32_t>(faults_.matched(slot));
    }
    if (offset == spec::at("FI_FIRED").of(slot)) {
        return static_cast<std::uint32_t>(faults_.fired(slot));
    }
    const std::uint32_t value = registers_.read(location, offset);
    const auto active = static_cast<std::uint32_t>(spec::field("FI_CTRL", "ACTIVE").mask());
    return offset == spec::at("FI_CTRL").of(slot) && !faults_.is_active(slot) ? value & ~active
                                                                              : value;
}

/// FI_CTRL has been written, or another register of the rule, which waits for FI_CTRL.
void Device::Impl::write_fault(const spec::Location& location, std::uint32_t value) {
    const std::uint32_t slot = location.instance;
    if (location.reg->offset != spec::reg("FI_CTRL").offset) {
        return;
    }
    if (spec::field("FI_CTRL", "ACTIVE").get(value) == 0) {
        faults_.clear(slot);
        return;
    }
    if (faults_.is_active(slot)) {
        return;
    }
    const auto get = [&](spec::Address address) { return registers_.get32(address.of(slot)); };
    const std::uint32_t match = get(spec::at("FI_MATCH"));
    const std::uint32_t chance = get(spec::at("FI_CHANCE"));
    faults_.set(slot, {.kind = static_cast<FaultKind>(spec::field("FI_CTRL", "KIND").get(value)),
                       .queue = static_cast<std::uint16_t>(match),
                       .opcode = static_cast<std::uint16_t>(match >> 16),
                       .from_us = get(spec::at("FI_FROM_US")),
                       .after = get(spec::at("FI_AFTER")),
                       .every = get(spec::at("FI_EVERY")),
                       .count = get(spec::at("FI_COUNT")),
                       .chance_numerator = static_cast<std::uint16_t>(chance),
                       .chance_denominator = static_cast<std::uint16_t>(chance >> 16),
                       .offset = get(spec::at("FI_OFFSET")),
                       .value = static_cast<std::int32_t>(get(spec::at("FI_VALUE")))});
}

// ---- asking ----

std::optional<Fault> Device::Impl::strike_by_rule(FaultKind kind, const FaultEvent& event) {
    const auto fault = faults_.strike(kind, event);
    if (fault) {
        record(TraceKind::fault, event.queue, static_cast<std::uint64_t>(kind));
    }
    return fault;
}

// ---- fetched ----

/// True: the operation goes no further.
bool Device::Impl::strike_fetched(const Operation& operation) {
    if (const auto fault = strike(FaultKind::correctable, operation)) {
        for (std::int32_t i = 0; i < std::min(fault->value, spec::most_errors_at_once); ++i) {
            pci_.log_correctable(spec::pci::correctable::receiver_error);
            raise_error(spec::ErrorSource::correctable, 0, operation.queue, operation.entry.cid);
        }
    }
    if (has_vector(queues_[operation.queue]) && strike(FaultKind::spurious_interrupt, operation)) {
        send_message(queues_[operation.queue], now_ + config_.interrupt);
    }
    if (strike(FaultKind::ecc_fatal, operation)) {
        pci_.log_uncorrectable(spec::pci::uncorrectable::internal);
        raise_error(spec::ErrorSource::ecc_fatal, 0, operation.queue, operation.entry.cid);
    }
    if (const auto more = strike(FaultKind::break_slices, operation)) {
        broken_slices_ |= static_cast<std::uint8_t>(more->value);
    }
    // What the whole chip feels is an action of its own at the same instant: the fetch goes on.
    for (const FaultKind kind : {FaultKind::freeze, FaultKind::remove, FaultKind::lose_link}) {
        if (strike(kind, operation)) {
            calendar_.add(now_, {Stage::fault, operation.queue, static_cast<std::uint32_t>(kind),
                                 reset_epoch_});
        }
    }
    return strike(FaultKind::never_complete, operation).has_value();
}

void Device::Impl::strike_chip(FaultKind kind) {
    if (kind == FaultKind::remove) {
        is_gone_ = true;
    } else if (kind == FaultKind::lose_link) {
        function_level_reset();
    } else {
        heartbeats_before_ = heartbeats(now_);
        is_frozen_ = true;
    }
}

// ---- the source ----

/// True: the operation has failed, or waits for a read that nobody answers.
bool Device::Impl::strike_source(Operation& operation, std::uint32_t slot) {
    namespace aer = spec::pci::uncorrectable;
    if (operation.timed_out) {
        pci_.log_uncorrectable(aer::completion_timeout);
        fail_source(operation, slot, spec::ErrorSource::dma_read, spec::TransportError::dma_read);
        return true;
    }
    if (operation.source.empty()) {
        return false;
    }
    const auto answer = [&operation](bool is_poisoned) {
        return blocks::completion_header(operation.entry.src, operation.source.size(), is_poisoned);
    };
    if (const auto fault = strike(FaultKind::dma_timeout, operation)) {
        operation.timed_out = true;
        schedule(Stage::source_read, fault->ns(), slot);
    } else if (strike(FaultKind::poison, operation)) {
        pci_.log_uncorrectable(aer::poisoned, answer(true));
        fail_source(operation, slot, spec::ErrorSource::dma_read, spec::TransportError::dma_read);
    } else if (strike(FaultKind::unsupported_request, operation)) {
        pci_.log_master_abort();
        fail_source(operation, slot, spec::ErrorSource::dma_read, spec::TransportError::dma_read);
    } else if (strike(FaultKind::completer_abort, operation)) {
        pci_.log_target_abort();
        fail_source(operation, slot, spec::ErrorSource::dma_read, spec::TransportError::dma_read);
    } else if (strike(FaultKind::malformed_tlp, operation)) {
        pci_.log_uncorrectable(aer::malformed, answer(false));
        fail_source(operation, slot, spec::ErrorSource::link, spec::TransportError::dma_read);
    } else if (strike(FaultKind::ecc_error, operation)) {
        pci_.log_uncorrectable(aer::internal);
        fail_source(operation, slot, spec::ErrorSource::ecc_uncorrectable,
                    spec::TransportError::ecc);
    } else if (strike(FaultKind::iommu_read, operation)) {
        fail_source(operation, slot, spec::ErrorSource::iommu, spec::TransportError::iommu);
        pci_.log_master_abort();
    } else {
        return false;
    }
    return true;
}

void Device::Impl::fail_source(Operation& operation, std::uint32_t slot, spec::ErrorSource source,
                               spec::TransportError error) {
    const std::uint64_t address =
        error == spec::TransportError::ecc ? 0 : source_address(operation);
    operation.status = spec::Status::of(spec::StatusType::transport, error);
    operation.detail = static_cast<std::uint32_t>(address);
    raise_error(source, address, operation.queue, operation.entry.cid);
    schedule(Stage::completed, config_.completion, slot);
}

// ---- slice and output ----

void Device::Impl::strike_outcome(Operation& operation, Outcome& outcome) {
    const auto failed_check = [&](spec::CryptoError error) {
        return outcome.status == spec::Status::of(spec::StatusType::crypto, error);
    };
    const auto opcode = static_cast<spec::Opcode>(operation.entry.opcode);
    const bool verifies = opcode == spec::Opcode::verify;
    const bool opens =
        opcode == spec::Opcode::cipher && operation.has(spec::SubmissionFlag::decrypt) &&
        (operation.entry.tag_len != 0 || operation.session->kind() == SliceKind::record);
    if (failed_check(spec::CryptoError::auth_failed) ||
        failed_check(spec::CryptoError::verify_failed)) {
        if (strike(FaultKind::accept_bad_tag, operation)) {
            outcome.status = {};
        }
    } else if ((verifies || opens) && outcome.status.ok() &&
               strike(FaultKind::refuse_good_tag, operation)) {
        outcome =
            failed(verifies ? spec::CryptoError::verify_failed : spec::CryptoError::auth_failed);
    } else if (opcode == spec::Opcode::rsa_private && outcome.status.ok() &&
               strike(FaultKind::wrong_crt_half, operation)) {
        operation.session->spoil_half(operation.output);
    }
}

/// True: the output is not written now.
bool Device::Impl::strike_output(Operation& operation, std::uint32_t slot) {
    if (operation.output.empty()) {
        return false;
    }
    if (const auto flip = strike(FaultKind::flip_output, operation)) {
        operation.output[flip->offset % operation.output.size()] ^=
            static_cast<std::byte>(flip->value);
    }
    if (strike(FaultKind::iommu_write, operation)) {
        const std::uint64_t address = operation.target_list.empty()
                                          ? operation.entry.dst
                                          : operation.target_list.front().address;
        dma_failed(DmaResult::iommu_fault, true, address, operation);
        schedule(Stage::completed, config_.completion, slot);
        return true;
    }
    const auto late = strike(FaultKind::late_dma, operation);
    if (!late) {
        return false;
    }
    std::span<const std::byte> rest = operation.output;
    if (operation.target_list.empty()) {
        write_late(late->ns(), operation.queue, operation.entry.dst, rest, false);
    }
    for (const spec::ListEntry& piece : operation.target_list) {
        const std::size_t length = std::min<std::size_t>(piece.length, rest.size());
        write_late(late->ns(), operation.queue, piece.address, rest.first(length), false);
        rest = rest.subspan(length);
    }
    const std::uint32_t queue = operation.queue;
    release(operation, slot);
    lift_fence(queue);
    return true;
}

// ---- completion ----

/// The operation is about to be completed. True: not yet.
bool Device::Impl::strike_end(Operation& operation, std::uint32_t slot) {
    Queue& queue = queues_[operation.queue];
    if (operation.delayed || queue.state != spec::QueueState::enabled) {
        return false;
    }
    auto fault = strike(FaultKind::delay_completion, operation);
    if (!fault && queue.moderation.is_armed() && queue.interrupts_enabled) {
        fault = strike(FaultKind::early_interrupt, operation);
        if (fault) {
            queue.moderation.disarm();
            raise_vector(queue.vector);
        }
    }
    if (fault) {
        operation.delayed = true;
        schedule(Stage::completed, fault->ns(), slot);
    }
    return fault.has_value();
}

/// True: the entry is not written now.
bool Device::Impl::strike_completion(PendingCompletion& pending) {
    const FaultEvent event{now_, pending.queue, pending.opcode};
    spec::CompletionEntry& entry = pending.entry;
    if (strike(FaultKind::drop_completion, event)) {
        return true;
    }
    if (const auto late = strike(FaultKind::late_completion, event)) {
        post_late(late->ns(), pending);
        return true;
    }
    if (const auto wrong = strike(FaultKind::wrong_cid, event)) {
        entry.cid ^= static_cast<std::uint16_t>(wrong->value);
    }
    const auto& last = queues_[pending.queue].last_tag;
    if (last && strike(FaultKind::stale_tag, event)) {
        entry.cid = last->cid;
        entry.user_tag = last->user_tag;
    }
    if (const auto wrong = strike(FaultKind::wrong_length, event)) {
        entry.result += static_cast<std::uint32_t>(wrong->value);
    }
    if (const auto wrong = strike(FaultKind::wrong_head, event)) {
        entry.sq_head = static_cast<std::uint16_t>(entry.sq_head + wrong->value);
    }
    if (const auto again = strike(FaultKind::duplicate_completion, event)) {
        post_late(again->ns(), pending);
    }
    return false;
}

// ---- what comes late, from a part of the chip that no reset reaches ----

void Device::Impl::write_late(Duration delay, std::uint16_t queue, std::uint64_t address,
                              std::span<const std::byte> bytes, bool is_entry) {
    auto epoch = is_entry ? std::optional(queues_[queue].epoch) : std::nullopt;
    late_writes_.emplace(++late_serial_, LateWrite{address, CleansedBuffer(bytes), epoch});
    calendar_.add(now_ + delay, {Stage::late_write, queue, 0, late_serial_});
}

void Device::Impl::post_late(Duration delay, const PendingCompletion& pending) {
    late_entries_.emplace(++late_serial_, pending);
    calendar_.add(now_ + delay, {Stage::late_entry, pending.queue, 0, late_serial_});
}

void Device::Impl::perform_late(const Action& action) {
    const Queue& queue = queues_[action.queue()];
    if (action.stage() == Stage::late_write) {
        const auto write = late_writes_.extract(action.serial());
        if (!write.mapped().epoch || *write.mapped().epoch == queue.epoch) {
            const auto bytes = write.mapped().bytes.bytes();
            before_write(write.mapped().address, bytes.size());
            dma_.write(write.mapped().address, bytes);
        }
        return;
    }
    auto entry = late_entries_.extract(action.serial());
    if (queue.state == spec::QueueState::enabled) {
        post(entry.mapped());
        announce(action.queue(), false);
    }
}

// ---- interrupts ----

/// The queue pair has been disarmed and would send its message. True: it does not.
bool Device::Impl::strike_interrupt(std::uint16_t index) {
    const Queue& queue = queues_[index];
    if (strike(FaultKind::drop_interrupt, index)) {
        return true;
    }
    if (const auto other = strike(FaultKind::misroute_interrupt, index)) {
        const auto vector = static_cast<std::uint32_t>(other->value) % spec::max_vectors;
        calendar_.add(now_ + config_.interrupt,
                      {Stage::interrupt, static_cast<std::uint16_t>(vector), reset_epoch_, 0});
        return true;
    }
    if (strike(FaultKind::mask_vector, index)) {
        msix_.mask(queue.vector);
    }
    if (const auto more = strike(FaultKind::interrupt_storm, index)) {
        calendar_.add(now_ + 2 * config_.interrupt,
                      {Stage::storm, static_cast<std::uint16_t>(queue.vector), reset_epoch_,
                       static_cast<std::uint64_t>(std::max(more->value, 0))});
    }
    return false;
}

void Device::Impl::storm(const Action& action) {
    if (action.serial() == 0 || action.slot() != reset_epoch_) {
        return;
    }
    raise_vector(action.queue());
    calendar_.add(now_ + config_.interrupt,
                  {Stage::storm, action.queue(), action.slot(), action.serial() - 1});
}

}  // namespace ringside::core
