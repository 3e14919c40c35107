// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The interrupt side of a queue pair: reaping, re-arming, telling waiters, and noticing that
// something is late, broken or too much.

#include <algorithm>
#include <boost/asio/post.hpp>
#include <mutex>
#include <utility>

#include "queue_pair_impl.hpp"
#include "rules_in_use.hpp"

namespace ringside::driver {
namespace {

error_code error_of(spec::Status status) {
    switch (status.type) {
        case spec::StatusType::ok:
            return {};
        case spec::StatusType::request:
            return Errc::request_rejected;
        case spec::StatusType::crypto:
            return status == spec::Status::of(status.type, spec::CryptoError::auth_failed)
                       ? Errc::auth_failed
                       : Errc::crypto_failed;
        case spec::StatusType::transport:
            return Errc::dma_fault;
        case spec::StatusType::aborted:
            return Errc::aborted;
    }
    return Errc::ring_broken;
}

/// What the device says of its work, as far as it can be true: it cannot have written more than it
/// was given room for.
void read_completion(const SlotTable::Slot& slot, Completion& completion) {
    completion.status = error_of(spec::decode_status(slot.status));
    completion.device_latency = std::chrono::nanoseconds(slot.latency_ns);
    if (!completion.status && slot.result > slot.max_result) {
        completion.status = Errc::ring_broken;
    }
    completion.result = completion.status ? 0 : slot.result;
}

}  // namespace

/// One run of the interrupt handler: reaps up to the budget, and sees to it that there will be
/// another. At most one is outstanding.
void QueuePair::Impl::take_turn(error_code error) {
    const bool interrupted = next_turn_ == NextTurn::interrupt && !error;
    next_turn_ = NextTurn::none;
    if (stopper_ != nullptr) {
        std::exchange(stopper_, nullptr)->unpark();
        return;
    }
    if (error || !is_live()) {
        return;
    }
    const std::uint32_t reaped = poll();
    if (interrupted) {
        count_interrupt(reaped == 0);
    }
    if (!is_live() || (interrupted && pause_in_storm(reaped == 0))) {
        return;
    }
    if (is_torn()) {
        return;  // on_timer() looks again
    }
    if (reaped < drain_budget && !keeps_looking(reaped)) {
        wait_for_interrupt();
        return;
    }
    next_turn_ = NextTurn::posted;  // the other users of the executor first
    boost::asio::post(environment_.interrupt_executor(), [this] { take_turn({}); });
}

/// Whether the ring is looked at again at once, others on the executor first, in the place of
/// waiting for an interrupt.
bool QueuePair::Impl::keeps_looking(std::uint32_t reaped) {
    if (config_.mode != CompletionMode::adaptive) {
        return false;
    }
    looks_in_vain_ = reaped != 0 ? 0 : looks_in_vain_ + 1;
    const std::lock_guard lock(*mutex_);
    if (looks_in_vain_ < adaptive_looks && counters_.in_flight != 0) {
        return true;
    }
    looks_in_vain_ = 0;
    return false;
}

bool QueuePair::Impl::is_torn() const {
    const std::lock_guard lock(*mutex_);
    return torn_since_ != WaiterQueue::never;
}

bool QueuePair::Impl::is_live() const {
    const std::lock_guard lock(*mutex_);
    return live_;
}

void QueuePair::Impl::count_interrupt(bool empty) {
    const std::lock_guard lock(*mutex_);
    ++counters_.interrupts;
    counters_.empty_interrupts += empty ? 1 : 0;
}

std::uint32_t QueuePair::Impl::poll() {
    std::uint32_t reaped = 0;
    for (std::uint32_t count = 1; count != 0 && reaped < drain_budget; reaped += count) {
        count = reap();
    }
    return reaped;
}

/// True: too many interrupts for nothing, no more of them for a while.
bool QueuePair::Impl::pause_in_storm(bool empty) {
    if (!empty) {
        storm_.calm();
        return false;
    }
    if (!storm_.interrupt(environment_.now())) {
        return false;
    }
    link_.mask_vector(vector_, true);
    const std::lock_guard lock(*mutex_);
    ++counters_.interrupt_storms;
    arm_timer(environment_.now() + storm_poll_interval);
    return true;
}

/// The vector is masked: looks by itself, and takes interrupts again when the time is over.
void QueuePair::Impl::look_during_storm() {
    if (!storm_.is_raging() || !is_live()) {
        return;
    }
    poll();
    const Time now = environment_.now();
    if (now >= storm_.over_at()) {
        storm_.end();
        link_.mask_vector(vector_, false);
        wait_for_interrupt();
        return;
    }
    const std::lock_guard lock(*mutex_);
    arm_timer(counters_.in_flight != 0 ? std::min(now + storm_poll_interval, storm_.over_at())
                                       : storm_.over_at());
}

/// The wait stands before ARM is written, and ARM makes the device fire at once if it has completed
/// something since the ring was found empty: no interrupt falls into the gap.
void QueuePair::Impl::wait_for_interrupt() {
    next_turn_ = NextTurn::interrupt;
    link_.async_wait_vector(vector_, [this](error_code error) { take_turn(error); });
    environment_.schedule_point("queue_pair.drain.before_arm");
    arm_interrupt();
}

void QueuePair::Impl::arm_interrupt() {
    const std::lock_guard lock(*mutex_);
    const auto arm = spec::field("CQ_DB", "HEAD").set(completion_ring_.head()) |
                     spec::field("CQ_DB", "ARM").set(1);
    head_due_ = false;
    link_.mmio_write32(cq_doorbell_, static_cast<std::uint32_t>(arm));
}

/// Takes a batch out of the completion ring and completes it; says how many entries there were.
std::uint32_t QueuePair::Impl::reap(std::uint32_t most) {
    DoneBatch done;
    std::uint32_t count = 0;
    bool broken = false;
    {
        // The slots go to those who wait for them before anybody else can look; the device gets its
        // entries back before any of them is used again.
        const std::lock_guard lock(*mutex_);
        count = completion_ring_.read(std::span(batch_).first(most));
        if (count == 0) {
            if (is_polled()) {
                give_entries_back();  // nobody arms
            }
            return 0;
        }
        environment_.schedule_point("queue_pair.drain.before_ack");
        count = whole_entries(count);
        head_due_ = head_due_ || (live_ && count != 0);
        const std::uint64_t bad_heads = counters_.bad_heads;
        const Time now = environment_.now();
        {
            Trace::Burst events(trace_);
            for (std::uint32_t i = 0; i < count; ++i) {
                retire(batch_[i], now, done, events);
            }
        }
        hand_out_slots();
        check_ledger();
        broken = live_ && (counters_.bad_heads != bad_heads ||
                           counters_.stale_completions - stale_before_reset_ >=
                               config_.recovery.max_stale_completions);
    }
    environment_.schedule_point("queue_pair.drain.after_ack");
    run_callbacks_of_batch(done);
    if (broken) {
        report_broken_ring();
        return 0;  // nothing more is read that may be nonsense
    }
    return count;
}

/// No lock held: who is told may submit.
void QueuePair::Impl::tell(const DoneBatch& done) {
    for (const Done& each : done) {
        record(TraceKind::callback, each.user_tag);
        each.operation->complete(each.completion);
    }
}

void QueuePair::Impl::report_broken_ring() {
    if (environment_.on_interrupt_executor()) {
        watcher_.on_broken_ring(config_.index);
    } else {
        // Nobody looks at the ring of a polled queue pair after stop_interrupts(), which posts
        // behind this.
        boost::asio::post(environment_.interrupt_executor(),
                          [this] { watcher_.on_broken_ring(config_.index); });
    }
}

std::uint32_t QueuePair::Impl::poll_by_application(std::uint32_t most) {
    std::uint32_t reaped = 0;
    while (is_polled() && reaped < most) {
        const std::uint32_t room = most - reaped;
        const std::uint32_t count =
            reap(std::min(room, static_cast<std::uint32_t>(completion_batch)));
        if (count == 0) {
            break;
        }
        reaped += count;
    }
    return reaped;
}

/// How many of the entries just read can be taken. The next one looks torn: it is read again a
/// little later, and taken as it is if that does not help.
std::uint32_t QueuePair::Impl::whole_entries(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
        const spec::CompletionEntry& entry = batch_[i];
        if (entry.qid == config_.index && slots_.looks_torn(entry)) {
            const Time now = environment_.now();
            torn_since_ = std::min(torn_since_, now);
            if (now - torn_since_ < torn_entry_limit) {
                completion_ring_.unread(count - i);
                arm_timer(now + poll_interval);
                return i;
            }
        }
        torn_since_ = WaiterQueue::never;
    }
    return count;
}

