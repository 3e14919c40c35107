// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// One descriptor on its way: known to its caller (through the rendezvous, if that is a job), to the
// driver's waiter queue, and to the device. Shared between them, and destroyed, buffers included,
// when the last has let go of it; so an abandoned job leaves the device a place to write to.

#include <atomic>
#include <memory>

#include "rendezvous.hpp"
#include "ringside/driver/device.hpp"
#include "ringside/offload/offload.hpp"

namespace ringside::offload {

class Request final : public driver::Operation,
                      public driver::SlotWaiter,
                      public std::enable_shared_from_this<Request> {
  public:
    Request(driver::QueuePair& queue, driver::Environment& environment,
            std::shared_ptr<Rendezvous> rendezvous, Callback callback,
            const spec::SubmissionEntry& entry, RequestBuffers request_buffers)
        : SlotWaiter(callback.function != nullptr ? Kind::notify_only : Kind::reserving),
          queue_(queue),
          environment_(environment),
          rendezvous_(std::move(rendezvous)),
          callback_(callback),
          entry_(entry),
          buffers(std::move(request_buffers)) {}

    // ---- the caller's side ----

    driver::result<void> submit();
    /// Whether submit() need not be called again after a transient refusal: the request goes into
    /// its slot when that is there, by itself. Not if the application has a callback: then the slot
    /// is for whichever job it resumes.
    bool submits_itself() const { return callback_.function == nullptr; }
    /// The caller will not submit any more: leaves the waiter queue.
    void disown();

    bool done = false;       ///< guarded by the rendezvous
    bool slot_came = false;  ///< likewise; cleared by submit()
    bool refused = false;    ///< once done: it was never submitted
    Sleeper sleeper;         ///< likewise

    // ---- the interrupt context's side ----

    void complete(const driver::Completion& result) noexcept override;
    void slot_ready() noexcept override;

  private:
    driver::result<void> submit_to_queue(std::shared_ptr<Request>& held);
    void submit_in_slot();

    driver::QueuePair& queue_;
    driver::Environment& environment_;
    const std::shared_ptr<Rendezvous> rendezvous_;
    const Callback callback_;
    const spec::SubmissionEntry entry_;
    std::atomic<bool> disowned_{false};
    // By the driver, until complete(). Two, as a slot may come while submit() is still returning.
    std::shared_ptr<Request> held_since_submit_;  ///< set by the caller's thread
    std::shared_ptr<Request> held_since_slot_;    ///< set in interrupt context

  public:
    RequestBuffers buffers;
    driver::Completion completion;  ///< once done
};

}  // namespace ringside::offload
