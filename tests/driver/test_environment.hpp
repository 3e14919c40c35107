// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A world of one thread for unit tests: the interrupt executor runs when the test says so, the
// clock moves when the test moves it, and a mutex that is locked twice is a failure, not a hang.

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "ringside/driver/link/environment.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::testing {

class TestEnvironment final : public driver::Environment, private driver::SchedulePoints {
  public:
    TestEnvironment() : trace_(seed()) {}

    Time now() override { return now_; }
    std::unique_ptr<driver::Mutex> make_mutex() override {
        return std::make_unique<CheckedMutex>();
    }
    std::unique_ptr<driver::Parker> make_parker() override {
        return std::make_unique<PumpingParker>(*this);
    }
    std::unique_ptr<driver::Timer> make_timer(std::function<void()> on_expiry) override {
        return std::make_unique<TestTimer>(*this, std::move(on_expiry));
    }
    boost::asio::any_io_executor interrupt_executor() override { return io_.get_executor(); }
    bool on_interrupt_executor() const override { return in_interrupt_; }
    Trace& trace() override { return trace_; }

    /// Runs what is ready on the interrupt executor, and what becomes ready by that.
    std::size_t run_ready() {
        in_interrupt_ = true;
        io_.restart();
        const std::size_t count = io_.poll();
        in_interrupt_ = false;
        return count;
    }
    /// Runs `body` as a thread would that is not the interrupt executor's.
    template <typename Body>
    void as_another_cpu(Body&& body) {
        const bool in_interrupt = std::exchange(in_interrupt_, false);
        body();
        in_interrupt_ = in_interrupt;
    }
    /// Lets `span` pass; timers expire at their instants.
    void advance(Duration span) {
        const Time end = now_ + span;
        run_ready();
        while (const auto next = next_deadline()) {
            if (*next > end) {
                break;
            }
            expire(*next);
        }
        now_ = end;
    }
    /// What is called at every schedule point; empty: nothing.
    void at_schedule_points(std::function<void(std::string_view)> hook) {
        hook_ = std::move(hook);
        schedule_points_ = hook_ ? this : nullptr;
    }

  private:
    class CheckedMutex final : public driver::Mutex {
      public:
        void lock() override {
            if (std::exchange(locked_, true)) {
                ADD_FAILURE() << "a mutex was locked twice: this would hang";
                std::abort();
            }
        }
        void unlock() override { locked_ = false; }

      private:
        bool locked_ = false;
    };

    class PumpingParker final : public driver::Parker {
      public:
        explicit PumpingParker(TestEnvironment& environment) : environment_(environment) {}
        void park() override {
            while (!std::exchange(unparked_, false)) {
                if (environment_.run_ready() == 0 && !environment_.expire_next()) {
                    ADD_FAILURE() << "parked for ever";
                    std::abort();
                }
            }
        }
        void unpark() override { unparked_ = true; }

      private:
        TestEnvironment& environment_;
        bool unparked_ = false;
    };

    class TestTimer final : public driver::Timer {
      public:
        TestTimer(TestEnvironment& environment, std::function<void()> on_expiry)
            : environment_(environment), on_expiry_(std::move(on_expiry)) {
            environment_.timers_.push_back(this);
        }
        TestTimer(const TestTimer&) = delete;
        TestTimer& operator=(const TestTimer&) = delete;
        ~TestTimer() override { std::erase(environment_.timers_, this); }
        void arm(Time deadline) override { deadline_ = std::max(deadline, environment_.now_); }
        void cancel() override { deadline_.reset(); }

      private:
        friend class TestEnvironment;
        TestEnvironment& environment_;
        std::function<void()> on_expiry_;
        std::optional<Time> deadline_;
    };

    std::optional<Time> next_deadline() const {
        std::optional<Time> earliest;
        for (const TestTimer* timer : timers_) {
            if (timer->deadline_ && (!earliest || *timer->deadline_ < *earliest)) {
                earliest = timer->deadline_;
            }
        }
        return earliest;
    }
    bool expire_next() {
        const auto next = next_deadline();
        if (next) {
            expire(*next);
        }
        return next.has_value();
    }
    void expire(Time when) {
        now_ = when;
        const auto due = std::find_if(timers_.begin(), timers_.end(), [when](TestTimer* timer) {
            return timer->deadline_ && *timer->deadline_ <= when;
        });
        (*due)->deadline_.reset();
        boost::asio::post(io_, [callback = &(*due)->on_expiry_] { (*callback)(); });
        run_ready();
    }
    void reached(const char* name) override { hook_(name); }

    boost::asio::io_context io_;
    Trace trace_;
    Time now_{};
    bool in_interrupt_ = false;
    std::vector<TestTimer*> timers_;
    std::function<void(std::string_view)> hook_;
};

}  // namespace ringside::testing
