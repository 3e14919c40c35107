// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What stands behind ASYNC_WAIT_CTX: the wait fds that engines registered, the changes that the
// application has not been through a resume with, and callback and status. No lock, as in the
// reference: the manual gives a ctx to one job at a time.

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
};
