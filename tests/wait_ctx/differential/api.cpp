// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "api.hpp"

#include <dlfcn.h>

#include <stdexcept>
#include <string>

namespace ringside::testing {
namespace {

template <typename Function>
void find(void* library, const char* name, Function& function) {
    void* address = dlsym(library, name);
    if (address == nullptr) {
        throw std::runtime_error(std::string("libcrypto has no ") + name);
    }
    function = reinterpret_cast<Function>(address);
}

}  // namespace

AsyncApi ringside_async() {
    return {"ringside",
            &ASYNC_init_thread,
            &ASYNC_cleanup_thread,
            &ASYNC_is_capable,
            &ASYNC_start_job,
            &ASYNC_pause_job,
            &ASYNC_get_current_job,
            &ASYNC_get_wait_ctx,
            &ASYNC_block_pause,
            &ASYNC_unblock_pause,
            &ASYNC_WAIT_CTX_new,
            &ASYNC_WAIT_CTX_free,
            &ASYNC_WAIT_CTX_set_wait_fd,
            &ASYNC_WAIT_CTX_get_fd,
            &ASYNC_WAIT_CTX_get_all_fds,
            &ASYNC_WAIT_CTX_get_changed_fds,
            &ASYNC_WAIT_CTX_clear_fd,
            &ASYNC_WAIT_CTX_set_callback,
            &ASYNC_WAIT_CTX_get_callback,
            &ASYNC_WAIT_CTX_set_status,
            &ASYNC_WAIT_CTX_get_status};
}

Libcrypto load_libcrypto() {
    void* library = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        throw std::runtime_error(dlerror());
    }
    Libcrypto crypto{};
    AsyncApi& api = crypto.async;
    api.name = "libcrypto";
    find(library, "ASYNC_init_thread", api.init_thread);
    find(library, "ASYNC_cleanup_thread", api.cleanup_thread);
    find(library, "ASYNC_is_capable", api.is_capable);
    find(library, "ASYNC_start_job", api.start_job);
    find(library, "ASYNC_pause_job", api.pause_job);
    find(library, "ASYNC_get_current_job", api.get_current_job);
    find(library, "ASYNC_get_wait_ctx", api.get_wait_ctx);
    find(library, "ASYNC_block_pause", api.block_pause);
    find(library, "ASYNC_unblock_pause", api.unblock_pause);
    find(library, "ASYNC_WAIT_CTX_new", api.ctx_new);
    find(library, "ASYNC_WAIT_CTX_free", api.ctx_free);
    find(library, "ASYNC_WAIT_CTX_set_wait_fd", api.set_wait_fd);
    find(library, "ASYNC_WAIT_CTX_get_fd", api.get_fd);
    find(library, "ASYNC_WAIT_CTX_get_all_fds", api.get_all_fds);
    find(library, "ASYNC_WAIT_CTX_get_changed_fds", api.get_changed_fds);
    find(library, "ASYNC_WAIT_CTX_clear_fd", api.clear_fd);
    find(library, "ASYNC_WAIT_CTX_set_callback", api.set_callback);
    find(library, "ASYNC_WAIT_CTX_get_callback", api.get_callback);
    find(library, "ASYNC_WAIT_CTX_set_status", api.set_status);
    find(library, "ASYNC_WAIT_CTX_get_status", api.get_status);
    find(library, "OSSL_LIB_CTX_set0_default", crypto.set_default_context);
    find(library, "OSSL_LIB_CTX_new", crypto.new_context);
    find(library, "ERR_peek_last_error", crypto.last_error);
    find(library, "ERR_clear_error", crypto.clear_errors);
    const char* (*version)(int) = nullptr;
    find(library, "OpenSSL_version", version);
    crypto.version = version(0);
    if (api.start_job == &ASYNC_start_job || api.ctx_new == &ASYNC_WAIT_CTX_new) {
        throw std::runtime_error("libcrypto's ASYNC API is bound to ours");
    }
    return crypto;
}

}  // namespace ringside::testing
