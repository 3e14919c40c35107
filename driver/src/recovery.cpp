// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The queue pairs' side of recovery, timers and counters; the device's is in recovery_device.cpp.

#include "recovery.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include "mmio.hpp"

namespace ringside::driver {

Recovery::Recovery(Link& link, Environment& environment, DmaPool& dma, SessionTable& sessions,
                   const RecoveryPolicy& policy, Duration state_change)
    : link_(link),
      environment_(environment),
      dma_(dma),
      sessions_(sessions),
      policy_(policy),
      state_change_(state_change),
      budget_(policy.max_device_resets, policy.reset_window),
      mutex_(environment.make_mutex()),
      timer_(environment.make_timer([this] { on_timer(); })) {}

void Recovery::begin(const std::vector<std::unique_ptr<QueuePair>>& queues) {
    for (const auto& queue : queues) {
        rungs_.emplace_back(*this, *queue->impl_, policy_);
    }
}

void Recovery::shut_down() {
    shut_down_ = true;
    timer_->cancel();
}

RecoveryCounters Recovery::counters() const {
    const std::lock_guard lock(*mutex_);
    return counters_;
}

void Recovery::count(std::uint64_t RecoveryCounters::*counter, std::uint64_t by) {
    const std::lock_guard lock(*mutex_);
    counters_.*counter += by;
}

// ---- a queue pair's table ----

void Recovery::handle(Rung& rung, QueueEvent event) {
    const QueueTransition* const row = next(rung.stage, event);
    if (row == nullptr || shut_down_) {
        return;
    }
    rung.stage = row->to;
    perform(rung, row->action);
    schedule();
}

void Recovery::perform(Rung& rung, QueueAction action) {
    switch (action) {
        case QueueAction::none:
            break;
        case QueueAction::check:
            check(rung);
            break;
        case QueueAction::abort:
            abort_oldest(rung);
            break;
        case QueueAction::reset:
            begin_queue_reset(rung);
            break;
        case QueueAction::end_operations_and_set_up:
            update_quarantine();
            count(&RecoveryCounters::queue_resets);
            rung.queue.end_operations(Errc::aborted);
            set_up(rung);
            break;
        case QueueAction::resume:
            rung.queue.open();
            break;
        case QueueAction::ask_device:
            rung.queue.stop();
            want_device_reset();
            break;
        case QueueAction::stop:
            rung.queue.stop();
            break;
        case QueueAction::end:
            rung.queue.fail_all(Errc::dead);
            break;
    }
}

void Recovery::on_late(std::uint32_t queue) {
    if (shut_down_ || queue >= rungs_.size()) {
        return;
    }
    Rung& rung = rungs_[queue];
    count(&RecoveryCounters::late_checks);
    rung.queue.poll_late();
    const auto oldest = rung.queue.oldest();
    if (!oldest || environment_.now() - oldest->submitted_at < policy_.late_after) {
        handle(rung, QueueEvent::answered);
        return;
    }
    handle(rung, QueueEvent::late);
    if (rung.stage == QueueStage::checking && is_overdue(oldest->submitted_at)) {
        on_overdue(rung, *oldest);
    }
}

void Recovery::on_broken_ring(std::uint32_t queue) {
    if (shut_down_ || queue >= rungs_.size()) {
        return;
    }
    count(&RecoveryCounters::broken_rings);
    handle(rungs_[queue], QueueEvent::queue_reset_wanted);
}

/// What was posted may have been lost: the doorbell, the interrupt, the unmasking.
void Recovery::check(Rung& rung) {
    rung.queue.nudge();
    check_device();
}

bool Recovery::is_overdue(Time submitted_at) const {
    return environment_.now() - submitted_at >= policy_.operation_timeout;
}

void Recovery::on_overdue(Rung& rung, const QueuePair::Impl::InFlight& operation) {
    if (std::exchange(rung.overdue_tag, operation.user_tag) != operation.user_tag) {
        count(&RecoveryCounters::overdue);
    }
    switch (policy_.on_timeout) {
        case Measure::report:
            break;
        case Measure::abort: {
            // The device aborts nothing on the admin queue pair.
            const bool admin = rung.queue.config().index == 0;
            handle(rung, admin ? QueueEvent::queue_reset_wanted : QueueEvent::abort_wanted);
            break;
        }
        case Measure::reset_queue:
            handle(rung, QueueEvent::queue_reset_wanted);
            break;
        case Measure::reset_device:
            handle(rung, QueueEvent::device_reset_wanted);
            break;
    }
}

void Recovery::abort_oldest(Rung& rung) {
    const auto oldest = rung.queue.oldest();
    if (!oldest) {
        handle(rung, QueueEvent::answered);
        return;
    }
    spec::SubmissionEntry request;
    request.opcode = static_cast<std::uint8_t>(spec::Opcode::abort);
    request.session =
        spec::AbortTarget{static_cast<std::uint16_t>(rung.queue.config().index), oldest->cid}
            .encode();
    count(&RecoveryCounters::aborts);
    rung.aborted = *oldest;
    rung.deadline = environment_.now() + policy_.abort_timeout;
    if (rung.abort_in_flight || !rungs_.front().queue.submit_own(request, rung)) {
        count(&RecoveryCounters::aborts_in_vain);
        handle(rung, QueueEvent::queue_reset_wanted);
        return;
    }
    rung.abort_in_flight = true;
}

void Recovery::Rung::complete(const Completion& /*completion*/) noexcept {
    abort_in_flight = false;
    owner.on_abort_done(*this);
}

void Recovery::on_abort_done(Rung& rung) {
    if (shut_down_ || rung.stage != QueueStage::aborting) {
        return;
    }
    rung.queue.poll();  // its entry was written before the ABORT's
    if (rung.queue.is_in_flight(rung.aborted)) {
        count(&RecoveryCounters::aborts_in_vain);
        handle(rung, QueueEvent::queue_reset_wanted);
        return;
    }
    const auto oldest = rung.queue.oldest();
    if (oldest && is_overdue(oldest->submitted_at)) {
        count(&RecoveryCounters::overdue);
        handle(rung, QueueEvent::abort_wanted);
    } else {
        handle(rung, QueueEvent::answered);
    }
}

void Recovery::begin_queue_reset(Rung& rung) {
    rung.queue.stop();
    if (!rung.budget.take(environment_.now())) {
        handle(rung, QueueEvent::device_reset_wanted);
        return;
    }
    update_quarantine();
    rung.deadline = environment_.now() + state_change_;
    rung.queue.begin_reset();
}

/// Buffers are kept aside as long as anything is being reset.
void Recovery::update_quarantine() {
    const bool in_doubt = stage_ == DeviceStage::resetting ||
                          std::any_of(rungs_.begin(), rungs_.end(), [](const Rung& rung) {
                              return rung.stage == QueueStage::resetting;
                          });
    dma_.quarantine(in_doubt);
}

void Recovery::set_up(Rung& rung) {
    rung.deadline = environment_.now() + state_change_;
    if (rung.queue.renew_rings()) {
        handle(rung, QueueEvent::device_reset_wanted);
        return;
    }
    rung.queue.program();
}

// ---- time ----

void Recovery::on_timer() {
    armed_for_ = WaiterQueue::never;
    if (gone_) {
        return;
    }
    for (Rung& rung : rungs_) {
        tick(rung);
    }
    tick_device();
    schedule();
}

void Recovery::tick(Rung& rung) {
    const bool expired = environment_.now() >= rung.deadline;
    if (rung.stage == QueueStage::aborting && expired) {
        count(&RecoveryCounters::aborts_in_vain);
        handle(rung, QueueEvent::queue_reset_wanted);
        return;
    }
    bool done = false;
    bool failed = false;
    if (rung.stage == QueueStage::resetting) {
        const auto is_done = rung.queue.reset_is_done();
        if (!is_done) {
            lose_device();
            return;
        }
        done = *is_done;
    } else if (rung.stage == QueueStage::restarting) {
        const auto state = rung.queue.enabling();
        if (state == QueuePair::Impl::Enabling::gone) {
            lose_device();
            return;
        }
        done = state == QueuePair::Impl::Enabling::enabled;
        failed = state == QueuePair::Impl::Enabling::refused;
    } else {
        return;
    }
    if (done) {
        handle(rung, QueueEvent::done);
    } else if (failed || expired) {
        count(&RecoveryCounters::failed_resets);
        handle(rung, QueueEvent::device_reset_wanted);
    }
}

/// Looks often while the device changes a state, and else only at deadlines.
void Recovery::schedule() {
    if (shut_down_) {
        return;
    }
    const Time now = environment_.now();
    Time wanted = WaiterQueue::never;
    for (const Rung& rung : rungs_) {
        if (rung.stage == QueueStage::aborting) {
            wanted = std::min(wanted, rung.deadline);
        } else if (rung.stage == QueueStage::resetting || rung.stage == QueueStage::restarting) {
            wanted = std::min(wanted, std::min(rung.deadline, now + poll_interval));
        }
    }
    if (stage_ == DeviceStage::restoring) {
        wanted = std::min(wanted, deadline_);
    } else if (stage_ != DeviceStage::ready && stage_ != DeviceStage::ended) {
        wanted = std::min(wanted, std::min(deadline_, now + poll_interval));
    }
    if (wanted < armed_for_) {
        armed_for_ = wanted;
        timer_->arm(wanted);
    }
}

}  // namespace ringside::driver
