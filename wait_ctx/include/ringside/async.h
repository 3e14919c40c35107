/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: the ringside authors
 *
 * The asynchronous job API of OpenSSL 3 (ASYNC_start_job(3), ASYNC_WAIT_CTX_new(3)) with the same
 * names, types and values, as libringside_async declares it. A C or C++ program may include it
 * instead of, before or after <openssl/async.h>. What the functions do is in the manual pages;
 * docs/async.md says where ours differ.
 *
 * Thread rule, unless a function says otherwise: jobs and their pool belong to the thread that
 * started them; a wait ctx has no lock and belongs to one thread at a time.
 */
#ifndef RINGSIDE_ASYNC_H
#define RINGSIDE_ASYNC_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct async_job_st ASYNC_JOB;
typedef struct async_wait_ctx_st ASYNC_WAIT_CTX;
typedef int (*ASYNC_callback_fn)(void* arg);

#ifndef OSSL_ASYNC_FD
#define OSSL_ASYNC_FD int
#define OSSL_BAD_ASYNC_FD -1
#endif

/* What ASYNC_start_job() returns. */
#ifndef ASYNC_ERR
#define ASYNC_ERR 0
#define ASYNC_NO_JOBS 1
#define ASYNC_PAUSE 2
#define ASYNC_FINISH 3
#endif

/* What ASYNC_WAIT_CTX_get_status() returns. */
#ifndef ASYNC_STATUS_UNSUPPORTED
#define ASYNC_STATUS_UNSUPPORTED 0
#define ASYNC_STATUS_ERR 1
#define ASYNC_STATUS_OK 2
#define ASYNC_STATUS_EAGAIN 3
#endif

#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* Jobs: at most `max_size` of this thread at one time (0: no limit), `init_size` made at once. 1,
 * or 0 if init_size > max_size or memory ran out. Implied, as (0, 0), by the first
 * ASYNC_start_job(). */
int ASYNC_init_thread(size_t max_size, size_t init_size);
void ASYNC_cleanup_thread(void);
int ASYNC_is_capable(void);

/* Starts (*job == NULL) or resumes a job; `args` are copied, `size` bytes of them. */
int ASYNC_start_job(ASYNC_JOB** job, ASYNC_WAIT_CTX* ctx, int* ret, int (*func)(void*), void* args,
                    size_t size);
/* 1 after the resume; 1 at once outside a job and while pauses are blocked. */
int ASYNC_pause_job(void);
ASYNC_JOB* ASYNC_get_current_job(void);
ASYNC_WAIT_CTX* ASYNC_get_wait_ctx(ASYNC_JOB* job);
void ASYNC_block_pause(void);
void ASYNC_unblock_pause(void);

/* Stack allocators (OpenSSL 3.2): `alloc` is given the size wanted and may raise it. 0 once a stack
 * has been allocated. NULL leaves that one as it is. Any thread. */
typedef void* (*ASYNC_stack_alloc_fn)(size_t* num);
typedef void (*ASYNC_stack_free_fn)(void* addr);
int ASYNC_set_mem_functions(ASYNC_stack_alloc_fn alloc_fn, ASYNC_stack_free_fn free_fn);
void ASYNC_get_mem_functions(ASYNC_stack_alloc_fn* alloc_fn, ASYNC_stack_free_fn* free_fn);

ASYNC_WAIT_CTX* ASYNC_WAIT_CTX_new(void);
/* Calls the cleanup of every fd that is still registered, newest first. */
void ASYNC_WAIT_CTX_free(ASYNC_WAIT_CTX* ctx);
int ASYNC_WAIT_CTX_set_wait_fd(ASYNC_WAIT_CTX* ctx, const void* key, OSSL_ASYNC_FD fd,
                               void* custom_data,
                               void (*cleanup)(ASYNC_WAIT_CTX*, const void*, OSSL_ASYNC_FD, void*));
int ASYNC_WAIT_CTX_get_fd(ASYNC_WAIT_CTX* ctx, const void* key, OSSL_ASYNC_FD* fd,
                          void** custom_data);
int ASYNC_WAIT_CTX_get_all_fds(ASYNC_WAIT_CTX* ctx, OSSL_ASYNC_FD* fd, size_t* numfds);
int ASYNC_WAIT_CTX_get_changed_fds(ASYNC_WAIT_CTX* ctx, OSSL_ASYNC_FD* addfd, size_t* numaddfds,
                                   OSSL_ASYNC_FD* delfd, size_t* numdelfds);
int ASYNC_WAIT_CTX_clear_fd(ASYNC_WAIT_CTX* ctx, const void* key);
int ASYNC_WAIT_CTX_set_callback(ASYNC_WAIT_CTX* ctx, ASYNC_callback_fn callback,
                                void* callback_arg);
int ASYNC_WAIT_CTX_get_callback(ASYNC_WAIT_CTX* ctx, ASYNC_callback_fn* callback,
                                void** callback_arg);
int ASYNC_WAIT_CTX_set_status(ASYNC_WAIT_CTX* ctx, int status);
int ASYNC_WAIT_CTX_get_status(ASYNC_WAIT_CTX* ctx);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
