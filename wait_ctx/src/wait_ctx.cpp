// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "wait_ctx.hpp"

#include <algorithm>
#include <new>

#include "checker.hpp"
#include "diagnostics.hpp"

using ringside::async::Checker;
using ringside::async::diagnose;
using ringside::async::Misuse;
using State = async_wait_ctx_st::State;

const char async_wait_ctx_st::deleted_key = 0;

void async_wait_ctx_st::forget_changes() {
    if (deleted != 0) {
        fds.erase(std::remove_if(fds.begin(), fds.end(),
                                 [](const WaitFd& entry) { return entry.is_deleted(); }),
                  fds.end());
        deleted = 0;
    }
    added = 0;
}

bool async_wait_ctx_st::grow() {
    try {
        fds.reserve(std::max<std::size_t>(8, 2 * fds.capacity()));  // mostly 8 are enough
    } catch (const std::bad_alloc&) {
        return false;
    }
    return true;
}

void async_wait_ctx_st::report_added(OSSL_ASYNC_FD* fds_out) const {
    const WaitFd* entry = fds.data() + fds.size();
    for (std::size_t left = added; left != 0; --left) {
        *fds_out++ = (--entry)->fd;
    }
}

void async_wait_ctx_st::report_deleted(OSSL_ASYNC_FD* fds_out) const {
    // No further than there is something to report; and without a branch on each entry.
    const WaitFd* entry = fds.data() + fds.size();
    for (std::size_t left = deleted; left != 0;) {
        --entry;
        *fds_out = entry->fd;
        const std::size_t reported = entry->is_deleted() ? 1 : 0;
        fds_out += reported;
        left -= reported;
    }
}

async_wait_ctx_st::WaitFd* async_wait_ctx_st::find(const void* key) {
    if (fds.empty()) {
        return nullptr;
    }
    for (WaitFd* entry = &fds.back();; --entry) {
        if (entry->key == key) {
            return entry;
        }
        if (entry == fds.data()) [[likely]] {  // mostly there is one
            return nullptr;
        }
    }
}

