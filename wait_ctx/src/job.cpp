// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// ASYNC_JOB: a function on a stack of its own that can stop in the middle and be resumed. Each
// thread has its jobs, its pool of finished ones, and at most one running.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include "checker.hpp"
#include "libcrypto.hpp"
#include "ringside/async.h"
#include "ringside/base/fibre.hpp"
#include "wait_ctx.hpp"

using ringside::FibreContext;
using ringside::FibreStack;
using ringside::async::Checker;
using ringside::async::raise_invalid_pool_size;
using ringside::async::set_default_library_context;

namespace {

constexpr std::size_t stack_size = 32768;  // the reference's, plus a guard page

/// Misuse that crashes the reference is refused here, and told once per kind and process.
void diagnose_once(std::once_flag& once, const char* what) {
    std::call_once(once, [what] { std::fprintf(stderr, "ringside async: %s\n", what); });
}

/// The allocators of ASYNC_set_mem_functions(3); none given: guarded stacks of ours.
struct StackAllocators {
    std::mutex mutex;
    ASYNC_stack_alloc_fn allocate = nullptr;
    ASYNC_stack_free_fn release = nullptr;
    bool used = false;
};
StackAllocators allocators;

class JobStack {
  public:
    JobStack() = default;
    JobStack(const JobStack&) = delete;
    JobStack& operator=(const JobStack&) = delete;
    ~JobStack() {
        if (foreign_ != nullptr) {
            release_(foreign_);
        }
    }

    bool allocate() {
        ASYNC_stack_alloc_fn custom = nullptr;
        {
            const std::lock_guard lock(allocators.mutex);
            allocators.used = true;
            custom = allocators.allocate;
            release_ = allocators.release != nullptr ? allocators.release : &std::free;
        }
        if (custom == nullptr) {
            own_ = FibreStack::allocate(stack_size);
            return static_cast<bool>(own_);
        }
        foreign_size_ = stack_size;
        foreign_ = static_cast<std::byte*>(custom(&foreign_size_));
        return foreign_ != nullptr;
    }
    std::byte* bottom() const { return foreign_ != nullptr ? foreign_ : own_.bottom(); }
    std::size_t size() const { return foreign_ != nullptr ? foreign_size_ : own_.size(); }

  private:
    FibreStack own_;
    std::byte* foreign_ = nullptr;
    std::size_t foreign_size_ = 0;
    ASYNC_stack_free_fn release_ = nullptr;
};

struct Pool;
struct ThreadState;

}  // namespace

struct async_job_st {
    enum class State : unsigned char { idle, running, paused, finished };

    State state = State::idle;
    ThreadState* thread = nullptr;
    std::shared_ptr<Pool> pool;  ///< which it was taken from; null while idle
    ASYNC_WAIT_CTX* wait_ctx = nullptr;
    int (*function)(void*) = nullptr;
    std::vector<std::max_align_t> arguments;
    bool has_arguments = false;
    int result = 0;
    void* library_context = nullptr;
    JobStack stack;
    FibreContext context;
};

namespace {

/// Finished jobs, most recently used last, and how many there may be. A paused job keeps its pool
/// alive, so that a thread may clean up before its jobs are done.
struct Pool {
    explicit Pool(std::size_t max) : max_size(max) {}

    ASYNC_JOB* take() {
        if (!idle.empty()) {
            ASYNC_JOB* job = idle.back().release();
            idle.pop_back();
            return job;
        }
        return max_size == 0 || size < max_size ? make().release() : nullptr;
    }
    std::unique_ptr<ASYNC_JOB> make() {
        std::unique_ptr<ASYNC_JOB> job(new (std::nothrow) ASYNC_JOB);
        if (job == nullptr || !job->stack.allocate()) {
            return nullptr;
        }
        ++size;
        return job;
    }

