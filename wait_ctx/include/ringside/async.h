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

/* ---- jobs: ASYNC_start_job(3) ---- */

/* A new pool for this thread: at most `max_size` jobs at one time (0: no limit), `init_size` of
 * them made at once, or as many as memory allows. 0: no memory, or init_size > max_size, and then
 * ASYNC_R_INVALID_POOL_SIZE is on libcrypto's error queue. The first ASYNC_start_job() implies it,
 * without a limit. Jobs that are paused stay with the pool that they came from. */
int ASYNC_init_thread(size_t max_size, size_t init_size);
/* Frees the thread's pool and forgets blocked pauses; a thread's end does the same. Paused jobs
 * can still be resumed, by this thread, while it lives. */
void ASYNC_cleanup_thread(void);
/* 1. */
int ASYNC_is_capable(void);

/* *job == NULL: starts func on a stack of its own with a copy of `size` bytes of args (16-aligned;
 * NULL if args is NULL or size 0). Else resumes *job, and all but job and ret are ignored.
 *   ASYNC_FINISH   func has returned: *ret is its result, *job NULL
 *   ASYNC_PAUSE    it paused: *job is its handle, *ret untouched
 *   ASYNC_NO_JOBS  the pool is exhausted, or memory or the kernel's mappings are: nothing changed
 *   ASYNC_ERR      called inside a job; or *job has finished, belongs to another thread, or its
 *                  wait ctx was freed; or no memory: nothing changed
 * The default OSSL_LIB_CTX is switched along. A job has 32768 bytes of stack. */
int ASYNC_start_job(ASYNC_JOB** job, ASYNC_WAIT_CTX* ctx, int* ret, int (*func)(void*), void* args,
                    size_t size);
/* Inside a job: back to who started or resumed it. 1 after the resume, and then the changes of the
 * job's wait ctx are settled; 1 at once outside a job and while pauses are blocked. */
int ASYNC_pause_job(void);
/* The running job of this thread, or NULL. */
ASYNC_JOB* ASYNC_get_current_job(void);
/* What the job was started with; NULL if it has finished or the ctx was freed. Any thread. */
ASYNC_WAIT_CTX* ASYNC_get_wait_ctx(ASYNC_JOB* job);
/* A counter of the thread, not of the job: above zero ASYNC_pause_job() does nothing. Without
 * effect outside a job. */
void ASYNC_block_pause(void);
void ASYNC_unblock_pause(void);

/* Stack allocators (OpenSSL 3.2): `alloc` is given the size wanted in bytes and may raise it. For
 * the whole process; 0 once a stack has been allocated. NULL leaves that one as it is. Any thread.
 * Such stacks have no guard unless alloc makes one. */
typedef void* (*ASYNC_stack_alloc_fn)(size_t* num);
typedef void (*ASYNC_stack_free_fn)(void* addr);
int ASYNC_set_mem_functions(ASYNC_stack_alloc_fn alloc_fn, ASYNC_stack_free_fn free_fn);
void ASYNC_get_mem_functions(ASYNC_stack_alloc_fn* alloc_fn, ASYNC_stack_free_fn* free_fn);

/* ---- wait contexts: ASYNC_WAIT_CTX_new(3). 1 is success, 0 is not; lists are newest first ---- */

/* NULL: no memory. */
ASYNC_WAIT_CTX* ASYNC_WAIT_CTX_new(void);
/* Calls the cleanup of every fd that is still registered, newest first. Inside a cleanup its own
 * fd cannot be cleared, none can be set, and the ctx cannot be freed again. NULL is fine. */
void ASYNC_WAIT_CTX_free(ASYNC_WAIT_CTX* ctx);
/* Any key and any fd, also those that are there already. 0: no memory. */
int ASYNC_WAIT_CTX_set_wait_fd(ASYNC_WAIT_CTX* ctx, const void* key, OSSL_ASYNC_FD fd,
                               void* custom_data,
                               void (*cleanup)(ASYNC_WAIT_CTX*, const void*, OSSL_ASYNC_FD, void*));
/* The newest with that key; 0: none, outputs untouched. */
int ASYNC_WAIT_CTX_get_fd(ASYNC_WAIT_CTX* ctx, const void* key, OSSL_ASYNC_FD* fd,
                          void** custom_data);
/* fd may be NULL, to learn how many there are. */
int ASYNC_WAIT_CTX_get_all_fds(ASYNC_WAIT_CTX* ctx, OSSL_ASYNC_FD* fd, size_t* numfds);
/* What was added and deleted since a job on the ctx was last resumed from a pause; asking settles
 * nothing. Either array may be NULL. */
int ASYNC_WAIT_CTX_get_changed_fds(ASYNC_WAIT_CTX* ctx, OSSL_ASYNC_FD* addfd, size_t* numaddfds,
                                   OSSL_ASYNC_FD* delfd, size_t* numdelfds);
/* Takes the newest with that key out, without its cleanup. 0: none. */
int ASYNC_WAIT_CTX_clear_fd(ASYNC_WAIT_CTX* ctx, const void* key);
/* callback NULL: none. 0: ctx is NULL. Only engines call it. */
int ASYNC_WAIT_CTX_set_callback(ASYNC_WAIT_CTX* ctx, ASYNC_callback_fn callback,
                                void* callback_arg);
/* 0: none is set, outputs untouched. */
int ASYNC_WAIT_CTX_get_callback(ASYNC_WAIT_CTX* ctx, ASYNC_callback_fn* callback,
                                void** callback_arg);
/* Any value; ASYNC_STATUS_UNSUPPORTED at first. */
int ASYNC_WAIT_CTX_set_status(ASYNC_WAIT_CTX* ctx, int status);
int ASYNC_WAIT_CTX_get_status(ASYNC_WAIT_CTX* ctx);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