extern "C" {

ASYNC_WAIT_CTX* ASYNC_WAIT_CTX_new(void) {
    return new (std::nothrow) ASYNC_WAIT_CTX;
}

void ASYNC_WAIT_CTX_free(ASYNC_WAIT_CTX* ctx) {
    if (ctx == nullptr) {
        return;
    }
    if (ctx->state.load(std::memory_order_relaxed) != State::in_use) {
        diagnose(Misuse::free_in_cleanup);
        return;
    }
    if (Checker* checker = Checker::active()) {
        checker->ctx_freed(ctx, __builtin_return_address(0));
    }
    ctx->state.store(State::cleaning, std::memory_order_relaxed);
    // The one that is cleaned is the last of the list until its cleanup has returned, so that the
    // cleanup finds it; those before it may go meanwhile, by clear_fd().
    while (!ctx->fds.empty()) {
        const auto entry = ctx->fds.back();
        if (!entry.is_deleted() && entry.cleanup != nullptr) {
            entry.cleanup(ctx, entry.key, entry.fd, entry.custom_data);
        }
        ctx->deleted -= entry.is_deleted() ? 1 : 0;
        ctx->added -= ctx->added != 0 ? 1 : 0;
        ctx->fds.pop_back();
    }
    ctx->state.store(State::freed, std::memory_order_release);
    if (ctx->jobs.load(std::memory_order_relaxed) == 0) {
        delete ctx;
    } else {
        diagnose(Misuse::ctx_freed_under_job);
    }
}

int ASYNC_WAIT_CTX_set_wait_fd(ASYNC_WAIT_CTX* ctx, const void* key, OSSL_ASYNC_FD fd,
                               void* custom_data,
                               void (*cleanup)(ASYNC_WAIT_CTX*, const void*, OSSL_ASYNC_FD,
                                               void*)) {
    if (ctx->state.load(std::memory_order_relaxed) != State::in_use) {
        diagnose(Misuse::set_in_cleanup);
        return 0;
    }
    if (ctx->fds.size() == ctx->fds.capacity() && !ctx->grow()) {
        return 0;
    }
    if (ctx->fds.size() == ctx->fds.capacity()) {
        __builtin_unreachable();  // or push_back() would bring its own growth along
    }
    ctx->fds.push_back({key, fd, custom_data, cleanup});
    if (Checker* checker = Checker::active()) {
        checker->fd_set(ctx, key, fd, __builtin_return_address(0));
    }
    ++ctx->added;
    return 1;
}

int ASYNC_WAIT_CTX_get_fd(ASYNC_WAIT_CTX* ctx, const void* key, OSSL_ASYNC_FD* fd,
                          void** custom_data) {
    const auto* entry = ctx->find(key);
    if (entry == nullptr) {
        return 0;
    }
    *fd = entry->fd;
    *custom_data = entry->custom_data;
    return 1;
}

int ASYNC_WAIT_CTX_get_all_fds(ASYNC_WAIT_CTX* ctx, OSSL_ASYNC_FD* fd, size_t* numfds) {
    if (fd != nullptr) {
        for (auto entry = ctx->fds.rbegin(); entry != ctx->fds.rend(); ++entry) {
            if (!entry->is_deleted()) {
                *fd++ = entry->fd;
            }
        }
    }
    *numfds = ctx->fds.size() - ctx->deleted;
    if (Checker* checker = Checker::active()) {
        checker->fds_collected(ctx, __builtin_return_address(0));
    }
    return 1;
}

int ASYNC_WAIT_CTX_get_changed_fds(ASYNC_WAIT_CTX* ctx, OSSL_ASYNC_FD* addfd, size_t* numaddfds,
                                   OSSL_ASYNC_FD* delfd, size_t* numdelfds) {
    *numaddfds = ctx->added;
    *numdelfds = ctx->deleted;
    // An entry that was added and deleted between two resets is gone (clear_fd), so none is both.
    if (addfd != nullptr || delfd != nullptr) {
        if (addfd != nullptr) {
            ctx->report_added(addfd);
        }
        if (delfd != nullptr) {
            ctx->report_deleted(delfd);
        }
    }
    if (Checker* checker = Checker::active()) {
        checker->fds_collected(ctx, __builtin_return_address(0));
    }
    return 1;
}

int ASYNC_WAIT_CTX_clear_fd(ASYNC_WAIT_CTX* ctx, const void* key) {
    auto* entry = ctx->find(key);
    if (entry == nullptr) {
        return 0;
    }
    if (ctx->state.load(std::memory_order_relaxed) == State::cleaning &&
        entry == &ctx->fds.back()) {
        diagnose(Misuse::clear_in_cleanup);
        return 0;
    }
    if (Checker* checker = Checker::active()) {
        checker->fd_cleared(ctx, key);
    }
    if (ctx->is_added(*entry)) {
        ctx->fds.erase(ctx->fds.begin() + (entry - ctx->fds.data()));
        --ctx->added;
    } else {
        entry->key = &async_wait_ctx_st::deleted_key;
        ++ctx->deleted;
    }
    return 1;
}

int ASYNC_WAIT_CTX_set_callback(ASYNC_WAIT_CTX* ctx, ASYNC_callback_fn callback,
                                void* callback_arg) {
    if (ctx == nullptr) {
        return 0;
    }
    ctx->callback = callback;
    ctx->callback_argument = callback_arg;
    return 1;
}

int ASYNC_WAIT_CTX_get_callback(ASYNC_WAIT_CTX* ctx, ASYNC_callback_fn* callback,
                                void** callback_arg) {
    if (ctx->callback == nullptr) {
        return 0;
    }
    *callback = ctx->callback;
    *callback_arg = ctx->callback_argument;
    if (Checker* checker = Checker::active()) {
        checker->watch(callback, callback_arg, __builtin_return_address(0));
    }
    return 1;
}

int ASYNC_WAIT_CTX_set_status(ASYNC_WAIT_CTX* ctx, int status) {
    ctx->status = status;
    return 1;
}

int ASYNC_WAIT_CTX_get_status(ASYNC_WAIT_CTX* ctx) {
    return ctx->status;
}

}  // extern "C"
