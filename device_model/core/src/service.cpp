// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// An operation on a slice: which operation has one and for how long, who computes what comes out
// and when, and what the slice says of it. Operations come from read_source() and go to
// send_output(), or to their completion if they failed.

#include <algorithm>
#include <utility>

#include "device_impl.hpp"

namespace ringside::core {

void Device::Impl::free_slice(SliceClass slices) {
    --slices_[static_cast<std::size_t>(slices)].busy;
    record_busy(slices, nobody, 0);
}

/// At once, whatever they work on (device reset). That they are done is no news any more.
void Device::Impl::free_all_slices() {
    for (const SliceClass slices : {SliceClass::symmetric, SliceClass::asymmetric}) {
        SlicePool& pool = slices_[static_cast<std::size_t>(slices)];
        if (pool.busy != 0) {
            pool.busy = 0;
            record_busy(slices, nobody, 0);
        }
    }
    serial_at_reset_ = serial_;
}

void Device::Impl::record_busy(SliceClass slices, std::uint16_t queue, std::uint64_t user_tag) {
    const auto number = static_cast<std::uint32_t>(slices);
    record(TraceKind::slices, queue, BusySlices{number, slices_[number].busy}.encode(), user_tag);
}

void Device::Impl::occupy_slice(SliceClass slices, Operation& operation, std::uint32_t slot) {
    ++slices_[static_cast<std::size_t>(slices)].busy;
    record_busy(slices, operation.queue, operation.entry.user_tag);
    if (operation.computation != nullptr) {
        helped_->expect(*operation.computation);
    }
    const Duration service = begin_service(operation);
    statistics_.busy += service;
    calendar_.add(now_ + service,
                  {Stage::slice_done, static_cast<std::uint16_t>(slices), slot, operation.serial});
}

/// To the next operation that waits for one; also when the one that had it has been aborted.
void Device::Impl::pass_slice_on(SliceClass slices) {
    SlicePool& pool = slices_[static_cast<std::size_t>(slices)];
    while (!pool.waiting.is_empty()) {
        const auto [slot, serial] = pool.waiting.pop();
        Operation& operation = operations_[slot];
        if (operation.serial == serial) {  // else aborted while it waited
            --pool.busy;
            occupy_slice(slices, operation, slot);
            return;
        }
    }
    free_slice(slices);
}

/// How long the slice will be busy.
Duration Device::Impl::begin_service(Operation& operation) {
    Duration service = operation.session->service_time(config_.service, operation.entry);
    if (const auto slow = strike(spec::FaultKind::slow_slice, operation)) {
        service *= std::clamp(slow->value, 1, spec::most_slowdown);
    }
    const std::uint32_t limit =
        operation.nature.is_asymmetric ? spec::at("WDT_ASYM_US").of() : spec::at("WDT_SYM_US").of();
    const Duration watchdog = std::chrono::microseconds(registers_.get32(limit));
    if (watchdog != Duration{} && service > watchdog) {
        operation.hung = true;
        return watchdog;
    }
    return service;
}

/// What costs less to compute than to hand over stays here, and some of the rest if helpers have
/// enough to do.
bool Device::Impl::is_for_helpers(const Operation& operation, bool is_in_place) {
    return helped_ != nullptr && !operation.nature.is_quick &&
           !(is_in_place && helped_->keeps_next());
}

void Device::Impl::let_helpers_compute(Operation& operation, std::span<const std::byte> source,
                                       bool is_in_place) {
    Computation& computation = helped_->take(operation.nature, operation.output.size());
    computation.errand->entry = operation.entry;
    if (operation.has_entropy) {
        computation.keep_entropy(operation.entropy);
    }
    operation.computation = &computation;
    if (is_in_place) {
        helped_->start_in_place(computation, *operation.session, source, operation.entry.src);
    } else {
        helped_->start(computation, *operation.session, source);
    }
}

void Device::Impl::execute_here(Operation& operation, std::span<const std::byte> source) {
    const Job job{operation.entry, source, operation.output, operation.entropy, 0};
    operation.outcome = execute(*operation.session, job);
    if (!operation.outcome->has_output()) {
        operation.digest = payload_digest(job, *operation.outcome);
    }
}

/// A chain is computed together with the next one whose source is read; the chip goes on, as it
/// cannot fail.
void Device::Impl::execute_in_pairs(Operation& operation, std::uint32_t slot,
                                    std::span<const std::byte> source) {
    operation.outcome = Outcome{{}, operation.output.size()};
    if (waiting_chain_.is_of(WaitingChain::nobody)) {
        waiting_chain_ = {slot, operation.entry.src, source};
        return;
    }
    Operation& waiting = operations_[waiting_chain_.slot];
    const Job first{waiting.entry, waiting_chain_.source, waiting.output, waiting.entropy,
                    work_place_of(0)};
    const Job second{operation.entry, source, operation.output, operation.entropy,
                     work_place_of(0) + 1};
    execute_both({*waiting.session, first}, {*operation.session, second}, [] {});
    waiting_chain_ = {};
}

/// No other one came in time.
void Device::Impl::finish_chain() {
    execute_here(operations_[waiting_chain_.slot], waiting_chain_.source);
    waiting_chain_ = {};
}

/// What comes of it is known without looking: a slice that is whole executes it, and it cannot
/// fail.
bool Device::Impl::is_certain(const Operation& operation) const {
    return !operation.nature.may_fail && !faults_.any() && broken_slices_ == 0;
}

/// The output stays with the helper if it can be delivered from there.
void Device::Impl::collect(Operation& operation) {
    Computation& computation = *operation.computation;
    helped_->collect(computation);
    operation.digest = computation.result->digest();
    if (is_certain(operation)) {
        if (operation.output.size() > AccessCounts::largest || !operation.target_list.empty()) {
            take_output(operation);
        }
        return;
    }
    const Outcome outcome = computation.result->outcome();
    operation.outcome = outcome;
    const bool is_plain = outcome.status.ok() && outcome.written == operation.output.size() &&
                          outcome.written <= AccessCounts::largest && operation.target_list.empty();
    if (!is_plain || faults_.any() || broken_slices_ != 0) {
        take_output(operation);
    }
}

/// From the helper's memory into the operation's.
void Device::Impl::take_output(Operation& operation) {
    std::swap(operation.output, operation.computation->output);
    operation.computation->output.forget();
    helped_->give_back(*operation.computation);
    operation.computation = nullptr;
}

/// False: the chip's thread has to, and has the output.
bool Device::Impl::let_helpers_deliver(Operation& operation) {
    if (operation.computation == nullptr) {
        return false;
    }
    std::byte* target = nullptr;
    if (host_stands_still_) {
        before_write(operation.entry.dst, operation.output.size());
        target = dma_.look_to_write(operation.entry.dst, operation.output.size());
    }
    if (target == nullptr) {
        take_output(operation);
        return false;
    }
    helped_->deliver(*operation.computation, target, operation.entry.dst);
    operation.computation = nullptr;
    operation.output.forget();
    return true;
}

void Device::Impl::run_slice(Operation& operation, std::uint32_t slot) {
    if (operation.hung) {
        operation.status =
            spec::Status::of(spec::StatusType::transport, spec::TransportError::hang);
        raise_error(spec::ErrorSource::slice_hang, 0, operation.queue, operation.entry.cid);
        schedule(Stage::completed, config_.completion, slot);
        return;
    }
    statistics_.bytes += operation.entry.src_len;
    if (operation.computation == nullptr && !operation.outcome) {
        execute_here(operation, operation.source);
    }
    const std::uint64_t digest = is_certain(operation) ? 0 : judge(operation);
    const std::uint64_t status = encode_status(operation.status, false);
    record(TraceKind::slice, operation.queue, operation.entry.user_tag,
           operation.status.ok() ? status : trace_mix(digest, status));
    if (!operation.status.ok()) {
        schedule(Stage::completed, config_.completion, slot);
        return;
    }
    send_output(operation, slot);
}

/// What the slice says of it, faults included. Gives the digest of what it should have said.
std::uint64_t Device::Impl::judge(Operation& operation) {
    if (operation.computation != nullptr) {
        collect(operation);
    }
    Outcome outcome = *operation.outcome;
    std::uint64_t digest = operation.digest.value_or(0);
    if (broken_slices_ != 0 || faults_.any()) {
        const Job job{operation.entry, operation.source, operation.output, operation.entropy, 0};
        digest = operation.digest ? *operation.digest : payload_digest(job, outcome);
        operation.digest.reset();
        if ((broken_slices_ & static_cast<unsigned>(operation.session->kind())) != 0) {
            break_outcome(job, outcome);
        }
        if (faults_.any()) {
            strike_outcome(operation, outcome);
        }
    }
    operation.status = outcome.status;
    if (outcome.status.ok()) {
        operation.output.cleanse_from(outcome.written);
    }
    return digest;
}

}  // namespace ringside::core
