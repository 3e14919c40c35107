/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: the ringside authors
 *
 * The header in C: alone, before <openssl/async.h> (FIRST=1) or after it (FIRST=2). Compiling and
 * linking it against libringside_async alone is the test: every function of the API is named. */
#if FIRST == 1
#include <ringside/async.h>
/**/
#include <openssl/async.h>
#elif FIRST == 2
#include <openssl/async.h>
/**/
#include <ringside/async.h>
#else
#include <ringside/async.h>
#endif

_Static_assert(ASYNC_ERR == 0 && ASYNC_NO_JOBS == 1 && ASYNC_PAUSE == 2 && ASYNC_FINISH == 3,
               "as in OpenSSL");
_Static_assert(ASYNC_STATUS_UNSUPPORTED == 0 && ASYNC_STATUS_ERR == 1 && ASYNC_STATUS_OK == 2 &&
                   ASYNC_STATUS_EAGAIN == 3,
               "as in OpenSSL");
_Static_assert(OSSL_BAD_ASYNC_FD == -1 && sizeof(OSSL_ASYNC_FD) == sizeof(int), "as in OpenSSL");

static int body(void* unused) {
    (void)unused;
    return ASYNC_pause_job();
}

static int callback(void* unused) {
    (void)unused;
    return 1;
}

int main(void) {
    static const char key;
    ASYNC_stack_alloc_fn allocate = NULL;
    ASYNC_stack_free_fn release = NULL;
    ASYNC_JOB* job = NULL;
    ASYNC_WAIT_CTX* ctx = ASYNC_WAIT_CTX_new();
    ASYNC_callback_fn got = NULL;
    void* data = NULL;
    OSSL_ASYNC_FD fd = OSSL_BAD_ASYNC_FD;
    size_t added = 0;
    size_t deleted = 0;
    int result = 0;
    int ok = ASYNC_is_capable() == 1 && ASYNC_set_mem_functions(NULL, NULL) == 1;
    ASYNC_get_mem_functions(&allocate, &release);
    ok = ok && ASYNC_init_thread(1, 1) == 1;
    ok = ok && ASYNC_WAIT_CTX_set_wait_fd(ctx, &key, 3, NULL, NULL) == 1;
    ok = ok && ASYNC_WAIT_CTX_set_callback(ctx, &callback, NULL) == 1;
    ok = ok && ASYNC_WAIT_CTX_get_callback(ctx, &got, &data) == 1 && got == &callback;
    ok = ok && ASYNC_WAIT_CTX_set_status(ctx, ASYNC_STATUS_OK) == 1;
    ok = ok && ASYNC_WAIT_CTX_get_status(ctx) == ASYNC_STATUS_OK;
    ok = ok && ASYNC_start_job(&job, ctx, &result, &body, NULL, 0) == ASYNC_PAUSE;
    ok = ok && ASYNC_get_wait_ctx(job) == ctx && ASYNC_get_current_job() == NULL;
    ok = ok && ASYNC_WAIT_CTX_get_fd(ctx, &key, &fd, &data) == 1 && fd == 3;
    ok = ok && ASYNC_WAIT_CTX_get_all_fds(ctx, NULL, &added) == 1 && added == 1;
    ok = ok && ASYNC_WAIT_CTX_get_changed_fds(ctx, NULL, &added, NULL, &deleted) == 1;
    ASYNC_block_pause();
    ASYNC_unblock_pause();
    ok = ok && ASYNC_start_job(&job, ctx, &result, &body, NULL, 0) == ASYNC_FINISH;
    ok = ok && ASYNC_WAIT_CTX_clear_fd(ctx, &key) == 1;
    ASYNC_WAIT_CTX_free(ctx);
    ASYNC_cleanup_thread();
    return ok ? 0 : 1;
}