    std::size_t max_size;
    std::size_t size = 0;
    bool closed = false;  ///< cleaned up: a job that comes back is freed
    std::vector<std::unique_ptr<ASYNC_JOB>> idle;
};

struct ThreadState {
    ~ThreadState() {
        if (Checker* checker = Checker::active()) {
            checker->thread_cleaned_up(nullptr);
        }
        close_pool();
    }

    void close_pool() {
        if (pool != nullptr) {
            pool->closed = true;
            pool->idle.clear();
            pool.reset();
        }
        blocked = 0;
    }

    FibreContext dispatcher;  ///< where ASYNC_start_job() waits for the job
    ASYNC_JOB* current = nullptr;
    unsigned long blocked = 0;
    std::shared_ptr<Pool> pool;
};

ThreadState& this_thread() {
    static thread_local ThreadState state;
    return state;
}

/// The first flow on a job's stack, for this start and all that follow it.
void job_entry(void* argument) {
    auto* job = static_cast<ASYNC_JOB*>(argument);
    job->result = job->function(job->has_arguments ? job->arguments.data() : nullptr);
    job->state = ASYNC_JOB::State::finished;
    job->context.exit_to(job->thread->dispatcher);
}

void give_back(ASYNC_JOB* job) {
    const std::shared_ptr<Pool> pool = std::move(job->pool);
    job->state = ASYNC_JOB::State::idle;
    job->wait_ctx = nullptr;
    std::unique_ptr<ASYNC_JOB> owned(job);
    if (!pool->closed) {
        pool->idle.push_back(std::move(owned));
    }
}

/// Why a handle cannot be resumed here, or null.
const char* refusal(const ASYNC_JOB& job, const ThreadState& thread) {
    static std::once_flag stale;
    static std::once_flag wrong_thread;
    if (job.state != ASYNC_JOB::State::paused) {
        const char* what = "ASYNC_start_job: the job is not paused (a handle kept after FINISH?)";
        diagnose_once(stale, what);
        return what;
    }
    if (job.thread != &thread) {
        const char* what = "ASYNC_start_job: the job belongs to another thread";
        diagnose_once(wrong_thread, what);
        return what;
    }
    return nullptr;
}

/// Takes a job for a new start; null: none is to be had.
ASYNC_JOB* prepare(ThreadState& thread, ASYNC_WAIT_CTX* ctx, int (*function)(void*), void* args,
                   std::size_t size) {
    ASYNC_JOB* job = thread.pool->take();
    if (job == nullptr) {
        return nullptr;
    }
    job->pool = thread.pool;
    job->thread = &thread;
    job->wait_ctx = ctx;
    job->function = function;
    job->has_arguments = args != nullptr && size != 0;
    if (job->has_arguments) {
        try {
            job->arguments.resize((size + sizeof(std::max_align_t) - 1) / sizeof(std::max_align_t));
        } catch (const std::bad_alloc&) {
            give_back(job);
            return nullptr;
        }
        std::memcpy(job->arguments.data(), args, size);
    }
    job->library_context = set_default_library_context(nullptr);
    job->context.start(job->stack.bottom(), job->stack.size(), &job_entry, job);
    return job;
}

/// Runs `job` until it pauses or finishes, with its own default library context.
void run(ThreadState& thread, ASYNC_JOB& job) {
    void* callers = set_default_library_context(job.library_context);
    job.state = ASYNC_JOB::State::running;
    thread.current = &job;
    thread.dispatcher.switch_to(job.context);
    thread.current = nullptr;
    job.library_context = set_default_library_context(callers);
}

}  // namespace

