// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What the driver and the engine need of the world besides a device: time, timers, locks, a way to
// wait, a place where interrupts run, and points where a scheduler may interleave somebody else. In
// live time these are the operating system's; in virtual time a seeded scheduler's, and the same
// code then runs deterministically. Nothing in driver or engine may use std::mutex, std::thread,
// sleeps or a clock of its own.

#include <boost/asio/any_io_executor.hpp>
#include <boost/system/error_code.hpp>
#include <cstdint>
#include <functional>
#include <memory>

#include "ringside/base/time.hpp"
#include "ringside/base/trace.hpp"

namespace ringside::driver {

/// Mutual exclusion between threads (live) or logical CPUs (virtual). Satisfies BasicLockable. Not
/// recursive.
class Mutex {
  public:
    virtual ~Mutex() = default;
    virtual void lock() = 0;
    virtual void unlock() = 0;
};

/// One waiter's bed: park() sleeps until somebody calls unpark(), and consumes that call; an
/// unpark() that comes first is remembered (once). park() may not return early. It may be called
/// anywhere outside the interrupt executor, on an ASYNC job's stack too (the job then blocks its
/// thread). unpark(): any thread; nothing of the parker is touched after park() can return.
class Parker {
  public:
    virtual ~Parker() = default;
    virtual void park() = 0;
    virtual void unpark() = 0;
};

/// A one-shot timer whose callback runs on the interrupt executor.
class Timer {
  public:
    virtual ~Timer() = default;
    /// (Re)arms the timer; an earlier deadline is forgotten. Any thread.
    virtual void arm(Time deadline) = 0;
    /// After cancel() returns no callback starts; one may still be running on another thread unless
    /// the caller is on the interrupt executor. Destroying a timer cancels it and, off the
    /// interrupt executor, waits for a running callback. Any thread.
    virtual void cancel() = 0;
};

/// A seeded scheduler's hook at the named schedule points, and a test's at submit().
class SchedulePoints {
  public:
    virtual ~SchedulePoints() = default;
    /// `name` is a string literal, "layer.function.what". May run other logical CPUs before it
    /// returns.
    virtual void reached(const char* name) = 0;
    /// Asked when somebody submits to queue pair `queue`, before any lock: what the call is to be
    /// refused with. Empty: with nothing but what the driver itself finds. Never Errc::again or
    /// Errc::resetting, which promise a turn that only the driver can give.
    virtual boost::system::error_code refuse_submit(std::uint32_t /*queue*/) { return {}; }
};

class Environment {
  public:
    virtual ~Environment() = default;

    /// Any thread.
    virtual Time now() = 0;
    virtual std::unique_ptr<Mutex> make_mutex() = 0;
    virtual std::unique_ptr<Parker> make_parker() = 0;
    virtual std::unique_ptr<Timer> make_timer(std::function<void()> on_expiry) = 0;

    /// Where interrupt handlers and timer callbacks run: one flow of execution, so what runs on it
    /// needs no lock against the rest of it.
    virtual boost::asio::any_io_executor interrupt_executor() = 0;
    /// Whether the caller is on the interrupt executor.
    virtual bool on_interrupt_executor() const = 0;

    virtual Trace& trace() = 0;

    /// A place where another CPU could have come in between. Free when nobody schedules.
    void schedule_point(const char* name) {
        if (schedule_points_ != nullptr) {
            schedule_points_->reached(name);
        }
    }
    /// What a test has planned for a submit() to `queue`. Free when nobody schedules.
    boost::system::error_code planned_refusal(std::uint32_t queue) {
        return schedule_points_ != nullptr ? schedule_points_->refuse_submit(queue)
                                           : boost::system::error_code();
    }

  protected:
    SchedulePoints* schedule_points_ = nullptr;  ///< null in live time
};

}  // namespace ringside::driver
