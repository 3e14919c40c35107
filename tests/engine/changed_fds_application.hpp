// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// An application with an epoll loop that knows of its jobs' descriptors only what
// ASYNC_WAIT_CTX_get_changed_fds() tells it after each pause and each end, as a TLS server does. A
// connection is a wait ctx on which one job runs after the other. docs/ring-full.md explains it.

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "test_job.hpp"

namespace ringside::testing {

class ChangedFdsApplication {
  public:
    /// `wait_readable(fd)` returns when `fd` is readable, as poll(2) without a timeout.
    explicit ChangedFdsApplication(std::function<void(int)> wait_readable)
        : wait_readable_(std::move(wait_readable)) {}
    ChangedFdsApplication(const ChangedFdsApplication&) = delete;
    ChangedFdsApplication& operator=(const ChangedFdsApplication&) = delete;
    ~ChangedFdsApplication() { close(epoll_fd_); }

    /// A connection that does `body` in `jobs` jobs, one after the other.
    void add(std::function<void()> body, int jobs) {
        connections_.emplace_back(std::move(body), jobs);
    }

    void run() {
        unfinished_ = connections_.size();
        for (Connection& connection : connections_) {
            serve(connection);
        }
        while (unfinished_ != 0) {
            wait_readable_(epoll_fd_);
            epoll_event event{};
            if (epoll_wait(epoll_fd_, &event, 1, 0) == 1) {
                ++wakeups_;
                serve(*watched_.at(event.data.fd));
            }
        }
    }

    std::uint64_t wakeups() const { return wakeups_; }

    /// What was told of a descriptor, told twice counted once.
    struct Changes {
        int added = 0;
        int removed = 0;
        bool operator==(const Changes&) const = default;
    };
    const std::map<int, Changes>& changes() const { return changes_; }

  private:
    struct Connection {
        Connection(std::function<void()> body, int jobs) : job(std::move(body)), jobs_left(jobs) {}

        TestJob job;
        int jobs_left;
    };

    /// Runs the connection's jobs until one of them pauses.
    void serve(Connection& connection) {
        bool finished = false;
        do {
            finished = connection.job.enter();
            follow_changes(connection);
        } while (finished && --connection.jobs_left != 0);
        unfinished_ -= finished ? 1 : 0;
    }

    /// Until a job pauses and is resumed, the same changes are told again: nothing here may count.
    void follow_changes(Connection& connection) {
        ASYNC_WAIT_CTX* const ctx = connection.job.ctx();
        std::size_t added = 0;
        std::size_t removed = 0;
        ASYNC_WAIT_CTX_get_changed_fds(ctx, nullptr, &added, nullptr, &removed);
        std::vector<OSSL_ASYNC_FD> new_fds(added);
        std::vector<OSSL_ASYNC_FD> old_fds(removed);
        ASYNC_WAIT_CTX_get_changed_fds(ctx, new_fds.data(), &added, old_fds.data(), &removed);
        for (const int fd : old_fds) {  // first: who clears and sets anew is in both
            if (watched_.erase(fd) != 0) {
                ++changes_[fd].removed;
                EXPECT_EQ(epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr), 0) << fd;
            }
        }
        for (const int fd : new_fds) {
            if (watched_.emplace(fd, &connection).second) {
                ++changes_[fd].added;
                epoll_event event{};
                event.events = EPOLLIN;
                event.data.fd = fd;
                EXPECT_EQ(epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event), 0) << fd;
            }
        }
        EXPECT_EQ(watched_of(connection), all_fds(ctx));
    }

    std::set<int> watched_of(const Connection& connection) const {
        std::set<int> fds;
        for (const auto& [fd, owner] : watched_) {
            if (owner == &connection) {
                fds.insert(fd);
            }
        }
        return fds;
    }
    static std::set<int> all_fds(ASYNC_WAIT_CTX* ctx) {
        std::size_t count = 0;
        ASYNC_WAIT_CTX_get_all_fds(ctx, nullptr, &count);
        std::vector<OSSL_ASYNC_FD> fds(count);
        ASYNC_WAIT_CTX_get_all_fds(ctx, fds.data(), &count);
        return {fds.begin(), fds.end()};
    }

    const std::function<void(int)> wait_readable_;
    const int epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
    std::deque<Connection> connections_;
    std::map<int, Connection*> watched_;
    std::size_t unfinished_ = 0;
    std::uint64_t wakeups_ = 0;
    std::map<int, Changes> changes_;
};

/// An engine beside others on the same wait ctx, of the kind that registers its descriptor for each
/// operation and clears it after: it is done as soon as it is asked for.
class ChurningEngine {
  public:
    ChurningEngine() { EXPECT_EQ(eventfd_write(fd_, 1), 0); }
    ChurningEngine(const ChurningEngine&) = delete;
    ChurningEngine& operator=(const ChurningEngine&) = delete;
    ~ChurningEngine() { close(fd_); }

    int fd() const { return fd_; }

    /// Inside a job: pauses once.
    void work() {
        ASYNC_WAIT_CTX* const ctx = ASYNC_get_wait_ctx(ASYNC_get_current_job());
        EXPECT_EQ(ASYNC_WAIT_CTX_set_wait_fd(ctx, this, fd_, nullptr, nullptr), 1);
        EXPECT_EQ(ASYNC_pause_job(), 1);
        EXPECT_EQ(ASYNC_WAIT_CTX_clear_fd(ctx, this), 1);
    }

  private:
    const int fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);  ///< always readable
};

/// Each of `churning` came and went with each of `jobs`; all others were added once, and stayed.
/// Says how many these are.
inline std::size_t expect_changes(const ChangedFdsApplication& application,
                                  const std::deque<ChurningEngine>& churning, int jobs) {
    auto changes = application.changes();
    for (const ChurningEngine& engine : churning) {
        EXPECT_EQ(changes[engine.fd()], (ChangedFdsApplication::Changes{jobs, jobs}));
        changes.erase(engine.fd());
    }
    for (const auto& [fd, told] : changes) {
        EXPECT_EQ(told, (ChangedFdsApplication::Changes{1, 0})) << fd;
    }
    return changes.size();
}

}  // namespace ringside::testing
