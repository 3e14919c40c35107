// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// What crashes or corrupts in OpenSSL's library has a defined end in ours and is told on stderr,
// once per kind and process. Each case does its misuse twice, in a process of its own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "async_fixture.hpp"

namespace ringside::testing {
namespace {

using ::testing::ExitedWithCode;

/// One misuse: does it, and returns whether it ended as documented.
struct Misuse {
    const char* name;
    bool (*commit)();
    const char* told;  ///< how the line on stderr goes on
};

bool nested_start() {
    bool refused = false;
    Job inner([] { return 1; });
    Job outer([&] {
        refused = inner.run() == ASYNC_ERR && inner.handle == nullptr && inner.result == -1;
        return 7;
    });
    return outer.run() == ASYNC_FINISH && outer.result == 7 && refused;
}

/// An engine whose completion comes at once calls the callback, and that resumes inline.
bool callback_resumes_inline() {
    WaitCtx ctx;
    Job job([&ctx] {
        ASYNC_callback_fn callback = nullptr;
        void* argument = nullptr;
        ASYNC_WAIT_CTX_get_callback(ctx.get(), &callback, &argument);
        const int resumed = callback(argument);
        ASYNC_pause_job();
        return resumed;
    });
    ASYNC_WAIT_CTX_set_callback(
        ctx.get(), [](void* paused) { return static_cast<Job*>(paused)->run(); }, &job);
    return job.run(ctx.get()) == ASYNC_PAUSE && job.run() == ASYNC_FINISH &&
           job.result == ASYNC_ERR;
}

/// The same with the handle that an earlier pause gave.
bool resume_before_pause() {
    WaitCtx ctx;
    int inside = -1;
    Job job([&] {
        ASYNC_pause_job();
        inside = job.run();
        ASYNC_pause_job();
        return 3;
    });
    return job.run(ctx.get()) == ASYNC_PAUSE && job.run() == ASYNC_PAUSE &&
           job.run() == ASYNC_FINISH && job.result == 3 && inside == ASYNC_ERR;
}

/// Refused at once, after other jobs, after a clean-up, and from a thread that has ended.
bool stale_handle() {
    ASYNC_JOB* stale = nullptr;
    const auto finish_one = [&stale] {
        Job job([&stale] {
            stale = ASYNC_get_current_job();
            return 1;
        });
        return job.run() == ASYNC_FINISH;
    };
    const auto refused = [&stale] {
        ASYNC_JOB* handle = stale;
        int result = -1;
        return ASYNC_start_job(
                   &handle, nullptr, &result, [](void*) { return 2; }, nullptr, 0) == ASYNC_ERR &&
               handle == stale && result == -1;
    };
    bool right = finish_one() && refused();
    for (int other = 0; other < 40; ++other) {
        Job job([] { return 1; });
        right = right && job.run() == ASYNC_FINISH;
    }
    right = right && refused();
    ASYNC_cleanup_thread();
    right = right && refused();
    std::thread([&] { right = finish_one() && right; }).join();
    return right && refused();
}

bool wrong_thread() {
    WaitCtx ctx;
    Job job([] { return ASYNC_pause_job(); });
    bool right = job.run(ctx.get()) == ASYNC_PAUSE;
    std::thread([&] {
        ASYNC_JOB* const before = job.handle;
        right = job.run() == ASYNC_ERR && job.handle == before && job.result == -1 && right;
    }).join();
    return right && job.run() == ASYNC_FINISH && job.result == 1;
}

/// Also not when the new thread looks like the old one, at the same addresses.
bool thread_that_ended() {
    Job job([] { return ASYNC_pause_job(); });
    bool right = false;
    std::thread([&] { right = job.run() == ASYNC_PAUSE; }).join();
    std::thread([&] { right = job.run() == ASYNC_ERR && right; }).join();
    return right;
}

bool ctx_freed_under_job() {
    std::array<char, 2> keys{};
    WaitCtx ctx;
    ctx.set(&keys[0], 10);
    ctx.set(&keys[1], 11);
    Job job([] { return ASYNC_pause_job(); });
    bool right = job.run(ctx.get()) == ASYNC_PAUSE;
    ctx.free();
    right = right && ctx.cleaned == Fds{11, 10} && ASYNC_get_wait_ctx(job.handle) == nullptr;
    ASYNC_JOB* const before = job.handle;
    WaitCtx other;
    right = right && job.run(other.get()) == ASYNC_ERR && job.handle == before;
    Job next([] { return 5; });
    return right && next.run(other.get()) == ASYNC_FINISH && next.result == 5;
}

/// A job that frees its own ctx goes on to its end.
bool ctx_freed_by_its_job() {
    WaitCtx ctx;
    Job job([&] {
        ctx.free();
        return ASYNC_get_wait_ctx(ASYNC_get_current_job()) == nullptr ? 1 : 0;
    });
    return job.run(ctx.get()) == ASYNC_FINISH && job.result == 1;
}

bool pool_freed_under_job() {
    WaitCtx ctx;
    Job job([] { return ASYNC_pause_job() + ASYNC_pause_job(); });
    bool right = ASYNC_init_thread(1, 1) == 1 && job.run(ctx.get()) == ASYNC_PAUSE;
    ASYNC_cleanup_thread();
    right = right && job.run() == ASYNC_PAUSE;
    Job other([] { return 5; });
    right = right && other.run(ctx.get()) == ASYNC_FINISH;  // from a new pool
    return right && job.run() == ASYNC_FINISH && job.result == 2;
}

/// The reset of the changes is left out.
bool pause_without_ctx() {
    Job job([] { return ASYNC_pause_job(); });
    return job.run(nullptr) == ASYNC_PAUSE && job.run(nullptr) == ASYNC_FINISH && job.result == 1;
}

/// Runs `in_cleanup` in the cleanup of the newer of two fds with the same key, added or settled.
template <typename InCleanup>
bool in_cleanup(InCleanup in_cleanup_of) {
    struct Engine {
        InCleanup body;
        char key = 0;
        int cleanups = 0;
        int result = -1;
    };
    bool right = true;
    for (const bool settled : {false, true}) {
        Engine engine{in_cleanup_of};
        ASYNC_WAIT_CTX* ctx = ASYNC_WAIT_CTX_new();
        for (const int fd : {10, 11}) {
            ASYNC_WAIT_CTX_set_wait_fd(
                ctx, &engine.key, fd, &engine,
                [](ASYNC_WAIT_CTX* its_ctx, const void* key, int its_fd, void* data) {
                    auto& self = *static_cast<Engine*>(data);
                    ++self.cleanups;
                    if (its_fd == 11) {
                        self.result = self.body(its_ctx, key);
                    }
                });
        }
        if (settled) {
            Job job([] { return ASYNC_pause_job(); });
            right = job.run(ctx) == ASYNC_PAUSE && job.run() == ASYNC_FINISH && right;
        }
        ASYNC_WAIT_CTX_free(ctx);
        right = right && engine.cleanups == 2 && engine.result == 0;
    }
    return right;
}

bool clear_in_cleanup() {
    return in_cleanup(
        [](ASYNC_WAIT_CTX* ctx, const void* key) { return ASYNC_WAIT_CTX_clear_fd(ctx, key); });
}

bool set_in_cleanup() {
    return in_cleanup([](ASYNC_WAIT_CTX* ctx, const void* key) {
        return ASYNC_WAIT_CTX_set_wait_fd(ctx, key, 12, nullptr,
                                          [](ASYNC_WAIT_CTX*, const void*, int, void*) {
                                              std::abort();  // it was not taken
                                          });
    });
}

bool free_in_cleanup() {
    return in_cleanup([](ASYNC_WAIT_CTX* ctx, const void*) {
        ASYNC_WAIT_CTX_free(ctx);
        return 0;
    });
}

class MisuseTest : public ::testing::TestWithParam<Misuse> {
  protected:
    void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

MATCHER_P(TellsOnce, told, "") {
    const std::string prefix = "ringside async: ";
    std::istringstream lines(arg);
    std::vector<std::string> ours;
    for (std::string line; std::getline(lines, line);) {
        if (line.rfind(prefix, 0) == 0) {
            ours.push_back(line.substr(prefix.size()));
        }
    }
    return ours.size() == 1 && ours.front().rfind(told, 0) == 0;
}

TEST_P(MisuseTest, EndsAsDocumentedAndIsToldOnce) {
    EXPECT_EXIT(
        {
            const bool once = GetParam().commit();
            const bool twice = GetParam().commit();
            std::_Exit(once && twice ? 0 : 1);
        },
        ExitedWithCode(0), TellsOnce(GetParam().told));
}

INSTANTIATE_TEST_SUITE_P(
    Async, MisuseTest,
    ::testing::Values(
        Misuse{"NestedStart", &nested_start, "ASYNC_start_job called inside a job"},
        Misuse{"CallbackResumesInline", &callback_resumes_inline, "ASYNC_start_job called inside"},
        Misuse{"ResumeBeforePause", &resume_before_pause,
               "ASYNC_start_job called inside the very job"},
        Misuse{"StaleHandle", &stale_handle, "ASYNC_start_job with the handle of a job that has"},
        Misuse{"WrongThread", &wrong_thread, "ASYNC_start_job with a job of another thread"},
        Misuse{"ThreadThatEnded", &thread_that_ended, "ASYNC_start_job with a job of another"},
        Misuse{"CtxFreedUnderJob", &ctx_freed_under_job, "ASYNC_WAIT_CTX_free before the ctx's"},
        Misuse{"CtxFreedByItsJob", &ctx_freed_by_its_job, "ASYNC_WAIT_CTX_free before the ctx's"},
        Misuse{"PoolFreedUnderJob", &pool_freed_under_job, "ASYNC_cleanup_thread with paused"},
        Misuse{"PauseWithoutCtx", &pause_without_ctx, "ASYNC_pause_job in a job without a wait"},
        Misuse{"ClearInCleanup", &clear_in_cleanup, "ASYNC_WAIT_CTX_clear_fd for the fd whose"},
        Misuse{"SetInCleanup", &set_in_cleanup, "ASYNC_WAIT_CTX_set_wait_fd on a ctx that is"},
        Misuse{"FreeInCleanup", &free_in_cleanup, "ASYNC_WAIT_CTX_free on a ctx that is being"}),
    [](const auto& each) { return each.param.name; });

// ---- what is no misuse ----

TEST(Cleanup, FindsItsOwnFdAndMayClearAnOlderOne) {
    struct Engine {
        char older = 0;
        char newer = 0;
        int found = -1;
        int cleared = -1;
        Fds cleaned;
    } engine;
    ASYNC_WAIT_CTX* ctx = ASYNC_WAIT_CTX_new();
    const auto cleanup = [](ASYNC_WAIT_CTX* its_ctx, const void* key, int fd, void* data) {
        auto& self = *static_cast<Engine*>(data);
        self.cleaned.push_back(fd);
        if (key == &self.newer) {
            void* unused = nullptr;
            ASYNC_WAIT_CTX_get_fd(its_ctx, key, &self.found, &unused);
            self.cleared = ASYNC_WAIT_CTX_clear_fd(its_ctx, &self.older);
        }
    };
    ASYNC_WAIT_CTX_set_wait_fd(ctx, &engine.older, 10, &engine, cleanup);
    ASYNC_WAIT_CTX_set_wait_fd(ctx, &engine.newer, 11, &engine, cleanup);
    ASYNC_WAIT_CTX_free(ctx);
    EXPECT_EQ(engine.found, 11);
    EXPECT_EQ(engine.cleared, 1);
    EXPECT_EQ(engine.cleaned, Fds{11});
}

TEST(Cleanup, SeesTheFdsThatAreLeft) {
    struct Seen {
        std::vector<Fds> added;
        std::vector<Fds> deleted;
        std::vector<std::size_t> all;
    } seen;
    const auto cleanup = [](ASYNC_WAIT_CTX* ctx, const void*, int, void* data) {
        auto& self = *static_cast<Seen*>(data);
        std::size_t count = 0;
        ASYNC_WAIT_CTX_get_all_fds(ctx, nullptr, &count);
        self.all.push_back(count);
        std::size_t deleted_count = 0;
        ASYNC_WAIT_CTX_get_changed_fds(ctx, nullptr, &count, nullptr, &deleted_count);
        Fds added(count);
        Fds deleted(deleted_count);
        ASYNC_WAIT_CTX_get_changed_fds(ctx, added.data(), &count, deleted.data(), &deleted_count);
        self.added.push_back(added);
        self.deleted.push_back(deleted);
    };
    const std::array<char, 4> keys{};
    WaitCtx ctx;
    ASYNC_WAIT_CTX_set_wait_fd(ctx.get(), &keys[0], 10, &seen, cleanup);
    ASYNC_WAIT_CTX_set_wait_fd(ctx.get(), &keys[1], 11, &seen, cleanup);
    settle(ctx);
    ctx.clear(&keys[1]);
    ASYNC_WAIT_CTX_set_wait_fd(ctx.get(), &keys[2], 12, &seen, cleanup);
    ASYNC_WAIT_CTX_set_wait_fd(ctx.get(), &keys[3], 13, &seen, cleanup);
    ctx.free();
    EXPECT_EQ(seen.all, (std::vector<std::size_t>{3, 2, 1}));
    EXPECT_EQ(seen.added, (std::vector<Fds>{{13, 12}, {12}, {}}));
    EXPECT_EQ(seen.deleted, (std::vector<Fds>{{11}, {11}, {}}));
}

TEST(Handles, AreReissuedOldestFirst) {
    std::vector<ASYNC_JOB*> issued;
    for (int round = 0; round < 200; ++round) {
        Job job([&] {
            issued.push_back(ASYNC_get_current_job());
            return 0;
        });
        ASSERT_EQ(job.run(), ASYNC_FINISH);
    }
    for (std::size_t index = 0; index < issued.size(); ++index) {
        const auto next = std::find(issued.begin() + static_cast<std::ptrdiff_t>(index) + 1,
                                    issued.end(), issued[index]);
        const auto distance = next - issued.begin() - static_cast<std::ptrdiff_t>(index);
        ASSERT_TRUE(next == issued.end() || distance >= 64) << index;
    }
}

}  // namespace
}  // namespace ringside::testing