void QueuePair::Impl::retire(const spec::CompletionEntry& entry, Time now, DoneBatch& done,
                             Trace::Burst& events) {
    if (SlotTable::Slot* const slot = note_answer(entry)) {
        counters_.bad_heads += head_is_possible(entry.sq_head) ? 0 : 1;
        end_answered(*slot, now, done, events);
    }
}

/// Null: it matches nothing in flight.
SlotTable::Slot* QueuePair::Impl::note_answer(const spec::CompletionEntry& entry) {
    SlotTable::Slot* const slot = entry.qid == config_.index ? slots_.note_answer(entry) : nullptr;
    if (slot == nullptr) {
        ++counters_.stale_completions;
        record(TraceKind::stale, entry.user_tag);
    }
    return slot;
}

void QueuePair::Impl::end_answered(SlotTable::Slot& slot, Time now, DoneBatch& done,
                                   Trace::Burst& events) {
    Done& ended = done.emplace_back();  // filled where it is: a copy would wait for its pieces
    ended.operation = slot.operation;
    ended.user_tag = slot.user_tag;
    Completion& completion = ended.completion;
    read_completion(slot, completion);
    if (slot.new_session != 0) {
        if (completion.status) {
            sessions_.forget(slot.new_session);
        } else {
            sessions_.finish(slot.new_session, completion.result);
            completion.result = slot.new_session;
        }
    }
    events.record(event_at(now, TraceKind::reap, slot.user_tag, slot.status));
    count_end(completion.status);
    note_latency(completion.device_latency);
    slots_.release(slot);
}

