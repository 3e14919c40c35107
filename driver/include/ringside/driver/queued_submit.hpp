// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// One request on its way through a queue pair, whether that is full or not: it waits its turn, is
// submitted, and ends once. The core of the faces that hide EAGAIN: coroutines (async.hpp),
// blocking callers (below) and the C interface. It adds no thread and no lock to the queue pair.

#include <memory>

#include "ringside/driver/queue_pair.hpp"

namespace ringside::driver {

class QueuedSubmit : private Operation, private SlotWaiter {
  public:
    QueuedSubmit(QueuePair& queue, Environment& environment, const spec::SubmissionEntry& request);
    QueuedSubmit(const QueuedSubmit&) = delete;
    QueuedSubmit& operator=(const QueuedSubmit&) = delete;

    /// Once. done() may have been called before it returns. Any thread.
    void start();

    /// Asks for an early end: a request that still waits for its slot is withdrawn, and done() says
    /// Errc::cancelled; one that the device has is not stopped, and ends with what happened. Keeps
    /// no reference to the request, which may have ended.
    class Canceller;
    /// Before start(). A request without one costs no allocation.
    Canceller make_canceller();

  protected:
    ~QueuedSubmit();

    /// Called once, on the queue pair's callback executor; may destroy the object.
    virtual void done(const Completion& completion) noexcept = 0;

  private:
    struct Shared;

    void complete(const Completion& completion) noexcept final { end(completion); }
    void slot_ready() noexcept final;
    void end(const Completion& completion) noexcept;
    void end_later(boost::system::error_code status);

    QueuePair& queue_;
    Environment& environment_;
    const spec::SubmissionEntry request_;
    std::shared_ptr<Shared> shared_;  ///< null if nobody can cancel
};

class QueuedSubmit::Canceller {
  public:
    /// Any thread, but not while start() runs.
    void operator()() const;

  private:
    friend class QueuedSubmit;
    std::shared_ptr<Shared> shared_;
};

/// Submits and sleeps until the request has ended, waiting its turn in a full ring. Not on the
/// interrupt executor nor on the queue pair's callback executor.
Completion submit_and_wait(QueuePair& queue, Environment& environment,
                           const spec::SubmissionEntry& request);

}  // namespace ringside::driver
