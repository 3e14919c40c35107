// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// ASYNC_JOB: a function on a stack of its own that can stop in the middle and be resumed. Each
// thread has its jobs, its pool of executions, and at most one job running.

#include <cstring>
#include <new>

#include "checker.hpp"
#include "diagnostics.hpp"
#include "libcrypto.hpp"
#include "pool.hpp"
#include "ringside/async.h"
#include "switching_return.hpp"
#include "wait_ctx.hpp"

using namespace ringside::async;  // this file is its C face

namespace {

using State = ASYNC_JOB::State;

/// The first flow on a job's stack. An exception that leaves the function ends the process.
void job_entry(void* argument) noexcept {
    auto* job = static_cast<ASYNC_JOB*>(argument);
    Execution& execution = *job->execution;
    execution.result =
        execution.function(execution.has_arguments ? execution.arguments.data() : nullptr);
    job->state.store(State::idle, std::memory_order_relaxed);
    job->context.exit_to(thread_state->dispatcher);
}

bool copy_arguments(Execution& execution, const void* args, std::size_t size) {
    execution.has_arguments = args != nullptr && size != 0;
    if (execution.has_arguments) {
        constexpr std::size_t unit = sizeof(std::max_align_t);
        try {
            execution.arguments.resize(size / unit + (size % unit != 0 ? 1 : 0));
        } catch (const std::exception&) {  // no memory, or no such size
            return false;
        }
        std::memcpy(execution.arguments.data(), args, size);
    }
    return true;
}

/// Takes what a new job needs; null: there is no such job to be had.
ASYNC_JOB* prepare(ThreadState& thread, ASYNC_WAIT_CTX* ctx, int (*function)(void*),
                   const void* args, std::size_t size) {
    Execution* execution = thread.pool->take();
    if (execution == nullptr) {
        return nullptr;
    }
    ASYNC_JOB* job = copy_arguments(*execution, args, size) ? thread.handles.take() : nullptr;
    if (job == nullptr) {
        execution->pool->give_back(execution);
        return nullptr;
    }
    execution->function = function;
    job->context.start(execution->stack.bottom(), execution->stack.size(), &job_entry, job);
    job->execution = execution;
    job->wait_ctx = ctx;
    job->thread.store(thread.id, std::memory_order_relaxed);
    if (ctx != nullptr) {
        ctx->attach_job();
    }
    return job;
}

/// After FINISH.
void give_back(ThreadState& thread, ASYNC_JOB* job) {
    Execution* execution = job->execution;
    ASYNC_WAIT_CTX* ctx = job->wait_ctx;
    job->execution = nullptr;
    job->wait_ctx = nullptr;
    thread.handles.give_back(job);
    execution->pool->give_back(execution);
    if (ctx != nullptr) {
        ctx->detach_job();
    }
}

/// Whether the handle can be resumed here; tells why if not.
bool resumable(const ASYNC_JOB& job, const ThreadState& thread) {
    if (job.state.load(std::memory_order_relaxed) == State::idle) {
        diagnose(Misuse::stale_handle);
        return false;
    }
    if (job.thread.load(std::memory_order_relaxed) != thread.id) {
        diagnose(Misuse::wrong_thread);
        return false;
    }
    if (job.wait_ctx != nullptr && job.wait_ctx->freed()) {
        diagnose(Misuse::ctx_freed_under_job);
        return false;
    }
    return true;
}

/// Runs `job` until it pauses or finishes, with its own default library context.
void run(ThreadState& thread, ASYNC_JOB& job) {
    // Mostly nobody changes it, and to ask is cheaper than to set. A new job starts with the
    // caller's.
    void* const callers = default_library_context();
    if (job.state.load(std::memory_order_relaxed) == State::paused &&
        job.library_context != callers) {
        set_default_library_context(job.library_context);
    }
    job.state.store(State::running, std::memory_order_relaxed);
    thread.current = &job;
    thread.dispatcher.switch_to(job.context);
    thread.current = nullptr;
    job.library_context = default_library_context();
    if (job.library_context != callers) {
        set_default_library_context(callers);
    }
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
    ThreadState* thread = this_thread();
    Pool* pool = thread != nullptr ? Pool::create(max_size, thread->slabs) : nullptr;
    if (pool == nullptr) {
        return 0;
    }
    pool->fill(init_size);  // as the reference: what could be made will do
    thread->replace_pool(pool);
    return 1;
}

void ASYNC_cleanup_thread(void) {
    if (Checker* checker = Checker::active()) {
        checker->thread_cleaned_up(__builtin_return_address(0));
    }
    ThreadState* thread = thread_state;
    if (thread == nullptr) {
        return;
    }
    const std::size_t running = thread->current != nullptr ? 1 : 0;
    if (thread->pool != nullptr && thread->pool->taken() > running) {
        diagnose(Misuse::pool_freed_under_job);
    }
    thread->replace_pool(nullptr);
    thread->blocked = 0;
}

RINGSIDE_SWITCHING_RETURN
int ASYNC_start_job(ASYNC_JOB** job, ASYNC_WAIT_CTX* ctx, int* ret, int (*func)(void*), void* args,
                    size_t size) {
    ThreadState* thread = this_thread();
    if (thread == nullptr || (thread->pool == nullptr && ASYNC_init_thread(0, 0) == 0)) {
        return ASYNC_ERR;
    }
    ASYNC_JOB* chosen = *job;
    if (thread->current != nullptr) {
        diagnose(chosen == thread->current ? Misuse::resume_before_pause : Misuse::nested_start);
        return ASYNC_ERR;
    }
    if (chosen == nullptr) {
        chosen = prepare(*thread, ctx, func, args, size);
        if (chosen == nullptr) {
            return ASYNC_NO_JOBS;
        }
        if (Checker* checker = Checker::active()) {
            checker->job_started(chosen, ctx, __builtin_return_address(0));
        }
    } else if (!resumable(*chosen, *thread)) {
        if (Checker* checker = Checker::active()) {
            checker->job_resume_refused(chosen, __builtin_return_address(0));
        }
        return ASYNC_ERR;
    } else if (Checker* checker = Checker::active()) {
        checker->job_resumed(chosen, __builtin_return_address(0));
    }
    run(*thread, *chosen);
    if (chosen->state.load(std::memory_order_relaxed) == State::paused) {
        *job = chosen;
        return ASYNC_PAUSE;
    }
    if (Checker* checker = Checker::active()) {
        checker->job_finished(chosen);
    }
    *ret = chosen->execution->result;
    *job = nullptr;
    give_back(*thread, chosen);
    return ASYNC_FINISH;
}

RINGSIDE_SWITCHING_RETURN
int ASYNC_pause_job(void) {
    ThreadState* thread = thread_state;
    ASYNC_JOB* job = thread != nullptr ? thread->current : nullptr;
    if (job == nullptr || thread->blocked != 0) {
        return 1;
    }
    if (Checker* checker = Checker::active()) {
        checker->job_paused(job, __builtin_return_address(0));
    }
    job->state.store(State::paused, std::memory_order_relaxed);
    job->context.switch_to(thread->dispatcher);
    if (job->wait_ctx != nullptr) {
        job->wait_ctx->reset_changes();
    } else {
        diagnose(Misuse::pause_without_ctx);
    }
    return 1;
}

ASYNC_JOB* ASYNC_get_current_job(void) {
    const ThreadState* thread = thread_state;
    return thread != nullptr ? thread->current : nullptr;
}

ASYNC_WAIT_CTX* ASYNC_get_wait_ctx(ASYNC_JOB* job) {
    ASYNC_WAIT_CTX* ctx = job->wait_ctx;
    return ctx != nullptr && ctx->freed() ? nullptr : ctx;
}

void ASYNC_block_pause(void) {
    if (ASYNC_get_current_job() != nullptr) {
        ++thread_state->blocked;
    }
}

void ASYNC_unblock_pause(void) {
    if (ASYNC_get_current_job() != nullptr && thread_state->blocked != 0) {
        --thread_state->blocked;
    }
}

}  // extern "C"
