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
        const void* key;
        OSSL_ASYNC_FD fd;
        void* custom_data;
        void (*cleanup)(ASYNC_WAIT_CTX*, const void*, OSSL_ASYNC_FD, void*);
        bool added;    ///< since the last reset
        bool deleted;  ///< since the last reset; kept only to be reported
    };

    enum class State : unsigned char { in_use, cleaning, freed };

    /// A job begins on it: it stays until release().
    void retain() { holders.fetch_add(1, std::memory_order_relaxed); }
    /// The application frees it, or a job on it has finished; deletes it with the last of them.
    void release() {
        if (holders.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            delete this;
        }
    }
    bool freed() const { return state.load(std::memory_order_acquire) == State::freed; }
    /// A real pause has ended: what changed before it is no news any more.
    void reset_changes();
    /// The newest live entry with `key`, or null.
    WaitFd* find(const void* key);

    std::vector<WaitFd> fds;  ///< oldest first; the API's order is newest first
    std::size_t added = 0;
    std::size_t deleted = 0;
    ASYNC_callback_fn callback = nullptr;
    void* callback_argument = nullptr;
    int status = ASYNC_STATUS_UNSUPPORTED;
    std::atomic<State> state{State::in_use};
    std::atomic<unsigned> holders{1};  ///< the application, and the jobs that have not finished
};
