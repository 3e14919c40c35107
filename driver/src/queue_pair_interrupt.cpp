// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The interrupt side of a queue pair: reaping, re-arming, telling waiters, and going down.

#include <boost/asio/post.hpp>
#include <mutex>
#include <utility>

#include "mmio.hpp"
#include "queue_pair_impl.hpp"

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
Completion completion_of(const spec::CompletionEntry& entry, std::uint32_t max_result) {
    Completion completion;
    completion.status = error_of(spec::decode_status(entry.status));
    completion.device_latency = std::chrono::nanoseconds(entry.latency_ns);
    if (completion.status) {
        return completion;
    }
    if (entry.result > max_result) {
        completion.status = Errc::ring_broken;
        return completion;
    }
    completion.result = entry.result;
    return completion;
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
    if (error || !is_running()) {
        return;
    }
    std::uint32_t reaped = 0;
    for (std::uint32_t count = 1; count != 0 && reaped < drain_budget; reaped += count) {
        count = reap();
    }
    if (interrupted) {
        count_interrupt(reaped == 0);
    }
    if (!is_running()) {
        return;
    }
    if (reaped < drain_budget) {
        wait_for_interrupt();
        return;
    }
    next_turn_ = NextTurn::posted;  // the other users of the executor first
    boost::asio::post(environment_.interrupt_executor(), [this] { take_turn({}); });
}

bool QueuePair::Impl::is_running() const {
    const State now = state();
    return now == State::open || now == State::refusing;
}

void QueuePair::Impl::count_interrupt(bool empty) {
    const std::lock_guard lock(*mutex_);
    ++counters_.interrupts;
    counters_.empty_interrupts += empty ? 1 : 0;
}

/// The wait stands before ARM is written, and ARM makes the device fire at once if it has completed
/// something since the ring was found empty: no interrupt falls into the gap.
void QueuePair::Impl::wait_for_interrupt() {
    next_turn_ = NextTurn::interrupt;
    link_.async_wait_vector(vector_, [this](error_code error) { take_turn(error); });
    environment_.schedule_point("queue_pair.drain.before_arm");
    const auto arm = spec::field("CQ_DB", "HEAD").set(completion_ring_.head()) |
                     spec::field("CQ_DB", "ARM").set(1);
    link_.mmio_write32(cq_doorbell_, static_cast<std::uint32_t>(arm));
}

/// Takes a batch out of the completion ring and completes it; says how many entries there were.
std::uint32_t QueuePair::Impl::reap() {
    const std::uint32_t count = completion_ring_.read(batch_);
    if (count == 0) {
        return 0;
    }
    environment_.schedule_point("queue_pair.drain.before_ack");
    DoneBatch done;
    bool broken = false;
    {
        // The device's count of credits in use and ours go down together, and the slots go to those
        // who wait for them, before anybody else can look.
        const std::lock_guard lock(*mutex_);
        if (state_ != State::closed) {
            link_.mmio_write32(cq_doorbell_, completion_ring_.head());
        }
        for (std::uint32_t i = 0; i < count; ++i) {
            retire(batch_[i], done);
        }
        hand_out_slots();
        check_ledger();
        broken = counters_.stale_completions >= max_stale_completions && state_ < State::breaking;
    }
    environment_.schedule_point("queue_pair.drain.after_ack");
    for (const Done& each : done) {
        each.operation->complete(each.completion);
    }
    tell_waiters();
    if (broken) {
        break_ring();
    }
    return count;
}

void QueuePair::Impl::retire(const spec::CompletionEntry& entry, DoneBatch& done) {
    const bool ours = entry.qid == config_.index;
    const SlotTable::Slot slot = ours ? slots_.release(entry) : SlotTable::Slot{};
    if (slot.operation == nullptr) {
        ++counters_.stale_completions;
        record(TraceKind::stale, entry.user_tag);
        return;
    }
    const Completion completion = completion_of(entry, slot.max_result);
    record(TraceKind::reap, entry.user_tag, entry.status);
    count_end(completion.status);
    done.push_back({slot.operation, completion});
}

void QueuePair::Impl::count_end(error_code status) {
    --counters_.in_flight;
    if (!status) {
        ++counters_.ok;
    } else if (status == Errc::cancelled) {
        ++counters_.cancelled;
    } else {
        ++counters_.failed;
    }
}

/// One at a time, so that a waiter that is forgotten meanwhile is not called.
void QueuePair::Impl::tell_waiters() {
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
    {
        const std::lock_guard lock(*mutex_);
        timer_armed_for_ = WaiterQueue::never;
        count_lapses(waiters_.lapse(environment_.now()));
        hand_out_slots();
        arm_timer(waiters_.next_lapse());
        check_ledger();
    }
    tell_waiters();
    if (state() == State::breaking) {
        poll_broken_ring();
    }
}

/// The device may still write into buffers of operations in flight, so they fail only once it has
/// reset the queue.
void QueuePair::Impl::break_ring() {
    go_down(State::breaking, Errc::ring_broken);
    break_deadline_ = environment_.now() + limits_.state_change;
    link_.mmio_write32(spec::at("Q_RESET").of(config_.index), 1);
    poll_broken_ring();
}

void QueuePair::Impl::poll_broken_ring() {
    const auto resetting = read_register(link_, spec::at("Q_RESET").of(config_.index));
    const Time now = environment_.now();
    if (resetting && *resetting != 0 && now < break_deadline_) {
        const std::lock_guard lock(*mutex_);
        arm_timer(now + poll_interval);
        return;
    }
    fail_all(Errc::ring_broken);
}

void QueuePair::Impl::fail_all(Errc reason) {
    go_down(State::closed, reason);
    if (reason != Errc::ring_broken) {
        // What the device completed before it went keeps its status; a ring's worth at most.
        for (std::uint32_t reaped = 0, count = 1; count != 0 && reaped < config_.entries;
             reaped += count) {
            count = reap();
        }
    }
    for (;;) {
        DoneBatch done;
        {
            const std::lock_guard lock(*mutex_);
            while (done.size() < done.capacity()) {
                const SlotTable::Slot slot = slots_.release_oldest();
                if (slot.operation == nullptr) {
                    break;
                }
                record(TraceKind::reap, slot.user_tag, static_cast<std::uint64_t>(reason));
                count_end(reason);
                done.push_back({slot.operation, Completion{.status = reason}});
            }
            waiters_.release_all();
            check_ledger();
        }
        if (done.empty()) {
            break;
        }
        for (const Done& each : done) {
            each.operation->complete(each.completion);
        }
    }
    tell_waiters();
}

void QueuePair::Impl::stop_interrupts() {
    const std::unique_ptr<Parker> parker = environment_.make_parker();
    boost::asio::post(environment_.interrupt_executor(), [&] {
        if (next_turn_ == NextTurn::none) {
            parker->unpark();
            return;
        }
        stopper_ = parker.get();
        if (next_turn_ == NextTurn::interrupt) {
            link_.cancel_vector_wait(vector_);
        }
    });
    parker->park();
}

}  // namespace ringside::driver
