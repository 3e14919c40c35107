// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The ASYNC API twice in one process: libcrypto's, found at run time and kept out of the global
// scope, and ours, linked in. With it the little of libcrypto's state that both of them touch.

#include "ringside/async.h"

namespace ringside::testing {

struct AsyncApi {
    const char* name;
    decltype(&ASYNC_init_thread) init_thread;
    decltype(&ASYNC_cleanup_thread) cleanup_thread;
    decltype(&ASYNC_is_capable) is_capable;
    decltype(&ASYNC_start_job) start_job;
    decltype(&ASYNC_pause_job) pause_job;
    decltype(&ASYNC_get_current_job) get_current_job;
    decltype(&ASYNC_get_wait_ctx) get_wait_ctx;
    decltype(&ASYNC_block_pause) block_pause;
    decltype(&ASYNC_unblock_pause) unblock_pause;
    decltype(&ASYNC_WAIT_CTX_new) ctx_new;
    decltype(&ASYNC_WAIT_CTX_free) ctx_free;
    decltype(&ASYNC_WAIT_CTX_set_wait_fd) set_wait_fd;
    decltype(&ASYNC_WAIT_CTX_get_fd) get_fd;
    decltype(&ASYNC_WAIT_CTX_get_all_fds) get_all_fds;
    decltype(&ASYNC_WAIT_CTX_get_changed_fds) get_changed_fds;
    decltype(&ASYNC_WAIT_CTX_clear_fd) clear_fd;
    decltype(&ASYNC_WAIT_CTX_set_callback) set_callback;
    decltype(&ASYNC_WAIT_CTX_get_callback) get_callback;
    decltype(&ASYNC_WAIT_CTX_set_status) set_status;
    decltype(&ASYNC_WAIT_CTX_get_status) get_status;
};

/// The process-wide state of libcrypto that the API moves.
struct Libcrypto {
    AsyncApi async;
    void* (*set_default_context)(void*);  ///< OSSL_LIB_CTX_set0_default(3)
    void* (*new_context)();               ///< OSSL_LIB_CTX_new(3)
    unsigned long (*last_error)();        ///< ERR_peek_last_error(3)
    void (*clear_errors)();
    const char* version;
};

/// Loads libcrypto.so.3 with RTLD_LOCAL. Throws std::runtime_error if there is none, or if its
/// functions turn out to be ours.
Libcrypto load_libcrypto();

AsyncApi ringside_async();

}  // namespace ringside::testing
