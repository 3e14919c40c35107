// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The driver for Boost.Asio: a request is an asynchronous operation that takes any completion token
// (use_awaitable, use_future, a callback, ...). An application that is written in coroutines sees
// no EAGAIN: a request waits its turn in a full ring and ends once.
//
// g++ 12 destroys a braced temporary in a co_await expression twice (GCC bugs 98401, 99576): make
// requests and completion tokens before the expression, or by calling a function.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <memory>
#include <utility>

#include "ringside/driver/queued_submit.hpp"

namespace ringside::driver {

namespace detail {

/// A request whose end calls a completion handler. Allocates itself with the handler's allocator.
template <typename Handler>
class HandlerSubmit final : public QueuedSubmit {
  public:
    static void start(QueuePair& queue, Environment& environment,
                      const spec::SubmissionEntry& request, Handler handler) {
        Allocator allocator(boost::asio::get_associated_allocator(handler));
        HandlerSubmit* const submit = Traits::allocate(allocator, 1);
        Traits::construct(allocator, submit, queue, environment, request, std::move(handler));
        auto slot = boost::asio::get_associated_cancellation_slot(submit->handler_);
        if (slot.is_connected()) {
            slot.assign([cancel = submit->make_canceller()](boost::asio::cancellation_type type) {
                cancel_if_asked(cancel, type);
            });
        }
        submit->QueuedSubmit::start();
    }

    HandlerSubmit(QueuePair& queue, Environment& environment, const spec::SubmissionEntry& request,
                  Handler handler)
        : QueuedSubmit(queue, environment, request),
          handler_(std::move(handler)),
          executor_(boost::asio::get_associated_executor(handler_, queue.callback_executor())) {}

  private:
    using Executor = boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>;
    using Allocator = typename std::allocator_traits<
        boost::asio::associated_allocator_t<Handler>>::template rebind_alloc<HandlerSubmit>;
    using Traits = std::allocator_traits<Allocator>;

    /// A request that is withdrawn has had no effect: every type of cancellation may ask for that.
    static void cancel_if_asked(const QueuedSubmit::Canceller& cancel,
                                boost::asio::cancellation_type type) {
        if (type != boost::asio::cancellation_type::none) {
            cancel();
        }
    }

    void done(const Completion& completion) noexcept override {
        Handler handler(std::move(handler_));
        const boost::asio::executor_work_guard<Executor> executor(std::move(executor_));
        Allocator allocator(boost::asio::get_associated_allocator(handler));
        Traits::destroy(allocator, this);
        Traits::deallocate(allocator, this, 1);
        boost::asio::dispatch(executor.get_executor(),
                              [handler = std::move(handler), completion]() mutable {
                                  // Here, where the handler's owner may use the slot's signal.
                                  boost::asio::get_associated_cancellation_slot(handler).clear();
                                  std::move(handler)(completion.status, completion);
                              });
    }

    Handler handler_;
    boost::asio::executor_work_guard<Executor> executor_;  ///< keeps its context running
};

}  // namespace detail

/// A queue pair as an asynchronous object. Copyable; refers to the queue pair.
class AsyncQueue {
  public:
    /// Both must outlive every request, and the queue pair's callback executor must run.
    AsyncQueue(QueuePair& queue, Environment& environment)
        : queue_(&queue), environment_(&environment) {}

    using executor_type = boost::asio::any_io_executor;
    /// The queue pair's callback executor: where handlers run that have none of their own.
    executor_type get_executor() const { return queue_->callback_executor(); }

    /// Submits `request`, waiting for a slot if the ring is full. The handler's signature is
    /// void(error_code, Completion); the error code is Completion::status. The buffers must live
    /// until then.
    ///
    /// Requests that wait are given their slots, and submitted, in the order of the calls. Beyond
    /// that there is no order: one that finds a slot for which nobody waits is submitted at once,
    /// before those that have been given theirs and are about to use them on the callback executor;
    /// and one whose thread is stopped just then, for longer than DeviceConfig::reservation_lapse,
    /// waits anew behind the others. Who needs an order awaits the one before.
    ///
    /// Cancellation, of any type: a request that waits for its slot is withdrawn and ends with
    /// Errc::cancelled; one that the device has ends with what happened. Ends the same way, once,
    /// in any case.
    template <typename CompletionToken>
    auto async_submit(const spec::SubmissionEntry& request, CompletionToken&& token) {
        return boost::asio::async_initiate<CompletionToken,
                                           void(boost::system::error_code, Completion)>(
            [queue = queue_, environment = environment_](auto handler,
                                                         const spec::SubmissionEntry& entry) {
                detail::HandlerSubmit<decltype(handler)>::start(*queue, *environment, entry,
                                                                std::move(handler));
            },
            token, request);
    }

  private:
    QueuePair* queue_;
    Environment* environment_;
};

}  // namespace ringside::driver
