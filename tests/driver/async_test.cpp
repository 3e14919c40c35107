// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Requests as asynchronous operations: each ends once, in turn, on its handler's executor; a
// withdrawn one leaves its place to the next, and one that the device has is not disturbed.

#include "ringside/driver/async.hpp"

#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "queue_fixture.hpp"

namespace ringside::driver {
namespace {

namespace asio = boost::asio;

class AsyncQueueTest : public testing::QueueFixture {
  protected:
    /// How one request ended.
    struct Outcome {
        int calls = 0;
        error_code error;
        Completion completion;
    };
    /// A handler that notes it.
    static auto into(Outcome& outcome) {
        return [&outcome](error_code error, const Completion& completion) {
            ++outcome.calls;
            outcome.error = error;
            outcome.completion = completion;
        };
    }
    void open_async(std::uint32_t entries) {
        open(entries);
        async.emplace(*queue, environment);
    }
    std::optional<AsyncQueue> async;
};

TEST_F(AsyncQueueTest, ARequestEndsOnceWithItsResult) {
    open_async(4);
    Outcome outcome;
    async->async_submit({}, into(outcome));
    EXPECT_EQ(outcome.calls, 0);
    device.complete(q, 0, {}, 42);
    environment.run_ready();
    EXPECT_EQ(outcome.calls, 1);
    EXPECT_FALSE(outcome.error);
    EXPECT_EQ(outcome.completion.result, 42u);
}

TEST_F(AsyncQueueTest, AFailureIsTheErrorCode) {
    open_async(4);
    Outcome outcome;
    async->async_submit({}, into(outcome));
    device.complete(q, 0,
                    spec::Status::of(spec::StatusType::crypto, spec::CryptoError::auth_failed));
    environment.run_ready();
    EXPECT_EQ(outcome.error, Errc::auth_failed);
    EXPECT_EQ(outcome.completion.status, Errc::auth_failed);
}

TEST_F(AsyncQueueTest, ARefusalEndsTheRequestButNotInsideTheCall) {
    open_async(4);
    Outcome outcome;
    async->async_submit({.src_len = device.max_length + 1}, into(outcome));
    EXPECT_EQ(outcome.calls, 0);
    environment.run_ready();
    EXPECT_EQ(outcome.calls, 1);
    EXPECT_EQ(outcome.error, Errc::invalid_request);
}

TEST_F(AsyncQueueTest, MoreRequestsThanSlotsEndInTheOrderOfTheCalls) {
    open_async(2);
    std::vector<int> order;
    for (int i = 0; i < 5; ++i) {
        async->async_submit({}, [&order, i](error_code error, const Completion&) {
            EXPECT_FALSE(error);
            order.push_back(i);
        });
    }
    for (int i = 0; i < 5; ++i) {
        ASSERT_EQ(device.pending(q), 1u);
        complete_one();
    }
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
    EXPECT_EQ(queue->counters().waiting, 0u);
    EXPECT_EQ(queue->counters().reserved, 0u);
}

TEST_F(AsyncQueueTest, WhoWaitsIsSubmittedInTheOrderOfTheCallsAndWhoFindsASlotAtOnce) {
    open_async(4);
    // Each request is marked with its number.
    const auto request = [](std::uint32_t number) {
        return spec::SubmissionEntry{.src_len = number};
    };
    Outcome others;
    async->async_submit(request(1), [&](error_code, const Completion&) {
        async->async_submit(request(6), into(others));  // while 4 and 5 have slots, and one is free
    });
    for (std::uint32_t number = 2; number <= 5; ++number) {
        async->async_submit(request(number), into(others));
    }
    for (int i = 0; i < 3; ++i) {
        device.complete(q);
    }
    environment.run_ready();
    ASSERT_EQ(device.pending(q), 3u);
    EXPECT_EQ(device.pending_entry(q, 0).src_len, 6u);
    EXPECT_EQ(device.pending_entry(q, 1).src_len, 4u);
    EXPECT_EQ(device.pending_entry(q, 2).src_len, 5u);
    for (int i = 0; i < 3; ++i) {
        complete_one();
    }
    EXPECT_EQ(others.calls, 5);
}

TEST_F(AsyncQueueTest, WhoseTurnLapsesWaitsAnewBehindTheOthers) {
    open_async(2);
    std::vector<int> order;
    for (int i = 0; i < 3; ++i) {
        async->async_submit({}, [&order, i](error_code, const Completion&) { order.push_back(i); });
    }
    bool stopped = false;
    environment.at_schedule_points([&](std::string_view name) {
        if (name == "queue_pair.tell_waiters.before_slot_ready" && !std::exchange(stopped, true)) {
            environment.advance(lapse);
        }
    });
    for (int i = 0; i < 3; ++i) {
        complete_one();
    }
    EXPECT_EQ(order, (std::vector<int>{0, 2, 1}));
    EXPECT_EQ(queue->counters().lapses, 1u);
}

TEST_F(AsyncQueueTest, AHandlerRunsOnItsOwnExecutorWhichHasWorkUntilThen) {
    open_async(4);
    asio::io_context own;
    Outcome outcome;
    async->async_submit({}, asio::bind_executor(own, into(outcome)));
    complete_one();
    EXPECT_EQ(outcome.calls, 0);
    EXPECT_EQ(own.run(), 1u);
    EXPECT_EQ(outcome.calls, 1);
}

TEST_F(AsyncQueueTest, AWaitingRequestIsWithdrawnAndItsSlotGoesToTheNext) {
    open_async(2);
    Outcome first;
    Outcome withdrawn;
    Outcome last;
    asio::cancellation_signal signal;
    async->async_submit({}, into(first));
    async->async_submit({}, asio::bind_cancellation_slot(signal.slot(), into(withdrawn)));
    async->async_submit({}, into(last));
    signal.emit(asio::cancellation_type::total);
    environment.run_ready();
    EXPECT_EQ(withdrawn.calls, 1);
    EXPECT_EQ(withdrawn.error, Errc::cancelled);
    EXPECT_FALSE(signal.slot().has_handler());
    complete_one();
    complete_one();
    EXPECT_EQ(first.calls, 1);
    EXPECT_EQ(last.calls, 1);
    EXPECT_FALSE(last.error);
    EXPECT_EQ(withdrawn.calls, 1);
}

TEST_F(AsyncQueueTest, ARequestThatTheDeviceHasEndsWithWhatHappened) {
    open_async(4);
    Outcome outcome;
    asio::cancellation_signal signal;
    async->async_submit({}, asio::bind_cancellation_slot(signal.slot(), into(outcome)));
    signal.emit(asio::cancellation_type::terminal);
    environment.run_ready();
    EXPECT_EQ(outcome.calls, 0);
    complete_one();
    EXPECT_EQ(outcome.calls, 1);
    EXPECT_FALSE(outcome.error);
}

TEST_F(AsyncQueueTest, ARequestThatWasWithdrawnTooLateEndsOnce) {
    open_async(2);
    Outcome first;
    Outcome second;
    asio::cancellation_signal signal;
    async->async_submit({}, into(first));
    async->async_submit({}, asio::bind_cancellation_slot(signal.slot(), into(second)));
    device.complete(q);
    signal.emit(asio::cancellation_type::total);  // behind the interrupt that gives it the slot
    environment.run_ready();
    device.complete(q);
    environment.run_ready();
    EXPECT_EQ(second.calls, 1);
    EXPECT_FALSE(second.error);
}

TEST_F(AsyncQueueTest, ACancellationOfNothingDoesNothing) {
    open_async(2);
    Outcome first;
    Outcome waiting;
    asio::cancellation_signal signal;
    async->async_submit({}, into(first));
    async->async_submit({}, asio::bind_cancellation_slot(signal.slot(), into(waiting)));
    signal.emit(asio::cancellation_type::none);
    environment.run_ready();
    EXPECT_EQ(waiting.calls, 0);
    complete_one();
    complete_one();
    EXPECT_FALSE(waiting.error);
}

TEST_F(AsyncQueueTest, WaitersOfADeadDeviceAreTold) {
    open_async(2);
    Outcome first;
    Outcome waiting;
    async->async_submit({}, into(first));
    async->async_submit({}, into(waiting));
    opened->close();
    environment.run_ready();
    EXPECT_EQ(first.error, Errc::dead);
    EXPECT_EQ(waiting.error, Errc::dead);
    EXPECT_EQ(waiting.calls, 1);
}

TEST_F(AsyncQueueTest, ARequestDuringAResetWaitsAndEndsWell) {
    open_async(2);
    opened->request_reset();
    environment.run_ready();
    Outcome outcome;
    async->async_submit({}, into(outcome));
    environment.run_ready();
    EXPECT_EQ(outcome.calls, 0);
    environment.advance(std::chrono::milliseconds(1));
    device.complete(q);
    environment.run_ready();
    EXPECT_EQ(outcome.calls, 1);
    EXPECT_FALSE(outcome.error);
}

TEST_F(AsyncQueueTest, ACoroutineAwaitsItsRequests) {
    open_async(2);
    std::vector<std::uint32_t> results;
    error_code last;
    bool ended = false;
    const auto worker = [&]() -> asio::awaitable<void> {
        const spec::SubmissionEntry request;
        for (int i = 0; i < 3; ++i) {
            const Completion completion =
                co_await async->async_submit(request, asio::use_awaitable);
            results.push_back(completion.result);
        }
        const auto token = asio::experimental::as_tuple(asio::use_awaitable);
        const auto [error, completion] = co_await async->async_submit(request, token);
        last = error;
    };
    asio::co_spawn(async->get_executor(), worker, [&](const std::exception_ptr& exception) {
        EXPECT_FALSE(exception);
        ended = true;
    });
    environment.run_ready();
    for (std::uint32_t i = 1; i <= 3; ++i) {
        device.complete(q, 0, {}, i);
        environment.run_ready();
    }
    device.complete(q, 0,
                    spec::Status::of(spec::StatusType::request, spec::RequestError::bad_session));
    environment.run_ready();
    EXPECT_EQ(results, (std::vector<std::uint32_t>{1, 2, 3}));
    EXPECT_EQ(last, Errc::request_rejected);
    EXPECT_TRUE(ended);
}

TEST_F(AsyncQueueTest, ADeferredRequestIsSubmittedWhenItIsLaunched) {
    open_async(4);
    auto deferred = async->async_submit({}, asio::deferred);
    EXPECT_EQ(device.pending(q), 0u);
    Outcome outcome;
    std::move(deferred)(into(outcome));
    device.complete(q, 0, {}, 7);
    environment.run_ready();
    EXPECT_EQ(outcome.completion.result, 7u);
}

TEST_F(AsyncQueueTest, ABlockingCallerWaitsItsTurn) {
    open_async(2);
    Outcome first;
    async->async_submit({}, into(first));
    int completed = 0;
    asio::post(environment.interrupt_executor(), [&] {
        device.complete(q, 0, {}, 1);
        ++completed;
    });
    // Once the caller has its slot the device is asked again: complete that, too.
    const auto timer = environment.make_timer([&] {
        device.complete(q, 0, {}, 2);
        ++completed;
    });
    timer->arm(environment.now() + std::chrono::milliseconds(1));
    EXPECT_EQ(submit_and_wait(*queue, environment, {}).result, 2u);
    EXPECT_EQ(first.completion.result, 1u);
    EXPECT_EQ(completed, 2);
}

}  // namespace
}  // namespace ringside::driver
