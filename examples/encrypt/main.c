/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: the ringside authors */

/* The first block of NIST SP 800-38A, F.2.1, through the accelerator. */

#include <ringside/ringside.h>
#include <stdio.h>
#include <string.h>

static const char key[] = "\x2b\x7e\x15\x16\x28\xae\xd2\xa6\xab\xf7\x15\x88\x09\xcf\x4f\x3c";
static const char text[] = "\x6b\xc1\xbe\xe2\x2e\x40\x9f\x96\xe9\x3d\x7e\x11\x73\x93\x17\x2a";
static const char iv[] = "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f";

int main(void) {
    ringside_device* device = NULL;
    ringside_buffer* block = NULL;
    struct ringside_request request = {.algorithm = RINGSIDE_AES_CBC, .iv_len = 16};
    int status = ringside_open(NULL, &device);
    status = status ? status : ringside_buffer_alloc(device, 16, &block);
    status = status ? status
                    : ringside_session_create(device, RINGSIDE_AES_CBC, key, 16, &request.session);
    if (!status) {
        request.src = request.dst = block;
        request.src_len = request.dst_len = 16;
        memcpy(request.iv, iv, 16);
        memcpy(ringside_buffer_data(block), text, 16);
        status = ringside_run(device, 0, &request, NULL);
    }
    for (int i = 0; !status && i < 16; ++i) {
        printf("%02x", ((unsigned char*)ringside_buffer_data(block))[i]);
    }
    puts(status ? strerror(-status) : "");
    ringside_buffer_free(block);
    return status || ringside_close(device) ? 1 : 0;
}
