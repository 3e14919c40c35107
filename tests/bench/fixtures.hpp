// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What operations are measured on: a wait ctx with fds, paused jobs, the inside of a job. Each
// cleans up behind itself, the thread's pool included.

#include <array>
#include <cstddef>
#include <vector>

#include "differential/api.hpp"
#include "operations.hpp"

namespace ringside::bench {

constexpr std::size_t max_fds = 65;

/// A key for each fd.
inline const void* key(std::size_t index) {
    static const std::array<char, max_fds> keys{};
    return &keys.at(index);
}

/// Fds are numbers to the API: none is opened.
inline void set_fd(const testing::AsyncApi& api, ASYNC_WAIT_CTX* ctx, std::size_t index) {
    api.set_wait_fd(ctx, key(index), static_cast<int>(index), nullptr, nullptr);
}

/// A wait ctx with fds 0, 1, ..., oldest first.
class Ctx {
  public:
    Ctx(const testing::AsyncApi& api, std::size_t fds) : api_(api), ctx_(api.ctx_new()) {
        for (std::size_t index = 0; index != fds; ++index) {
            set_fd(api, ctx_, index);
        }
    }
    Ctx(const Ctx&) = delete;
    Ctx& operator=(const Ctx&) = delete;
    ~Ctx() { api_.ctx_free(ctx_); }

    ASYNC_WAIT_CTX* get() const { return ctx_; }

  private:
    const testing::AsyncApi& api_;
    ASYNC_WAIT_CTX* ctx_;
};

/// Jobs that pause again and again until they are to finish.
class PausingJobs {
  public:
    /// None is started yet.
    PausingJobs(const testing::AsyncApi& api, Size size);
    PausingJobs(const PausingJobs&) = delete;
    PausingJobs& operator=(const PausingJobs&) = delete;
    ~PausingJobs();

    void start_all();
    void finish_all();
    /// Resumes the one whose turn it is, until its next pause.
    void resume_next() {
        resume(next_);
        next_ = next_ + 1 == jobs_.size() ? 0 : next_ + 1;
    }

  private:
    static int pause_until_end(void* argument);
    void resume(std::size_t index) {
        int result = 0;
        PausingJobs* self = this;
        api_.start_job(&jobs_[index], contexts_[index], &result, &pause_until_end, &self,
                       sizeof(void*));
    }

    const testing::AsyncApi& api_;
    std::vector<ASYNC_WAIT_CTX*> contexts_;
    std::vector<ASYNC_JOB*> jobs_;
    std::size_t next_ = 0;
    bool end_ = false;
};

/// Runs `function` inside a job on `ctx` until it has finished, through all its pauses.
template <typename Function>
void run_in_job(const testing::AsyncApi& api, ASYNC_WAIT_CTX* ctx, Function function) {
    auto* pointer = &function;
    ASYNC_JOB* job = nullptr;
    int result = 0;
    const auto call = [](void* argument) {
        (**static_cast<Function**>(argument))();
        return 1;
    };
    while (api.start_job(&job, ctx, &result, call, &pointer, sizeof(void*)) == ASYNC_PAUSE) {
    }
}

}  // namespace ringside::bench
