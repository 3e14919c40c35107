// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// An engine and an application in a few lines, right or wrong in one way: what checker_test runs
// under RINGSIDE_ASYNC_CHECK. Usage: checker_program right|wrong KIND

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>

#include "ringside/async.h"

namespace {

const char engine_key = 0;

// ---- the engine's half ----

int registered_fd(ASYNC_WAIT_CTX* ctx, const void* key) {
    int fd = -1;
    void* data = nullptr;
    if (ASYNC_WAIT_CTX_get_fd(ctx, key, &fd, &data) == 0) {
        fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        ASYNC_WAIT_CTX_set_wait_fd(
            ctx, key, fd, nullptr,
            [](ASYNC_WAIT_CTX*, const void*, OSSL_ASYNC_FD closed, void*) { close(closed); });
    }
    return fd;
}

ASYNC_WAIT_CTX* current_ctx() {
    return ASYNC_get_wait_ctx(ASYNC_get_current_job());
}

/// An operation that is done at once: tells so and pauses.
int operation(void* /*argument*/) {
    const std::uint64_t one = 1;
    const int fd = registered_fd(current_ctx(), &engine_key);
    (void)!write(fd, &one, sizeof one);
    ASYNC_WAIT_CTX_set_status(current_ctx(), ASYNC_STATUS_OK);
    return ASYNC_pause_job();
}

/// A full ring: nothing is under way, the application must start the job again.
int full_ring(void* /*argument*/) {
    registered_fd(current_ctx(), &engine_key);
    ASYNC_WAIT_CTX_set_status(current_ctx(), ASYNC_STATUS_EAGAIN);
    return ASYNC_pause_job();
}

/// Tells by the callback, if there is one.
int operation_with_callback(void* /*argument*/) {
    ASYNC_callback_fn callback = nullptr;
    void* argument = nullptr;
    if (ASYNC_WAIT_CTX_get_callback(current_ctx(), &callback, &argument) == 1) {
        callback(argument);
    }
    return ASYNC_pause_job();
}

// ---- the application's half ----

struct Application {
    ASYNC_WAIT_CTX* ctx = ASYNC_WAIT_CTX_new();
    ASYNC_JOB* job = nullptr;
    int result = 0;

    int start(int (*function)(void*)) {
        return ASYNC_start_job(&job, ctx, &result, function, nullptr, 0);
    }
    void wait() const {
        std::array<int, 64> fds{};
        std::size_t count = 0;
        ASYNC_WAIT_CTX_get_all_fds(ctx, nullptr, &count);
        ASYNC_WAIT_CTX_get_all_fds(ctx, fds.data(), &count);
        pollfd entry{fds[0], POLLIN, 0};
        poll(&entry, 1, 10'000);
    }
    void end() {
        ASYNC_WAIT_CTX_free(ctx);
        ASYNC_cleanup_thread();
    }
};

void fd_closed(bool wrong) {
    Application application;
    application.start(&operation);
    application.wait();
    if (wrong) {
        close(registered_fd(application.ctx, &engine_key));
    }
    application.start(&operation);
    application.end();
}

void changes_not_collected(bool wrong) {
    Application application;
    application.start(&operation);
    if (!wrong) {
        application.wait();
    }
    application.start(&operation);
    application.end();
}

void callback_blocks(bool wrong) {
    Application application;
    const auto quick = [](void*) { return 1; };
    const auto slow = [](void*) { return poll(nullptr, 0, 60); };
    ASYNC_WAIT_CTX_set_callback(application.ctx, wrong ? +slow : +quick, nullptr);
    application.start(&operation_with_callback);
    application.start(&operation_with_callback);
    application.end();
}

void eagain_not_retried(bool wrong) {
    Application application;
    application.start(&full_ring);
    if (!wrong) {
        application.start(&full_ring);
    }
    application.end();
}

void job_abandoned(bool wrong) {
    Application application;
    application.start(&operation);
    application.wait();
    if (!wrong) {
        application.start(&operation);
    }
    application.end();
}

void ctx_shared(bool wrong) {
    Application application;
    Application other;
    ASYNC_WAIT_CTX* const own = other.ctx;
    other.ctx = wrong ? application.ctx : own;
    application.start(&operation);
    other.start(&operation);
    application.wait();
    other.wait();
    application.start(&operation);
    other.start(&operation);
    ASYNC_WAIT_CTX_free(own);
    application.end();
}

void fds_pile_up(bool wrong) {
    Application application;
    std::array<char, 40> keys{};
    for (const char& key : keys) {
        registered_fd(application.ctx, wrong ? &key : &engine_key);
    }
    application.end();
}

void wrong_thread(bool wrong) {
    Application application;
    application.start(&operation);
    application.wait();
    if (wrong) {
        std::thread([&] { application.start(&operation); }).join();
    }
    application.start(&operation);
    application.end();
}

const std::map<std::string_view, void (*)(bool)> kinds = {
    {"fd-closed", &fd_closed},
    {"changes-not-collected", &changes_not_collected},
    {"callback-blocks", &callback_blocks},
    {"eagain-not-retried", &eagain_not_retried},
    {"job-abandoned", &job_abandoned},
    {"ctx-shared", &ctx_shared},
    {"fds-pile-up", &fds_pile_up},
    {"wrong-thread", &wrong_thread},
};

}  // namespace

int main(int argc, char** argv) {
    const auto kind = argc == 3 ? kinds.find(argv[2]) : kinds.end();
    if (kind == kinds.end()) {
        std::fprintf(stderr, "usage: checker_program right|wrong KIND\n");
        return 2;
    }
    kind->second(std::string_view(argv[1]) == "wrong");
    return 0;
}
