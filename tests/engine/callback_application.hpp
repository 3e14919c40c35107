// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// An application of many jobs that is told of them as ASYNC_WAIT_CTX_set_callback(3) says, by
// callbacks and statuses: it resumes who was called, and for each of these one more, any one, of
// those whose status is EAGAIN. Only when none of its own jobs is on the device does it sleep on
// descriptors. docs/ring-full.md explains it line by line; keep the two alike.

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <utility>

#include "ringside/base/prng.hpp"
#include "test_job.hpp"

namespace ringside::testing {

class CallbackApplication {
  public:
    /// `wait_readable(fd)` returns when `fd` is readable, as poll(2) without a timeout. `seed`: in
    /// which order jobs whose status is EAGAIN are resumed.
    CallbackApplication(std::uint64_t seed, std::function<void(int)> wait_readable)
        : order_(seed, "who is resumed"), wait_readable_(std::move(wait_readable)) {
        watch(called_fd_, nullptr, anything_fd_);
        watch(refused_fd_, nullptr, anything_fd_);
    }
    CallbackApplication(const CallbackApplication&) = delete;
    CallbackApplication& operator=(const CallbackApplication&) = delete;
    ~CallbackApplication() {
        for (const int fd : {anything_fd_, refused_fd_, called_fd_}) {
            close(fd);
        }
    }

    void add(std::function<void()> body) {
        Member& member = members_.emplace_back(*this, std::move(body));
        member.job.set_callback(&CallbackApplication::on_call, &member);
    }

    void run() {
        unfinished_ = members_.size();
        for (Member& member : members_) {
            enter(member);
        }
        while (unfinished_ != 0) {
            if (Member* const member = next_called()) {
                if (member->state != State::finished) {
                    enter(*member);
                }
                if (!refused_.empty()) {
                    enter(*refused_[order_.below(refused_.size())]);
                }
            } else if (on_device_ != 0) {
                wait_readable_(called_fd_);
            } else {
                wait_readable_(anything_fd_);
                resume_who_is_told();
            }
        }
    }

    struct Outcome {
        std::uint64_t calls = 0;       ///< of the callback
        std::uint64_t again = 0;       ///< pauses with status EAGAIN
        std::uint64_t futile = 0;      ///< resumes with status EAGAIN before and after
        std::uint64_t errors = 0;      ///< pauses with any other status than OK
        std::uint64_t told_by_fd = 0;  ///< resumes because a descriptor was readable
        std::uint64_t most_on_device = 0;
    };
    /// After run(); no callback may come any more.
    const Outcome& outcome() const { return outcome_; }

  private:
    enum class State : std::uint8_t { fresh, on_device, refused, finished };

    struct Member {
        Member(CallbackApplication& its_owner, std::function<void()> body)
            : owner(its_owner), job(std::move(body)) {}

        CallbackApplication& owner;
        TestJob job;
        State state = State::fresh;
        bool watched = false;
    };

    /// Small and nonblocking: it runs on a thread of the engine's.
    static int on_call(void* argument) {
        auto& member = *static_cast<Member*>(argument);
        CallbackApplication& self = member.owner;
        const std::lock_guard lock(self.mutex_);
        self.called_.push_back(&member);
        ++self.outcome_.calls;
        EXPECT_EQ(eventfd_write(self.called_fd_, 1), 0);
        return 1;
    }

    static void watch(int fd, Member* member, int epoll_fd) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = member;
        EXPECT_EQ(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event), 0) << fd;
    }

    /// Starts or resumes a job, and files it by what has become of it.
    void enter(Member& member) {
        const bool was_refused = member.state == State::refused;
        const bool finished = member.job.enter();
        const int status = member.job.status();
        const State state = finished                        ? State::finished
                            : status == ASYNC_STATUS_EAGAIN ? State::refused
                                                            : State::on_device;
        outcome_.again += state == State::refused ? 1 : 0;
        outcome_.futile += was_refused && state == State::refused ? 1 : 0;
        outcome_.errors += state == State::on_device && status != ASYNC_STATUS_OK ? 1 : 0;
        unfinished_ -= finished ? 1 : 0;
        on_device_ += (state == State::on_device ? 1 : 0);
        on_device_ -= (member.state == State::on_device ? 1 : 0);
        outcome_.most_on_device = std::max(outcome_.most_on_device, on_device_);
        if (state == State::refused && !was_refused) {
            refused_.push_back(&member);
        } else if (state != State::refused && was_refused) {
            refused_.erase(std::find(refused_.begin(), refused_.end(), &member));
        }
        member.state = state;
        if (!member.watched && member.job.fd_count() != 0) {
            member.watched = true;
            watch(member.job.fd(), &member, refused_fd_);
        }
    }

    Member* next_called() {
        const std::lock_guard lock(mutex_);
        if (called_.empty()) {
            return nullptr;
        }
        eventfd_t count = 0;
        EXPECT_EQ(eventfd_read(called_fd_, &count), 0);
        Member* const member = called_.front();
        called_.pop_front();
        return member;
    }

    void resume_who_is_told() {
        epoll_event event{};
        if (epoll_wait(refused_fd_, &event, 1, 0) == 1) {
            auto& member = *static_cast<Member*>(event.data.ptr);
            EXPECT_EQ(member.state, State::refused) << "readable on whose account?";
            ++outcome_.told_by_fd;
            enter(member);
        }
    }

    Prng order_;
    const std::function<void(int)> wait_readable_;
    const int called_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC | EFD_SEMAPHORE);
    const int refused_fd_ = epoll_create1(EPOLL_CLOEXEC);   ///< the jobs' descriptors
    const int anything_fd_ = epoll_create1(EPOLL_CLOEXEC);  ///< the two above
    std::deque<Member> members_;
    std::vector<Member*> refused_;
    std::uint64_t on_device_ = 0;
    std::size_t unfinished_ = 0;
    Outcome outcome_;  ///< `calls`: guarded by mutex_
    std::mutex mutex_;
    std::deque<Member*> called_;  ///< one for each unit in called_fd_
};

}  // namespace ringside::testing
