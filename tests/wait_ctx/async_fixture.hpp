// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What the tests of the ASYNC API share: a wait ctx whose fds read as vectors and whose cleanups
// are recorded, and a job whose body is a C++ function object.

#include <gtest/gtest.h>

#include <functional>
#include <utility>
#include <vector>

#include "ringside/async.h"

namespace ringside::testing {

using Fds = std::vector<int>;

/// An ASYNC_WAIT_CTX, freed with the object unless free() came first.
class WaitCtx {
  public:
    WaitCtx() = default;
    WaitCtx(const WaitCtx&) = delete;
    WaitCtx& operator=(const WaitCtx&) = delete;
    ~WaitCtx() { free(); }

    ASYNC_WAIT_CTX* get() const { return ctx_; }
    void free() { ASYNC_WAIT_CTX_free(std::exchange(ctx_, nullptr)); }

    /// Registers `fd`; its cleanup will append it to cleaned.
    int set(const void* key, int fd) {
        return ASYNC_WAIT_CTX_set_wait_fd(
            ctx_, key, fd, this, [](ASYNC_WAIT_CTX*, const void*, int closed, void* self) {
                static_cast<WaitCtx*>(self)->cleaned.push_back(closed);
            });
    }
    int clear(const void* key) { return ASYNC_WAIT_CTX_clear_fd(ctx_, key); }
    Fds all() const {
        std::size_t count = 0;
        EXPECT_EQ(ASYNC_WAIT_CTX_get_all_fds(ctx_, nullptr, &count), 1);
        Fds fds(count);
        EXPECT_EQ(ASYNC_WAIT_CTX_get_all_fds(ctx_, fds.data(), &count), 1);
        return fds;
    }
    Fds added() const { return changed().first; }
    Fds deleted() const { return changed().second; }

    Fds cleaned;

  private:
    std::pair<Fds, Fds> changed() const {
        std::size_t added_count = 0;
        std::size_t deleted_count = 0;
        EXPECT_EQ(
            ASYNC_WAIT_CTX_get_changed_fds(ctx_, nullptr, &added_count, nullptr, &deleted_count),
            1);
        Fds added_fds(added_count);
        Fds deleted_fds(deleted_count);
        // One array at a time: either may be missing.
        if (added_count != 0) {
            ASYNC_WAIT_CTX_get_changed_fds(ctx_, added_fds.data(), &added_count, nullptr,
                                           &deleted_count);
        }
        if (deleted_count != 0) {
            ASYNC_WAIT_CTX_get_changed_fds(ctx_, nullptr, &added_count, deleted_fds.data(),
                                           &deleted_count);
        }
        return {added_fds, deleted_fds};
    }

    ASYNC_WAIT_CTX* ctx_ = ASYNC_WAIT_CTX_new();
};

/// A job that runs a function object; it must be finished before the object goes.
class Job {
  public:
    explicit Job(std::function<int()> body) : body_(std::move(body)) {}
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;

    /// Starts or resumes it: what ASYNC_start_job() returns.
    int run(ASYNC_WAIT_CTX* ctx = nullptr) {
        Arguments arguments{this};
        return ASYNC_start_job(&handle, ctx, &result, &Job::call, &arguments, sizeof arguments);
    }

    ASYNC_JOB* handle = nullptr;
    int result = -1;

  private:
    struct Arguments {
        Job* job;
    };
    static int call(void* copy) { return static_cast<Arguments*>(copy)->job->body_(); }

    std::function<int()> body_;
};

/// What a pause and a resume do to a ctx: its changes are settled.
inline void settle(const WaitCtx& ctx) {
    Job job([] { return ASYNC_pause_job(); });
    ASSERT_EQ(job.run(ctx.get()), ASYNC_PAUSE);
    ASSERT_EQ(job.run(), ASYNC_FINISH);
}

}  // namespace ringside::testing
