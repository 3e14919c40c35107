// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What a thread has of jobs: executions (a stack and what runs on it), pooled, the most recently
// used first; and handles, what the application holds, reissued oldest first and never freed, so
// that one kept too long is recognised. job.cpp brings the two together.
// Thread rule: everything belongs to one thread; another may only ask a handle whose it is.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "ringside/async.h"
#include "ringside/base/fibre.hpp"
#include "stack.hpp"

namespace ringside::async {

class Pool;

struct Execution {
    JobStack stack;
    int (*function)(void*) = nullptr;
    std::vector<std::max_align_t> arguments;
    bool has_arguments = false;
    int result = 0;
    Pool* pool = nullptr;  ///< whose slot it takes
};

/// Executions of one ASYNC_init_thread(). Outlives close() until its last job has finished.
class Pool {
  public:
    /// 0: no limit. Null: no memory.
    static Pool* create(std::size_t max_size, StackSlabs& slabs);
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    /// One that waits or a new one; null: all are taken, or there is no memory for another.
    Execution* take();
    void give_back(Execution* execution);
    /// Makes executions to wait in the pool until there are `count`, or no memory.
    void fill(std::size_t count);
    /// Nothing more is taken; deletes itself with the last execution.
    void close();
    /// Executions that were taken and not given back.
    std::size_t taken() const { return size_ - idle_.size(); }

  private:
    Pool(std::size_t max_size, StackSlabs& slabs) : max_size_(max_size), slabs_(slabs) {}
    ~Pool() = default;
    std::unique_ptr<Execution> make();

    std::size_t max_size_;
    StackSlabs& slabs_;
    std::size_t size_ = 0;
    bool closed_ = false;
    std::vector<std::unique_ptr<Execution>> idle_;  ///< capacity for all there are
};

}  // namespace ringside::async

/// All that a pause and a resume need, in the first cache line: with thousands of jobs each further
/// one is a further miss, and the stack would be found only after it.
struct alignas(64) async_job_st {
    enum class State : std::uint8_t { idle, running, paused };

    std::atomic<State> state{State::idle};
    std::atomic<std::uint64_t> thread{0};  ///< its id; kept when the job has finished
    ASYNC_WAIT_CTX* wait_ctx = nullptr;
    void* library_context = nullptr;  ///< the default one of the job while it does not run
    ringside::FibreContext context;
    ringside::async::Execution* execution = nullptr;
    async_job_st* next = nullptr;  ///< in a list of idle handles
};

namespace ringside::async {

/// Idle handles of a thread, first in, first out.
class HandleQueue {
  public:
    HandleQueue() = default;
    HandleQueue(const HandleQueue&) = delete;
    HandleQueue& operator=(const HandleQueue&) = delete;
    /// Leaves them to other threads.
    ~HandleQueue();

    /// Null: no memory.
    ASYNC_JOB* take();
    void give_back(ASYNC_JOB* handle);

  private:
    bool refill();

    ASYNC_JOB* first_ = nullptr;
    ASYNC_JOB* last_ = nullptr;
};

struct ThreadState {
    ThreadState();
    ThreadState(const ThreadState&) = delete;
    ThreadState& operator=(const ThreadState&) = delete;
    ~ThreadState();

    void replace_pool(Pool* next) {
        if (pool != nullptr) {
            pool->close();
        }
        pool = next;
    }

    const std::uint64_t id;   ///< no other thread ever has it
    FibreContext dispatcher;  ///< where ASYNC_start_job() waits for the job
    ASYNC_JOB* current = nullptr;
    unsigned long blocked = 0;
    StackSlabs slabs;
    Pool* pool = nullptr;
    HandleQueue handles;
    SignalStack signal_stack;
};

/// Null until create_thread_state(). The TLS model keeps it readable in a signal handler, without
/// a call into the dynamic linker.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local ThreadState* thread_state;

/// Null: no memory.
ThreadState* create_thread_state();

/// The calling thread's state, made at first use; null: no memory.
inline ThreadState* this_thread() {
    ThreadState* state = thread_state;
    return state != nullptr ? state : create_thread_state();
}

/// Async-signal-safe: whether the calling thread runs a job and `address` lies below its stack.
bool fault_is_overflow(const void* address);

}  // namespace ringside::async
