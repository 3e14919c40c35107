// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// How a queue pair goes up, down and, under Recovery, up again.

#include <algorithm>
#include <boost/asio/post.hpp>
#include <mutex>
#include <utility>

#include "mmio.hpp"
#include "queue_pair_impl.hpp"

namespace ringside::driver {

result<QueuePair::Impl::Rings> QueuePair::Impl::map_rings(Link& link, std::uint32_t entries) {
    auto submission =
        RingMemory::create(link, entries * sizeof(spec::SubmissionEntry), DmaDirection::to_device);
    if (!submission) {
        return submission.error();
    }
    auto completion = RingMemory::create(link, entries * sizeof(spec::CompletionEntry),
                                         DmaDirection::from_device);
    if (!completion) {
        return completion.error();
    }
    return Rings{std::move(*submission), std::move(*completion)};
}

// ---- up ----

void QueuePair::Impl::program() {
    const std::uint32_t queue = config_.index;
    const std::uint32_t last_entry = config_.entries - 1;
    const auto size =
        spec::field("Q_SIZE", "SQ").set(last_entry) | spec::field("Q_SIZE", "CQ").set(last_entry);
    const auto moderation = spec::field("INT_MOD", "TIME_US").set(config_.moderation_us) |
                            spec::field("INT_MOD", "COUNT").set(config_.moderation_count);
    const auto vector = spec::field("CQ_VEC", "VECTOR").set(vector_) |
                        spec::field("CQ_VEC", "IEN").set(is_polled() ? 0 : 1);
    write_register64(link_, spec::at("SQ_BASE").of(queue), submission_ring_.iova().value);
    write_register64(link_, spec::at("CQ_BASE").of(queue), completion_ring_.iova().value);
    link_.mmio_write32(spec::at("Q_SIZE").of(queue), static_cast<std::uint32_t>(size));
    link_.mmio_write32(spec::at("CQ_VEC").of(queue), static_cast<std::uint32_t>(vector));
    link_.mmio_write32(spec::at("INT_MOD").of(queue), static_cast<std::uint32_t>(moderation));
    link_.mmio_write32(spec::at("Q_CTRL").of(queue),
                       static_cast<std::uint32_t>(spec::field("Q_CTRL", "EN").set(1)));
}

QueuePair::Impl::Enabling QueuePair::Impl::enabling() {
    const auto status = read_register(link_, spec::at("Q_STS").of(config_.index));
    if (!status) {
        return Enabling::gone;
    }
    switch (static_cast<spec::QueueState>(spec::field("Q_STS", "STATE").get(*status))) {
        case spec::QueueState::enabled:
            return Enabling::enabled;
        case spec::QueueState::error:
            return Enabling::refused;
        default:
            return Enabling::pending;
    }
}

void QueuePair::Impl::go_live() {
    {
        const std::lock_guard lock(*mutex_);
        if (state_ == State::closed || std::exchange(live_, true)) {
            return;
        }
    }
    if (is_polled()) {
        return;
    }
    storm_.end();
    link_.mask_vector(vector_, false);
    switch (next_turn_) {
        case NextTurn::none:
            wait_for_interrupt();
            break;
        case NextTurn::interrupt:  // since the former life
            arm_interrupt();
            break;
        case NextTurn::posted:  // arms when it comes
            break;
    }
}

void QueuePair::Impl::open() {
    go_live();
    {
        const std::lock_guard lock(*mutex_);
        if (state_ == State::stopped) {
            state_ = State::open;
        }
        hand_out_slots();
        check_ledger();
    }
    tell_waiters();
}

// ---- down ----

void QueuePair::Impl::end_operations(Errc reason) {
    std::uint32_t seen = 0;
    for (std::uint32_t count = 1; count != 0 && seen < config_.entries; seen += count) {
        const std::lock_guard lock(*mutex_);
        count = completion_ring_.read(batch_);
        for (std::uint32_t i = 0; i < count; ++i) {
            note_answer(batch_[i]);
        }
    }
    DoneBatch done;
    do {
        done.clear();
        {
            const std::lock_guard lock(*mutex_);
            Trace::Burst events(trace_);
            while (done.size() < done.capacity()) {
                SlotTable::Slot* const slot = slots_.oldest();
                if (slot == nullptr) {
                    break;
                }
                if (slot->answered) {
                    end_answered(*slot, environment_.now(), done, events);
                } else {
                    end_unanswered(*slot, reason, done);
                }
            }
            hand_out_slots();
            check_ledger();
        }
        call_back(done);
    } while (!done.empty());
}

void QueuePair::Impl::fail_all(Errc reason) {
    cut_off(reason);
    end_operations(reason);
    release_waiters();
}

/// They find out what has come to pass when they submit.
void QueuePair::Impl::release_waiters() {
    {
        const std::lock_guard lock(*mutex_);
        waiters_.release_all();
        check_ledger();
    }
    tell_waiters();
}

void QueuePair::Impl::begin_draining() {
    refuse(Errc::draining);
    release_waiters();
}

bool QueuePair::Impl::is_drained() {
    poll_by_application(capacity_);
    const std::lock_guard lock(*mutex_);
    return counters_.in_flight == 0;
}

void QueuePair::Impl::revoke_rings() {
    {
        const std::lock_guard lock(*mutex_);
        submission_ring_.revoke();
        completion_ring_.revoke();
    }
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

void QueuePair::Impl::finish_callbacks() {
    if (callbacks_) {
        const std::unique_ptr<Parker> parker = environment_.make_parker();
        boost::asio::post(callbacks_, [&parker] { parker->unpark(); });
        parker->park();
    }
}

// ---- recovery ----

void QueuePair::Impl::stop() {
    const std::lock_guard lock(*mutex_);
    live_ = false;
    if (state_ == State::open) {
        state_ = State::stopped;
        waiters_.recall();
    }
}

void QueuePair::Impl::begin_reset() {
    link_.mmio_write32(spec::at("Q_RESET").of(config_.index), 1);
}

result<bool> QueuePair::Impl::reset_is_done() {
    const auto resetting = read_register(link_, spec::at("Q_RESET").of(config_.index));
    const auto status = read_register(link_, spec::at("Q_STS").of(config_.index));
    if (!resetting || !status) {
        return Errc::dead;
    }
    const auto disabled = static_cast<std::uint64_t>(spec::QueueState::disabled);
    return *resetting == 0 && spec::field("Q_STS", "STATE").get(*status) == disabled;
}

error_code QueuePair::Impl::renew_rings() {
    auto rings = map_rings(link_, config_.entries);
    if (!rings) {
        return rings.error();
    }
    const std::lock_guard lock(*mutex_);
    completion_ring_.restart(std::move(rings->completion));
    torn_since_ = WaiterQueue::never;
    submission_ring_.restart(std::move(rings->submission));
    sq_head_ = 0;
    doorbell_due_ = false;
    head_due_ = false;
    stale_before_reset_ = counters_.stale_completions;
    ++counters_.resets;
    return {};
}

std::uint32_t QueuePair::Impl::poll_late() {
    const std::uint32_t reaped = poll();
    if (reaped != 0) {
        {
            const std::lock_guard lock(*mutex_);
            counters_.completions_polled += reaped;
        }
        nudge();  // the interrupt that did not come has disarmed the device
    }
    return reaped;
}

void QueuePair::Impl::nudge() {
    {
        const std::lock_guard lock(*mutex_);
        if (!live_) {
            return;
        }
        link_.mmio_write32(sq_doorbell_, submission_ring_.tail());
    }
    if (!storm_.is_raging() && !is_polled()) {
        link_.mask_vector(vector_, false);
        arm_interrupt();
    }
}

result<void> QueuePair::Impl::submit_own(const spec::SubmissionEntry& request,
                                         Operation& operation) {
    const std::lock_guard lock(*mutex_);
    if (!live_) {
        return Errc::dead;
    }
    ++counters_.submit_calls;
    if (is_full()) {
        ++counters_.eagain;
        return Errc::again;
    }
    Trace::Burst events(trace_);
    accept(request, request.session, operation, environment_.now(), events);
    events.flush();
    ring_doorbell();
    check_ledger();
    return {};
}

std::optional<QueuePair::Impl::InFlight> QueuePair::Impl::oldest() const {
    const std::lock_guard lock(*mutex_);
    const SlotTable::Slot* const slot = slots_.oldest();
    if (slot == nullptr) {
        return std::nullopt;
    }
    return InFlight{slot->cid, slot->user_tag, slot->submitted_at};
}

bool QueuePair::Impl::is_in_flight(const InFlight& operation) const {
    const std::lock_guard lock(*mutex_);
    return slots_.holds(operation.cid, operation.user_tag);
}

}  // namespace ringside::driver
