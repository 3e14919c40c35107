// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// An application with an epoll loop and many jobs, for the offload tests: told of its jobs through
// their descriptors or by callback, it resumes them in an order that the seed gives, now and then
// one that nobody has told it of, and now and then it gives one up. In virtual and in live time.

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <deque>
#include <mutex>
#include <utility>

#include "ringside/base/prng.hpp"
#include "ringside/sim/platform.hpp"
#include "test_job.hpp"

namespace ringside::testing {

struct ApplicationConfig {
    std::uint64_t seed = 1;
    bool callbacks = false;
    unsigned spurious_percent = 0;  ///< of all turns of the loop: resumes whom nobody told of
    unsigned leaving_percent = 0;   ///< likewise: frees the wait ctx of a paused job
};

class Application {
  public:
    Application(sim::Platform& platform, const ApplicationConfig& config)
        : platform_(platform), config_(config), order_(config.seed, "application") {
        watch(called_fd_, nullptr);
    }
    Application(const Application&) = delete;
    Application& operator=(const Application&) = delete;
    ~Application() {
        close(epoll_fd_);
        close(called_fd_);
    }

    TestJob& add(std::function<void()> body) {
        Member& member = members_.emplace_back(*this, std::move(body));
        if (config_.callbacks) {
            member.job.set_callback(&Application::on_call, &member);
        }
        return member.job;
    }

    /// Starts every job, and resumes them until all have finished or were given up.
    void run() {
        unfinished_ = members_.size();
        for (Member& member : members_) {
            enter(member);
        }
        while (unfinished_ != 0) {
            if (order_.below(100) < config_.leaving_percent) {
                give_up(any_paused());
            } else if (order_.below(100) < config_.spurious_percent) {
                enter(any_paused());
            } else {
                serve_one_event();
            }
        }
    }

    struct Member {
        Member(Application& its_owner, std::function<void()> body)
            : owner(its_owner), job(std::move(body)) {}

        Application& owner;
        TestJob job;
        bool watched = false;
        bool left = false;
    };
    const std::deque<Member>& members() const { return members_; }

  private:
    static int on_call(void* argument) {
        auto& member = *static_cast<Member*>(argument);
        Application& self = member.owner;
        const std::lock_guard lock(self.mutex_);
        EXPECT_FALSE(member.left) << "called after its wait ctx was freed";
        self.called_.push_back(&member);
        EXPECT_EQ(eventfd_write(self.called_fd_, 1), 0);
        return 1;
    }
    void watch(int fd, Member* member) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = member;
        EXPECT_EQ(epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event), 0) << fd;
    }
    void enter(Member& member) {
        unfinished_ -= member.job.enter() ? 1 : 0;
        if (!member.watched && member.job.fd_count() != 0) {
            member.watched = true;
            watch(member.job.fd(), &member);
        }
    }
    void give_up(Member& member) {
        epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, member.job.fd(), nullptr);
        member.job.free_ctx();
        member.left = true;
        --unfinished_;
    }
    Member& any_paused() {
        for (;;) {
            Member& member = members_[order_.below(members_.size())];
            if (member.job.is_paused()) {
                return member;
            }
        }
    }
    void serve_one_event() {
        std::array<epoll_event, 16> events{};
        const int count = epoll_wait(epoll_fd_, events.data(), events.size(), 0);
        if (count == 0) {
            platform_.wait_readable(epoll_fd_);
            return;
        }
        const auto chosen = order_.below(static_cast<std::uint64_t>(count));
        auto* member = static_cast<Member*>(events.at(chosen).data.ptr);
        if (member == nullptr) {
            member = next_called();
        } else {
            ASSERT_TRUE(member->job.is_paused()) << "a finished job's descriptor is readable";
            ASSERT_TRUE(!config_.callbacks || member->job.status() == ASYNC_STATUS_EAGAIN)
                << "told twice: by a callback and through the descriptor";
        }
        if (member->job.is_paused()) {  // not if it was resumed unasked, or left, since the call
            enter(*member);
        }
    }
    Member* next_called() {
        eventfd_t count = 0;
        EXPECT_EQ(eventfd_read(called_fd_, &count), 0);
        const std::lock_guard lock(mutex_);
        return std::exchange(called_, std::deque<Member*>(called_.begin() + 1, called_.end()))
            .front();
    }

    sim::Platform& platform_;
    const ApplicationConfig config_;
    Prng order_;
    const int epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
    const int called_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC | EFD_SEMAPHORE);
    std::mutex mutex_;
    std::deque<Member*> called_;  ///< one for each unit in called_fd_
    std::deque<Member> members_;
    std::size_t unfinished_ = 0;
};

}  // namespace ringside::testing
