// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "request.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace ringside::offload {

driver::result<void> Request::submit() {
    rendezvous_->rise(sleeper, slot_came);
    return submit_to_queue(held_since_submit_);
}

driver::result<void> Request::submit_to_queue(std::shared_ptr<Request>& held) {
    held = shared_from_this();
    try {
        auto accepted = queue_.submit(entry_, *this, this);
        if (!accepted) {
            held.reset();
        }
        return accepted;
    } catch (...) {
        held.reset();  // else it would hold itself for ever
        throw;
    }
}

void Request::disown() {
    disowned_ = true;
    queue_.forget(*this);
    // slot_ready() may be about to run with nothing but a pointer to us; it runs on the interrupt
    // executor, and so before this.
    boost::asio::post(environment_.interrupt_executor(), [self = shared_from_this()] {});
}

void Request::complete(const driver::Completion& result) noexcept {
    const std::shared_ptr<Request> self =
        std::move(held_since_slot_ != nullptr ? held_since_slot_ : held_since_submit_);
    environment_.schedule_point("offload.complete.before_signal");
    completion = result;
    rendezvous_->signal(sleeper, done, callback_);
}

void Request::slot_ready() noexcept {
    environment_.schedule_point("offload.slot_ready.before_signal");
    if (submits_itself()) {
        submit_in_slot();
        return;
    }
    // No callback: the manual page promises none for EAGAIN. The file descriptor is for those who
    // sleep on it.
    rendezvous_->signal(sleeper, slot_came, {});
}

/// The slot is kept for this request, and its caller has nothing to add: the device need not wait
/// until the application comes round to resuming the job.
void Request::submit_in_slot() {
    const std::shared_ptr<Request> self = shared_from_this();
    const auto accepted = submit_to_queue(held_since_slot_);
    if (accepted) {
        rendezvous_->nudge(sleeper);
    } else if (!driver::is_transient(accepted.error())) {
        refused = true;
        completion.status = accepted.error();
        rendezvous_->signal(sleeper, done, {});
    } else if (disowned_) {
        queue_.forget(*this);  // it queues again, and disown() may have been before that
    }
}

}  // namespace ringside::offload