extern "C" {

int ASYNC_is_capable(void) {
    return 1;
}

int ASYNC_init_thread(size_t max_size, size_t init_size) {
    if (init_size > max_size) {
        raise_invalid_pool_size(__FILE__, __LINE__, __func__);
        return 0;
    }
    ThreadState& thread = this_thread();
    auto pool = std::make_shared<Pool>(max_size);
    while (pool->idle.size() < init_size) {
        auto job = pool->make();
        if (job == nullptr) {
            break;  // as the reference: what could be made will do
        }
        pool->idle.push_back(std::move(job));
    }
    thread.close_pool();
    thread.pool = std::move(pool);
    return 1;
}

void ASYNC_cleanup_thread(void) {
    if (Checker* checker = Checker::active()) {
        checker->thread_cleaned_up(__builtin_return_address(0));
    }
    this_thread().close_pool();
}

int ASYNC_start_job(ASYNC_JOB** job, ASYNC_WAIT_CTX* ctx, int* ret, int (*func)(void*), void* args,
                    size_t size) {
    static std::once_flag nested;
    ThreadState& thread = this_thread();
    if (thread.current != nullptr) {
        diagnose_once(nested, "ASYNC_start_job: called inside a job");
        return ASYNC_ERR;
    }
    if (thread.pool == nullptr && ASYNC_init_thread(0, 0) == 0) {
        return ASYNC_ERR;
    }
    ASYNC_JOB* chosen = *job;
    if (chosen == nullptr) {
        chosen = prepare(thread, ctx, func, args, size);
        if (chosen == nullptr) {
            return ASYNC_NO_JOBS;
        }
        if (Checker* checker = Checker::active()) {
            checker->job_started(chosen, ctx, __builtin_return_address(0));
        }
    } else if (refusal(*chosen, thread) != nullptr) {
        if (Checker* checker = Checker::active()) {
            checker->job_resume_refused(chosen, __builtin_return_address(0));
        }
        return ASYNC_ERR;
    } else if (Checker* checker = Checker::active()) {
        checker->job_resumed(chosen, __builtin_return_address(0));
    }
    run(thread, *chosen);
    if (chosen->state == ASYNC_JOB::State::paused) {
        *job = chosen;
        return ASYNC_PAUSE;
    }
    if (Checker* checker = Checker::active()) {
        checker->job_finished(chosen);
    }
    *ret = chosen->result;
    *job = nullptr;
    give_back(chosen);
    return ASYNC_FINISH;
}

int ASYNC_pause_job(void) {
    ThreadState& thread = this_thread();
    ASYNC_JOB* job = thread.current;
    if (job == nullptr || thread.blocked != 0) {
        return 1;
    }
    if (Checker* checker = Checker::active()) {
        checker->job_paused(job, __builtin_return_address(0));
    }
    job->state = ASYNC_JOB::State::paused;
    job->context.switch_to(thread.dispatcher);
    if (job->wait_ctx != nullptr) {
        job->wait_ctx->reset_changes();
    }
    return 1;
}

ASYNC_JOB* ASYNC_get_current_job(void) {
    return this_thread().current;
}

ASYNC_WAIT_CTX* ASYNC_get_wait_ctx(ASYNC_JOB* job) {
    return job->wait_ctx;
}

void ASYNC_block_pause(void) {
    ThreadState& thread = this_thread();
    if (thread.current != nullptr) {
        ++thread.blocked;
    }
}

void ASYNC_unblock_pause(void) {
    ThreadState& thread = this_thread();
    if (thread.current != nullptr && thread.blocked != 0) {
        --thread.blocked;
    }
}

int ASYNC_set_mem_functions(ASYNC_stack_alloc_fn alloc_fn, ASYNC_stack_free_fn free_fn) {
    const std::lock_guard lock(allocators.mutex);
    if (allocators.used) {
        return 0;
    }
    if (alloc_fn != nullptr) {
        allocators.allocate = alloc_fn;
    }
    if (free_fn != nullptr) {
        allocators.release = free_fn;
    }
    return 1;
}

void ASYNC_get_mem_functions(ASYNC_stack_alloc_fn* alloc_fn, ASYNC_stack_free_fn* free_fn) {
    const std::lock_guard lock(allocators.mutex);
    if (alloc_fn != nullptr) {
        *alloc_fn = allocators.allocate;
    }
    if (free_fn != nullptr) {
        *free_fn = allocators.release;
    }
}

}  // extern "C"
