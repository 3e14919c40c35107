// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "request.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace ringside::offload {

driver::result<void> Request::submit(const spec::SubmissionEntry& entry) {
    rendezvous_->rise(sleeper, slot_came);
    held_by_driver_ = shared_from_this();
    auto accepted = queue_.submit(entry, *this, this);
    if (!accepted) {
        held_by_driver_.reset();
    }
    return accepted;
}

void Request::disown() {
    queue_.forget(*this);
    // slot_ready() may be about to run with nothing but a pointer to us; it runs on the interrupt
    // executor, and so before this.
    boost::asio::post(environment_.interrupt_executor(), [self = shared_from_this()] {});
}

void Request::complete(const driver::Completion& result) noexcept {
    const std::shared_ptr<Request> self = std::move(held_by_driver_);
    environment_.schedule_point("offload.complete.before_signal");
    completion = result;
    rendezvous_->signal(sleeper, done, callback_);
}

void Request::slot_ready() noexcept {
    // No callback: the manual page promises none for EAGAIN. The file descriptor is for those who
    // sleep on it.
    environment_.schedule_point("offload.slot_ready.before_signal");
    rendezvous_->signal(sleeper, slot_came, {});
}

}  // namespace ringside::offload
