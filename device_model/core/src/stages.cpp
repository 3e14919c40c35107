// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The way of an operation through the chip: fetch, DMA read, slice (service.cpp), DMA write,
// completion. Each stage does its work when its time has come, on what memory holds then.

#include <algorithm>

#include "device_impl.hpp"
#include "ringside/base/assert.hpp"

namespace ringside::core {
namespace {

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

inline void Device::Impl::on_operation(Action action, void (Impl::*step)(Operation& operation,
                                                                         std::uint32_t slot)) {
    Operation& operation = operations_[action.slot()];
    if (operation.serial == action.serial()) {
        (this->*step)(operation, action.slot());
    }
}

/// What every operation comes to is called from here, and is no part of this: each saves the
/// registers that it needs, and the loop none.
inline void Device::Impl::perform(Action action) {
    if (is_frozen_ && action.stage() < Stage::fault && action.stage() != Stage::reset_done) {
        if (action.stage() == Stage::slice_done && is_since_reset(action)) {
            free_slice(static_cast<SliceClass>(action.queue()));
        }
        return;
    }
    switch (action.stage()) {
        case Stage::source_read:
            on_operation(action, &Impl::read_source);
            return;
        case Stage::slice_done:
            if (is_since_reset(action)) {
                pass_slice_on(static_cast<SliceClass>(action.queue()));
                on_operation(action, &Impl::run_slice);
            }
            return;
        case Stage::written:
            on_operation(action, &Impl::write_output);
            return;
        case Stage::completed:
            on_operation(action, &Impl::end);
            return;
        default:
            perform_seldom(action);
            return;
    }
}

/// What is not for each operation.
void Device::Impl::perform_seldom(Action action) {
    switch (action.stage()) {
        case Stage::reset_done:
            if (action.slot() == reset_epoch_) {
                if (action.serial() == 0) {
                    finish_reset();
                } else {
                    change_state(spec::DeviceState::dead);
                }
            }
            return;
        case Stage::enabled:
            if (action.slot() == enable_epoch_ && state() == spec::DeviceState::enabling) {
                change_state(spec::DeviceState::ready);
                arbitrate();
            }
            return;
        case Stage::fatal:
            if (action.slot() == reset_epoch_) {
                drop_operations();
            }
            return;
        case Stage::doorbell:
        case Stage::token:
            perform_on_queue(action);
            return;
        case Stage::fetch:
            if (action.serial() == reset_epoch_) {
                fetch(action.queue(), action.slot());
            }
            return;
        case Stage::moderation: {
            const Queue& queue = queues_[action.queue()];
            if (action.serial() == queue.epoch && queue.moderation.expired(action.slot())) {
                fire(action.queue());
            }
            return;
        }
        case Stage::interrupt:
            if (action.slot() == reset_epoch_) {
                raise_vector(action.queue());
            }
            return;
        case Stage::lists_read:
            on_operation(action, &Impl::read_lists);
            return;
        case Stage::fault:
            if (action.serial() == reset_epoch_) {
                strike_chip(static_cast<spec::FaultKind>(action.slot()));
            }
            return;
        case Stage::storm:
            storm(action);
            return;
        case Stage::late_write:
        case Stage::late_entry:
            perform_late(action);
            return;
        case Stage::source_read:
        case Stage::slice_done:
        case Stage::written:
        case Stage::completed:
            return;  // perform()'s
    }
}

void Device::Impl::advance(Time now) {
    RINGSIDE_ASSERT(trace_, now >= now_, "time went back from %lld to %lld ps",
                    static_cast<long long>(to_ps(now_)), static_cast<long long>(to_ps(now)));
    Time clock{};
    run(now, clock, {});
    now_ = now;
}

void Device::Impl::run(Time limit, Time& clock, const blocks::RunTerms& given) {
    const blocks::RunTerms terms = given;  // here nobody else can change them
    limit = std::min(limit, Time::max() - Duration(1));
    memory_stays_ = terms.memory_stays || terms.host_stands_still;
    host_stands_still_ = terms.host_stands_still;
    while (!is_gone_ && calendar_.next_time() <= limit && !terms.before(calendar_.next_time())) {
        clock = calendar_.next_time();
        now_ = clock;
        do {  // all that is due at this instant
            perform(calendar_.take());
        } while (calendar_.next_time() == now_ && !is_gone_);
    }
    if (!waiting_chain_.is_of(WaitingChain::nobody)) {
        finish_chain();
    }
    if (helped_ != nullptr && host_stands_still_) {
        helped_->settle();
    }
    memory_stays_ = false;
    host_stands_still_ = false;
    if (in_pipeline_ == 0 && calendar_.next_time() == Time::max()) {
        cleanse_outputs();  // nobody waits for what comes next
    }
}

void Device::Impl::perform_on_queue(Action action) {
    Queue& queue = queues_[action.queue()];
    if (action.slot() != queue.epoch) {
        return;
    }
    if (action.stage() == Stage::doorbell) {
        queue.rang = false;
        eligible_ |= bit_of(action.queue());
    } else {
        queue.limited = false;
    }
    arbitrate();
}

void Device::Impl::end(Operation& operation, std::uint32_t slot) {
    if (!(faults_.any() && strike_end(operation, slot))) {
        retire(operation, slot);
    }
}

void Device::Impl::admit(Operation& operation, std::uint32_t slot) {
    const spec::SubmissionEntry& entry = operation.entry;
    record(TraceKind::fetch, operation.queue, entry.user_tag,
           digest_of(std::as_bytes(std::span(&entry, 1))));
    ++queues_[operation.queue].submitted;
    operation.status = check(entry, operation.queue == 0, operation);
    if (faults_.any() && strike_fetched(operation)) {
        return;
    }
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
        return refused(spec::RequestError::bad_field);
    }
    if (entry.src_len > config_.max_length || entry.dst_len > config_.max_length) {
        return refused(spec::RequestError::bad_length);
    }
    switch (static_cast<spec::Opcode>(entry.opcode)) {
        case spec::Opcode::nop:
            return {};
        case spec::Opcode::session_create:
            if (is_admin) {
                return entry.src_len >= sizeof(spec::SessionParameters) &&
                               entry.src_len <= spec::max_session_size
                           ? spec::Status{}
                           : refused(spec::RequestError::bad_length);
            }
            break;
        case spec::Opcode::session_destroy:
        case spec::Opcode::abort:
        case spec::Opcode::get_log:
            if (is_admin) {
                return entry.src_len == 0 ? spec::Status{}
                                          : refused(spec::RequestError::bad_length);
            }
            break;
        case spec::Opcode::cipher:
        case spec::Opcode::digest:
        case spec::Opcode::derive:
        case spec::Opcode::random:
        case spec::Opcode::sign:
        case spec::Opcode::verify:
        case spec::Opcode::rsa_private:
        case spec::Opcode::rsa_public:
        case spec::Opcode::agree:
            if (!is_admin) {
                return check_io(entry, operation);
            }
            break;
    }
    return refused(spec::RequestError::bad_opcode);
}

/// The commands that work on a session; which algorithm and which key, the session knows.
spec::Status Device::Impl::check_io(const spec::SubmissionEntry& entry, Operation& operation) {
    operation.session = sessions_.find(entry.session);
    if (operation.session == nullptr ||
        !operation.session->does(static_cast<spec::Opcode>(entry.opcode))) {
        return refused(spec::RequestError::bad_session);
    }
    std::size_t output = 0;
    const spec::Status status = operation.session->plan(entry, output);
    if (!status.ok()) {
        return status;
    }
    if (output > entry.dst_len) {
        return refused(spec::RequestError::dst_too_small);
    }
    operation.nature = operation.session->nature(entry);
    if (operation.nature.may_fail) {
        operation.output.begin(output);
    } else {
        operation.output.begin_to_fill(output);
    }
    return {};
}

/// The operation's source where it lies. Null: it is to be copied, because it is not computed now
/// and the host may go on meanwhile, or because a fault may touch it, or because it is not in one
/// piece that can be seen. What takes long is not computed now: with many waiting for a slice, the
/// first would wait for the last.
const std::byte* Device::Impl::source_in_place(const Operation& operation) {
    const std::size_t length = operation.entry.src_len;
    const bool is_for_now =
        helped_ == nullptr || (host_stands_still_ && length <= AccessCounts::largest);
    const bool can_be = operation.queue != 0 && is_for_now && !operation.nature.is_asymmetric &&
                        !faults_.any() && !operation.timed_out && operation.source_list.empty();
    return can_be ? dma_.look(operation.entry.src, length) : nullptr;
}

/// What the slice will give depends on nothing that happens later: it is computed at once, here
/// from memory that needs no copy then, or by a helper; or else when the slice is done.
void Device::Impl::read_source(Operation& operation, std::uint32_t slot) {
    std::span<const std::byte> source;
    const std::byte* const in_place = source_in_place(operation);
    if (in_place != nullptr) {
        source = {in_place, operation.entry.src_len};
    } else {
        operation.source.begin(operation.entry.src_len);
        if ((faults_.any() || operation.timed_out) && strike_source(operation, slot)) {
            return;
        }
        if (!gather(operation)) {
            schedule(Stage::completed, config_.completion, slot);
            return;
        }
        source = operation.source;
    }
    statistics_.dma_read += source.size();
    record(TraceKind::dma_read, operation.queue, operation.entry.user_tag);
    if (operation.queue == 0) {
        run_admin(operation, slot);
        return;
    }
    if (operation.nature.needs_entropy) {
        entropy_.fill(operation.entropy);  // in this order, whoever computes
        operation.has_entropy = true;
    }
    if (is_for_helpers(operation, in_place != nullptr)) {
        let_helpers_compute(operation, source, in_place != nullptr);
    } else if (in_place != nullptr) {
        if (memory_stays_ && operation.nature.is_chain && is_certain(operation)) {
            execute_in_pairs(operation, slot, source);
        } else {
            execute_here(operation, source);
        }
    }
    const auto slices =
        operation.nature.is_asymmetric ? SliceClass::asymmetric : SliceClass::symmetric;
    SlicePool& pool = slices_[static_cast<std::size_t>(slices)];
    if (pool.busy < pool.count) {
        occupy_slice(slices, operation, slot);
    } else {
        pool.waiting.push({slot, operation.serial});
    }
}

void Device::Impl::send_output(const Operation& operation, std::uint32_t slot) {
    Time crossed{};
    for_each_piece(operation.target_list, operation.output.size(),
                   [&](std::size_t length) { crossed = upstream_.transfer(now_, length); });
    calendar_.add(crossed + config_.dma_write,
                  {Stage::written, operation.queue, slot, operation.serial});
}

void Device::Impl::write_output(Operation& operation, std::uint32_t slot) {
    if (operation.computation != nullptr) {
        collect(operation);
    } else if (waiting_chain_.is_of(slot)) {
        finish_chain();
    }
    if (faults_.any()) {
        operation.digest.reset();
        if (strike_output(operation, slot)) {
            return;
        }
    }
    const std::size_t size = operation.output.size();
    if (let_helpers_deliver(operation) || copy_output(operation) || scatter(operation)) {
        operation.result = static_cast<std::uint32_t>(size);
        statistics_.dma_written += size;
        record(TraceKind::dma_write, operation.queue, operation.entry.user_tag,
               operation.digest ? *operation.digest : digest_of(operation.output));
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

void Device::Impl::add_slot() {
    vacant_.push_back(static_cast<std::uint32_t>(operations_.size()));
    operations_.emplace_back();
}

/// The operation of the vacant slot, which has its descriptor already.
void Device::Impl::take_slot(Operation& operation, std::uint32_t queue) {
    vacant_.pop_back();
    operation.serial = ++serial_;
    operation.queue = static_cast<std::uint16_t>(queue);
    ++queues_[queue].in_chip;
    ++in_pipeline_;
}

void Device::Impl::retire(Operation& operation, std::uint32_t slot) {
    complete(operation);
    release(operation, slot);
    lift_fence(operation.queue);
}

/// The buffers stay for the next operation, their contents do not: they held plaintext or a key.
/// What a cipher or a hash gave has gone to the host as it is, and the next one fills all of its
/// buffer: while the chip has something to do it is only overwritten.
void Device::Impl::release(Operation& operation, std::uint32_t slot) {
    if (operation.computation != nullptr) {
        helped_->give_back(*operation.computation);
        operation.computation = nullptr;
        operation.output.forget();
    } else if (waiting_chain_.is_of(slot)) {
        waiting_chain_ = {};
    }
    operation.source.cleanse_from(0);
    if (operation.nature.may_fail || !operation.status.ok()) {  // the host has not got it
        operation.output.cleanse_from(0);
        operation.output.cleanse();
    } else if (!operation.output.empty()) {
        operation.output.leave();
        if (!operation.is_uncleansed) {
            operation.is_uncleansed = true;
            uncleansed_.push_back(slot);
        }
    }
    if (operation.has_entropy) {
        operation.entropy = {};
        operation.has_entropy = false;
    }
    operation.source_list.clear();
    operation.target_list.clear();
    operation.outcome.reset();
    operation.hung = false;
    operation.nature = {};
    operation.session.reset();
    operation.digest.reset();
    operation.timed_out = false;
    operation.delayed = false;
    operation.serial = 0;
    operation.status = {};
    operation.result = 0;
    operation.detail = 0;
    vacant_.push_back(slot);
    --queues_[operation.queue].in_chip;
    --in_pipeline_;
}

void Device::Impl::cleanse_outputs() {
    if (helped_ != nullptr) {
        helped_->cleanse_outputs();
    }
    for (const std::uint32_t slot : uncleansed_) {
        operations_[slot].output.cleanse();
        operations_[slot].is_uncleansed = false;
    }
    uncleansed_.clear();
}

}  // namespace ringside::core
