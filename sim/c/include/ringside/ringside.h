/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: the ringside authors */
#ifndef RINGSIDE_RINGSIDE_H
#define RINGSIDE_RINGSIDE_H

/*
 * The accelerator and its driver for C: opens a simulated device in live time, one at a time in a
 * process, and submits to it. Every function that can fail returns 0 or a negative errno:
 *
 *   -EAGAIN     the ring is full; nothing is lost, submit again after a completion
 *   -EINVAL     an argument, or the device rejected the request
 *   -EBADMSG    the tag of an authenticated message is wrong; no plaintext was written
 *   -EFAULT     the device could not reach a buffer
 *   -ECANCELED  aborted by a reset
 *   -EBUSY      a reset is under way; ringside_open(): this process has a device already
 *   -ESHUTDOWN  the device finishes what it has and takes no more
 *   -ENODEV     the device is gone or was closed
 *   -ENOMEM, -ETIMEDOUT, -ENOTSUP, -EDEADLK, -EIO
 *
 * Any thread may call, except where it says otherwise. C11 and C++11.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ringside_device ringside_device;
typedef struct ringside_buffer ringside_buffer;

/* Start from RINGSIDE_CONFIG_INIT: `size` tells which members the caller knows. */
struct ringside_config {
    size_t size;
    uint32_t io_queue_pairs;
    uint32_t ring_entries; /* a power of two, 2 to 4096; one less is the capacity */
    uint64_t seed;         /* of everything that the simulated machine draws */
};
#define RINGSIDE_CONFIG_INIT \
    { sizeof(struct ringside_config), 1, 64, 1 }

/* `config` may be NULL. */
int ringside_open(const struct ringside_config* config, ringside_device** device);

/* Takes no more requests (-ESHUTDOWN), for ever, and returns 0 when all that were accepted have
 * ended, callbacks included; -ETIMEDOUT: not within `timeout_ns`. Then ringside_close(). Not from a
 * callback (-EDEADLK). */
int ringside_drain(ringside_device* device, uint64_t timeout_ns);

/* Ends what is in flight with -ENODEV, then frees the device. -EBUSY: buffers are not freed yet;
 * the device stays open. Not from a callback (-EDEADLK). NULL is allowed. */
int ringside_close(ringside_device* device);

/* Requests that queue pair `queue`, from 0, takes before -EAGAIN. 0: there is no such queue. */
uint32_t ringside_capacity(const ringside_device* device, uint32_t queue);

enum ringside_algorithm { RINGSIDE_AES_CBC = 1, RINGSIDE_AES_GCM = 2 };

/* Puts a key of 16, 24 or 32 bytes into the device. Blocks; not from a callback (-EDEADLK). */
int ringside_session_create(ringside_device* device, int algorithm, const void* key, size_t key_len,
                            uint32_t* session);
int ringside_session_destroy(ringside_device* device, uint32_t session);

/* Memory that the device reaches, zeroed; overwritten when it is freed, which must not be while a
 * request uses it. At most 2 MiB. */
int ringside_buffer_alloc(ringside_device* device, size_t size, ringside_buffer** buffer);
void ringside_buffer_free(ringside_buffer* buffer);
void* ringside_buffer_data(ringside_buffer* buffer);
size_t ringside_buffer_size(const ringside_buffer* buffer);

struct ringside_request {
    int algorithm; /* enum ringside_algorithm, that of the session */
    int decrypt;
    uint32_t session;
    /* CBC: the data. GCM: additional data, data and, decrypting, the tag. */
    ringside_buffer* src;
    size_t src_offset;
    size_t src_len;
    /* CBC: as much as the source. GCM: the data and, encrypting, the tag. May be src. */
    ringside_buffer* dst;
    size_t dst_offset;
    size_t dst_len;
    uint8_t iv[16];
    size_t iv_len;  /* CBC: 16; GCM: 1 to 16 */
    size_t aad_len; /* GCM: leading bytes of the source that are only authenticated */
    size_t tag_len; /* GCM: 4, 8, 12 to 16 */
};

/* Called once for every request that was taken, on the driver's interrupt thread: it must not
 * block. It may submit. `status`: 0 or a negative errno; `result`: bytes written. */
typedef void (*ringside_callback)(void* argument, int status, uint32_t result);

/* 0: taken, and `callback` will be called, perhaps before this returns. -EAGAIN: the ring is full.
 * The request is copied. */
int ringside_submit(ringside_device* device, uint32_t queue, const struct ringside_request* request,
                    ringside_callback callback, void* argument);

/* The same, but a request for which the ring has no room waits its turn, first come first served:
 * never -EAGAIN. What else prevents it, `callback` is told. */
int ringside_submit_queued(ringside_device* device, uint32_t queue,
                           const struct ringside_request* request, ringside_callback callback,
                           void* argument);

/* The same, and sleeps until it has ended; `result` may be NULL. Not from a callback (-EDEADLK). */
int ringside_run(ringside_device* device, uint32_t queue, const struct ringside_request* request,
                 uint32_t* result);

/* accepted = ok + failed + cancelled + in_flight */
struct ringside_counters {
    uint64_t accepted;
    uint64_t ok;
    uint64_t failed;
    uint64_t cancelled;
    uint64_t in_flight;
    uint64_t eagain;  /* refused because the ring was full */
    uint64_t waiting; /* of ringside_submit_queued(), waiting for room */
};
int ringside_get_counters(const ringside_device* device, uint32_t queue,
                          struct ringside_counters* counters);

#ifdef __cplusplus
}
#endif

#endif
