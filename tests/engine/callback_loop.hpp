// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The loop of an application that is told by callbacks and statuses, as the manual pages of
// ASYNC_WAIT_CTX_set_callback(3) and SSL_set_async_callback(3) want it: it resumes who was called,
// and for each of these one more, any one, of those whose status is EAGAIN. Only when it has
// nothing on the device does it sleep on descriptors. docs/ring-full.md explains it; keep the two
// alike.

#include <gtest/gtest.h>
#include <openssl/async.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "ringside/base/prng.hpp"

namespace ringside::testing {

class CallbackLoop {
  public:
    enum class State : std::uint8_t {
        ready,      ///< can be run
        idle,       ///< waits for something other than the device; wake() ends that
        on_device,  ///< paused with status OK: a callback will come
        refused,    ///< paused with status EAGAIN: none will
        finished,
    };

    /// What the loop runs: a job, or a TLS connection whose calls are jobs.
    class Task {
      public:
        Task() = default;
        Task(const Task&) = delete;
        Task& operator=(const Task&) = delete;
        virtual ~Task() = default;

      protected:
        /// Starts or resumes it.
        virtual State run() = 0;
        /// Of its wait ctx; -1: it has none yet.
        virtual int fd() const = 0;

      private:
        friend class CallbackLoop;
        State state_ = State::ready;
        bool watched_ = false;
    };

    struct Outcome {
        std::uint64_t calls = 0;       ///< of the callback
        std::uint64_t again = 0;       ///< pauses with status EAGAIN
        std::uint64_t futile = 0;      ///< resumes with status EAGAIN before and after
        std::uint64_t told_by_fd = 0;  ///< resumes because a descriptor was readable
        std::uint64_t most_on_device = 0;
    };

    /// `wait_readable(fd)` returns when `fd` is readable, as poll(2) without a timeout. `seed`: in
    /// which order tasks whose status is EAGAIN are resumed.
    CallbackLoop(std::uint64_t seed, std::function<void(int)> wait_readable)
        : order_(seed, "who is resumed"), wait_readable_(std::move(wait_readable)) {
        watch(called_fd_, nullptr, anything_fd_);
        watch(refused_fd_, nullptr, anything_fd_);
    }
    CallbackLoop(const CallbackLoop&) = delete;
    CallbackLoop& operator=(const CallbackLoop&) = delete;
    ~CallbackLoop() {
        for (const int fd : {anything_fd_, refused_fd_, called_fd_}) {
            close(fd);
        }
    }

    /// The callback's part: small and nonblocking, for it runs on a thread of the engine's.
    void call(Task& task) {
        const std::lock_guard lock(mutex_);
        called_.push_back(&task);
        ++outcome_.calls;
        EXPECT_EQ(eventfd_write(called_fd_, 1), 0);
    }

    /// Something has come for a task that was idle.
    void wake(Task& task) {
        if (task.state_ == State::idle) {
            task.state_ = State::ready;
            ready_.push_back(&task);
        }
    }

    /// Runs `tasks` until all have finished.
    void run(const std::vector<Task*>& tasks) {
        ready_.assign(tasks.begin(), tasks.end());
        unfinished_ = tasks.size();
        while (unfinished_ != 0) {
            if (!ready_.empty()) {
                Task* const task = ready_.front();
                ready_.pop_front();
                enter(*task);
            } else if (Task* const task = next_called()) {
                // It may have gone on by itself: the callback can come before the pause.
                if (task->state_ == State::on_device || task->state_ == State::refused) {
                    enter(*task);
                }
                if (!refused_.empty()) {
                    enter(*refused_[order_.below(refused_.size())]);
                }
            } else if (on_device_ != 0) {
                wait_readable_(called_fd_);
            } else {
                ASSERT_FALSE(refused_.empty()) << "all wait for each other";
                wait_readable_(anything_fd_);
                resume_who_is_told();
            }
        }
    }

    /// After run(), and when no callback can come any more.
    const Outcome& outcome() const { return outcome_; }

  private:
    static void watch(int fd, Task* task, int epoll_fd) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = task;
        EXPECT_EQ(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event), 0) << fd;
    }

    void enter(Task& task) {
        const State before = task.state_;
        const State after = task.run();
        task.state_ = after;
        on_device_ -= before == State::on_device ? 1 : 0;
        on_device_ += after == State::on_device ? 1 : 0;
        unfinished_ -= after == State::finished ? 1 : 0;
        if (before != State::refused && after == State::refused) {
            refused_.push_back(&task);
        } else if (before == State::refused && after != State::refused) {
            refused_.erase(std::find(refused_.begin(), refused_.end(), &task));
        }
        outcome_.again += after == State::refused ? 1 : 0;
        outcome_.futile += before == State::refused && after == State::refused ? 1 : 0;
        outcome_.most_on_device = std::max(outcome_.most_on_device, on_device_);
        if (!task.watched_ && task.fd() >= 0) {
            task.watched_ = true;
            watch(task.fd(), &task, refused_fd_);
        }
    }

    Task* next_called() {
        const std::lock_guard lock(mutex_);
        if (called_.empty()) {
            return nullptr;
        }
        eventfd_t count = 0;
        EXPECT_EQ(eventfd_read(called_fd_, &count), 0);
        Task* const task = called_.front();
        called_.pop_front();
        return task;
    }

    void resume_who_is_told() {
        epoll_event event{};
        if (epoll_wait(refused_fd_, &event, 1, 0) == 1) {
            auto& task = *static_cast<Task*>(event.data.ptr);
            EXPECT_EQ(task.state_, State::refused) << "readable on whose account?";
            ++outcome_.told_by_fd;
            enter(task);
        }
    }

    Prng order_;
    const std::function<void(int)> wait_readable_;
    const int called_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC | EFD_SEMAPHORE);
    const int refused_fd_ = epoll_create1(EPOLL_CLOEXEC);   ///< the tasks' descriptors
    const int anything_fd_ = epoll_create1(EPOLL_CLOEXEC);  ///< the two above
    std::deque<Task*> ready_;
    std::vector<Task*> refused_;
    std::uint64_t on_device_ = 0;
    std::size_t unfinished_ = 0;
    Outcome outcome_;  ///< `calls`: guarded by mutex_
    std::mutex mutex_;
    std::deque<Task*> called_;  ///< one for each unit in called_fd_
};

}  // namespace ringside::testing
