// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What stands behind ASYNC_WAIT_CTX: the wait fds that engines registered, the changes that the
// application has not been through a resume with, and callback and status. No lock, as in the
// reference: the manual gives a ctx to one job at a time. Only its end is safe against other
// threads: the object stays until the last job on it has finished, whoever freed it before.

#include <atomic>
#include <cstddef>
#include <vector>

#include "ringside/async.h"

struct async_wait_ctx_st {
    struct WaitFd {
        const void* key;  ///< or deleted_key
        OSSL_ASYNC_FD fd;
        void* custom_data;
        void (*cleanup)(ASYNC_WAIT_CTX*, const void*, OSSL_ASYNC_FD, void*);

        bool is_deleted() const { return key == &deleted_key; }
    };
    /// Its address is the key of what was deleted since the last reset and is kept only to be
    /// reported: no caller can ask for it, so that a search compares nothing but keys.
    static const char deleted_key;

    enum class State : unsigned char { in_use, cleaning, freed };

    /// A job begins on it. Two jobs on two threads at one time, which the manual forbids, may be
    /// counted as one: not worth a locked instruction for each job.
    void attach_job() {
        jobs.store(jobs.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    /// The job has finished; the last one deletes what the application has freed.
    void detach_job() {
        const unsigned left = jobs.load(std::memory_order_relaxed) - 1;
        jobs.store(left, std::memory_order_relaxed);
        if (left == 0 && freed()) {
            delete this;
        }
    }
    bool freed() const { return state.load(std::memory_order_acquire) == State::freed; }
    /// A real pause has ended: what changed before it is no news any more.
    void reset_changes() {
        if ((added | deleted) != 0) {
            forget_changes();
        }
    }
    void forget_changes();
    /// What was added since the last reset is what stands last.
    bool is_added(const WaitFd& entry) const { return &entry >= fds.data() + fds.size() - added; }
    /// Both newest first.
    void report_added(OSSL_ASYNC_FD* fds_out) const;
    void report_deleted(OSSL_ASYNC_FD* fds_out) const;
    /// False: no memory. A function of its own, so that who adds an fd saves no registers for it.
    [[gnu::noinline]] bool grow();
    /// The newest live entry with `key`, or null.
    WaitFd* find(const void* key);

    // What a pause and a resume need stands first, and together.
    std::size_t added = 0;  ///< how many since the last reset
    std::size_t deleted = 0;
    std::atomic<unsigned> jobs{0};  ///< that have not finished
    std::atomic<State> state{State::in_use};
    int status = ASYNC_STATUS_UNSUPPORTED;
    std::vector<WaitFd> fds;  ///< oldest first; the API's order is newest first
    ASYNC_callback_fn callback = nullptr;
    void* callback_argument = nullptr;
};
