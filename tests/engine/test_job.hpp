// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// An ASYNC job in a test's hands: started, resumed, or left behind with its wait ctx freed.

#include <gtest/gtest.h>
#include <openssl/async.h>
#include <poll.h>

#include <array>
#include <functional>
#include <utility>
#include <vector>

namespace ringside::testing {

inline bool is_readable(int fd) {
    pollfd entry{fd, POLLIN, 0};
    return poll(&entry, 1, 0) > 0;
}

/// A wait ctx's callback that counts its calls in an int.
inline int count_call(void* counter) {
    ++*static_cast<int*>(counter);
    return 1;
}

class TestJob {
  public:
    /// `body` must own nothing on its stack that a test with free_ctx() would miss.
    explicit TestJob(std::function<void()> body)
        : body_(std::move(body)), ctx_(ASYNC_WAIT_CTX_new()) {}
    /// Shares the wait ctx of `owner`, which must live longer.
    TestJob(std::function<void()> body, const TestJob& owner)
        : body_(std::move(body)), ctx_(owner.ctx_), owns_ctx_(false) {}
    TestJob(const TestJob&) = delete;
    TestJob& operator=(const TestJob&) = delete;
    ~TestJob() { free_ctx(); }

    /// Starts or resumes it; true: it has finished (and the next call starts it anew).
    bool enter() {
        int result = 0;
        struct {
            TestJob* job;
        } argument{this};
        const int status =
            ASYNC_start_job(&job_, ctx_, &result, &TestJob::entry, &argument, sizeof argument);
        EXPECT_TRUE(status == ASYNC_PAUSE || status == ASYNC_FINISH) << status;
        pauses_ += status == ASYNC_PAUSE ? 1 : 0;
        finished_ = status == ASYNC_FINISH;
        return finished_;
    }
    void set_callback(ASYNC_callback_fn function, void* argument) {
        ASYNC_WAIT_CTX_set_callback(ctx_, function, argument);
    }
    /// A paused job is left behind for good, as when an application gives a connection up.
    void free_ctx() {
        if (job_ != nullptr) {
            left_behind().push_back(std::exchange(job_, nullptr));
        }
        ASYNC_WAIT_CTX* const ctx = std::exchange(ctx_, nullptr);
        ASYNC_WAIT_CTX_free(owns_ctx_ ? ctx : nullptr);
    }

    ASYNC_WAIT_CTX* ctx() const { return ctx_; }
    bool is_paused() const { return job_ != nullptr; }
    bool finished() const { return finished_; }
    int pauses() const { return pauses_; }
    int status() const { return ASYNC_WAIT_CTX_get_status(ctx_); }
    std::size_t fd_count() const {
        std::size_t count = 0;
        ASYNC_WAIT_CTX_get_all_fds(ctx_, nullptr, &count);
        return count;
    }
    /// The one that the engine registered.
    int fd() const {
        std::array<OSSL_ASYNC_FD, 4> fds{-1};
        std::size_t count = fd_count();
        EXPECT_EQ(count, 1u);
        if (count == 1) {
            ASYNC_WAIT_CTX_get_all_fds(ctx_, fds.data(), &count);
        }
        return fds[0];
    }
    bool fd_is_readable() const { return is_readable(fd()); }

  private:
    static int entry(void* argument) {
        (*static_cast<TestJob**>(argument))->body_();
        return 1;
    }
    /// The API has no way to end a paused job; kept reachable, so that a leak checker reports what
    /// such a job's stack alone owns and nothing else.
    static std::vector<ASYNC_JOB*>& left_behind() {
        static auto* const jobs = new std::vector<ASYNC_JOB*>;
        return *jobs;
    }

    std::function<void()> body_;
    ASYNC_WAIT_CTX* ctx_;
    bool owns_ctx_ = true;
    ASYNC_JOB* job_ = nullptr;
    int pauses_ = 0;
    bool finished_ = false;
};

}  // namespace ringside::testing