void QueuePair::Impl::end_unanswered(SlotTable::Slot& slot, Errc reason, DoneBatch& done) {
    sessions_.forget(slot.new_session);
    record(TraceKind::reap, slot.user_tag, static_cast<std::uint64_t>(reason));
    count_end(reason);
    done.push_back({slot.operation, slot.user_tag, Completion{.status = reason}});
    slots_.release(slot);
}

/// The device's head only goes forward, and never beyond what it has been told of.
bool QueuePair::Impl::head_is_possible(std::uint32_t sq_head) {
    const std::uint32_t mask = config_.entries - 1;
    if (sq_head > mask ||
        ((sq_head - sq_head_) & mask) > ((submission_ring_.tail() - sq_head_) & mask)) {
        return false;
    }
    sq_head_ = sq_head;
    return true;
}

void QueuePair::Impl::note_latency(Duration latency) {
    constexpr int weight = 16;
    counters_.average_latency += (latency - counters_.average_latency) / weight;
    counters_.slow = config_.recovery.slow_latency > Duration{} &&
                     counters_.average_latency > config_.recovery.slow_latency;
}

void QueuePair::Impl::count_end(const error_code& status) {
    Rules::return_credit(counters_.in_flight, status);
    if (!status) {
        ++counters_.ok;
    } else if (status == Errc::cancelled) {
        ++counters_.cancelled;
    } else {
        ++counters_.failed;
    }
}

boost::asio::any_io_executor QueuePair::Impl::callback_executor() const {
    return callbacks_ ? callbacks_ : environment_.interrupt_executor();
}

/// tell(), where callbacks run.
void QueuePair::Impl::call_back(const DoneBatch& done) {
    if (!callbacks_) {
        tell(done);
    } else if (!done.empty()) {
        boost::asio::post(callbacks_, [this, done] { tell(done); });
    }
}

/// The completions of a batch and the waiters who get their slots. One doorbell announces whatever
/// they submit here, also where the batch comes from inside another one's callback.
void QueuePair::Impl::run_callbacks_of_batch(const DoneBatch& done) {
    const bool here = !callbacks_ && environment_.on_interrupt_executor();
    bool inside = false;
    if (here) {
        const std::lock_guard lock(*mutex_);
        inside = std::exchange(in_callbacks_, true);
    }
    call_back(done);
    tell_waiters();
    if (here) {
        const std::lock_guard lock(*mutex_);
        in_callbacks_ = inside;
        if (doorbell_due_ && live_) {
            ring_doorbell();
        }
    }
}

void QueuePair::Impl::tell_waiters() {
    if (!callbacks_) {
        tell_waiters_here();
        return;
    }
    const std::lock_guard lock(*mutex_);
    if (waiters_.has_due()) {
        boost::asio::post(callbacks_, [this] { tell_waiters_here(); });
    }
}

/// One at a time, so that a waiter that is forgotten meanwhile is not called.
void QueuePair::Impl::tell_waiters_here() {
    for (;;) {
        SlotWaiter* waiter = nullptr;
        {
            const std::lock_guard lock(*mutex_);
            if (waiters_.has_due()) {
                waiter = waiters_.next_due(environment_.now() + config_.reservation_lapse);
                arm_timer(waiters_.next_lapse());
            }
        }
        if (waiter == nullptr) {
            return;
        }
        environment_.schedule_point("queue_pair.tell_waiters.before_slot_ready");
        waiter->slot_ready();
    }
}

void QueuePair::Impl::on_timer() {
    bool late = false;
    {
        const std::lock_guard lock(*mutex_);
        const Time now = environment_.now();
        timer_armed_for_ = WaiterQueue::never;
        count_lapses(waiters_.lapse(now));
        hand_out_slots();
        late = is_late(now);
        arm_timer(std::min(waiters_.next_lapse(), look_at_));
        check_ledger();
    }
    tell_waiters();
    look_during_storm();
    if (!is_polled() && next_turn_ == NextTurn::none && is_torn()) {
        take_turn({});
    }
    if (late) {
        watcher_.on_late(config_.index);
    }
}

/// Whether the watcher is to look now; sets when to ask again.
bool QueuePair::Impl::is_late(Time now) {
    if (now < look_at_) {
        return false;
    }
    const SlotTable::Slot* const oldest = slots_.oldest();
    if (oldest == nullptr || !live_) {
        look_at_ = WaiterQueue::never;
        return false;
    }
    const Time overdue_at = oldest->submitted_at + config_.recovery.operation_timeout;
    // Where the application polls, it may take its time.
    const Time late_at =
        is_polled() ? overdue_at : oldest->submitted_at + config_.recovery.late_after;
    if (now < late_at) {
        look_at_ = late_at;
        return false;
    }
    look_at_ = now + config_.recovery.late_after;
    if (overdue_at > now) {
        look_at_ = std::min(look_at_, overdue_at);
    }
    return true;
}

}  // namespace ringside::driver
