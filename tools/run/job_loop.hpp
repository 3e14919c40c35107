// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// An application as the OpenSSL manual describes one: it starts ASYNC jobs, keeps the paused ones
// and resumes each when it is told to, through the wait file descriptors (epoll) or through
// wait-ctx callbacks. It knows nothing of rings or drivers; that a ring is full reaches it as a
// paused job with status ASYNC_STATUS_EAGAIN.

#include <openssl/async.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ringside/base/prng.hpp"
#include "ringside/sim/platform.hpp"

namespace ringside::tools {

enum class Notify : std::uint8_t {
    fd,        ///< wait on the jobs' file descriptors
    callback,  ///< be called back from interrupt context
};

class JobLoop {
  public:
    /// At most `jobs` jobs at one time. `seed` drives arrivals and the order in which ready jobs
    /// are resumed.
    JobLoop(sim::Platform& platform, Notify notify, std::size_t jobs, std::uint64_t seed);
    ~JobLoop();
    JobLoop(const JobLoop&) = delete;
    JobLoop& operator=(const JobLoop&) = delete;

    /// Calls `work(i)` for each i below `count`, each in a job of its own, and returns when all
    /// have finished. False from `work` is a failure, which is counted. Throws std::runtime_error
    /// if the ASYNC API refuses a job.
    void run(std::size_t count, const std::function<bool(std::size_t)>& work,
             const std::function<void(std::size_t done)>& on_progress);

    std::uint64_t failures() const { return failures_; }
    /// How often a paused job was resumed.
    std::uint64_t resumes() const { return resumes_; }

  private:
    struct Slot;
    struct JobArgument {
        const std::function<bool(std::size_t)>* work;
        std::size_t index;
    };

    static int job_entry(void* argument);
    static int on_callback(void* argument);

    void start_jobs();
    void enter(Slot& slot, JobArgument* argument);
    void after_pause(Slot& slot);
    void register_changed_fds(Slot& slot);
    void resume_ready();
    void collect_by_fd();
    void collect_by_callback();
    void wait();

    sim::Platform& platform_;
    const Notify notify_;
    Prng arrivals_;
    Prng order_;
    int epoll_fd_ = -1;
    std::unique_ptr<driver::Parker> parker_;
    std::vector<std::unique_ptr<Slot>> slots_;
    std::vector<Slot*> ready_;

    const std::function<bool(std::size_t)>* work_ = nullptr;
    const std::function<void(std::size_t)>* on_progress_ = nullptr;
    std::size_t count_ = 0;
    std::size_t started_ = 0;
    std::size_t finished_ = 0;
    std::uint64_t failures_ = 0;
    std::uint64_t resumes_ = 0;
    /// Callback mode: completions heard of, and retries of EAGAIN jobs made: one for each.
    std::atomic<std::uint64_t> callbacks_{0};
    std::uint64_t retries_ = 0;
};

}  // namespace ringside::tools
