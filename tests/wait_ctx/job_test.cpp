// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// ASYNC_JOB as the manual pages and the reference have it: start, pause, resume, finish, the
// thread's pool, blocked pauses, copied arguments.

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "async_fixture.hpp"

namespace ringside::testing {
namespace {

int pause_once(void*) {
    return ASYNC_pause_job();
}

/// The raw call, with outputs that show whether they were written.
struct Start {
    ASYNC_JOB* job = nullptr;
    int result = -77;

    int operator()(int (*function)(void*), void* argument = nullptr, std::size_t size = 0) {
        return ASYNC_start_job(&job, nullptr, &result, function, argument, size);
    }
};

class JobTest : public ::testing::Test {
  protected:
    void TearDown() override { ASYNC_cleanup_thread(); }
};

TEST_F(JobTest, IsCapable) {
    EXPECT_EQ(ASYNC_is_capable(), 1);
}

TEST_F(JobTest, AFinishedJobLeavesItsResultAndNoHandle) {
    Start start;
    EXPECT_EQ(start([](void*) { return 42; }), ASYNC_FINISH);
    EXPECT_EQ(start.result, 42);
    EXPECT_EQ(start.job, nullptr);
}

TEST_F(JobTest, APausedJobLeavesItsHandleAndNoResult) {
    Start start;
    EXPECT_EQ(start(&pause_once), ASYNC_PAUSE);
    EXPECT_NE(start.job, nullptr);
    EXPECT_EQ(start.result, -77);
    EXPECT_EQ(start(nullptr), ASYNC_FINISH);
    EXPECT_EQ(start.result, 1);
    EXPECT_EQ(start.job, nullptr);
}

TEST_F(JobTest, TheResultGoesToTheCallThatSawItFinish) {
    ASYNC_JOB* job = nullptr;
    int first = -1;
    int second = -2;
    ASSERT_EQ(ASYNC_start_job(&job, nullptr, &first, &pause_once, nullptr, 0), ASYNC_PAUSE);
    ASSERT_EQ(ASYNC_start_job(&job, nullptr, &second, nullptr, nullptr, 0), ASYNC_FINISH);
    EXPECT_EQ(first, -1);
    EXPECT_EQ(second, 1);
}

TEST_F(JobTest, AResumeIgnoresEveryArgumentButTheHandle) {
    WaitCtx own;
    WaitCtx other;
    ASYNC_WAIT_CTX* seen = nullptr;
    Job job([&] {
        ASYNC_pause_job();
        seen = ASYNC_get_wait_ctx(ASYNC_get_current_job());
        return 5;
    });
    ASSERT_EQ(job.run(own.get()), ASYNC_PAUSE);
    int result = 0;
    int unused = 0;
    ASSERT_EQ(ASYNC_start_job(
                  &job.handle, other.get(), &result, [](void*) { return 6; }, &unused, 1 << 30),
              ASYNC_FINISH);
    EXPECT_EQ(result, 5);
    EXPECT_EQ(seen, own.get());
}

TEST_F(JobTest, PausesAtAnyDepthAndAnyNumberOfTimes) {
    struct Deep {
        // NOLINTNEXTLINE(misc-no-recursion): depth is what is tested
        static int descend(int levels) {
            return levels == 0 ? ASYNC_pause_job() : descend(levels - 1) + ASYNC_pause_job();
        }
    };
    Job job([] { return Deep::descend(20); });
    for (int pause = 0; pause < 21; ++pause) {
        ASSERT_EQ(job.run(), ASYNC_PAUSE);
    }
    ASSERT_EQ(job.run(), ASYNC_FINISH);
    EXPECT_EQ(job.result, 21);
}

TEST_F(JobTest, ManyJobsPauseAtOnceAndResumeInAnyOrder) {
    constexpr int jobs = 300;
    std::vector<std::unique_ptr<Job>> all;
    for (int index = 0; index < jobs; ++index) {
        all.push_back(std::make_unique<Job>([index] {
            ASYNC_pause_job();
            return index;
        }));
        ASSERT_EQ(all.back()->run(), ASYNC_PAUSE);
    }
    for (int step = 0; step < jobs; ++step) {
        const int index = step * 7 % jobs;
        ASSERT_EQ(all.at(static_cast<std::size_t>(index))->run(), ASYNC_FINISH);
        ASSERT_EQ(all.at(static_cast<std::size_t>(index))->result, index);
    }
}

// ---- who is current ----

TEST_F(JobTest, TheCurrentJobIsTheRunningOne) {
    WaitCtx ctx;
    EXPECT_EQ(ASYNC_get_current_job(), nullptr);
    ASYNC_JOB* inside = nullptr;
    Job job([&] {
        inside = ASYNC_get_current_job();
        EXPECT_EQ(ASYNC_get_wait_ctx(inside), ctx.get());
        ASYNC_pause_job();
        EXPECT_EQ(ASYNC_get_current_job(), inside);
        return 0;
    });
    ASSERT_EQ(job.run(ctx.get()), ASYNC_PAUSE);
    EXPECT_EQ(ASYNC_get_current_job(), nullptr);
    EXPECT_EQ(job.handle, inside);
    EXPECT_EQ(ASYNC_get_wait_ctx(job.handle), ctx.get());
    ASSERT_EQ(job.run(), ASYNC_FINISH);
    EXPECT_EQ(ASYNC_get_current_job(), nullptr);
    EXPECT_EQ(ASYNC_get_wait_ctx(inside), nullptr);
}

// ---- arguments ----

TEST_F(JobTest, ArgumentsAreCopiedAndAligned) {
    struct alignas(16) Arguments {
        std::array<unsigned char, 100> bytes;
    };
    Arguments arguments{};
    arguments.bytes.fill(0x5a);
    Start start;
    const auto check = [](void* copy) {
        ASYNC_pause_job();
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(copy) % 16, 0U);
        int matching = 0;
        for (const auto byte : static_cast<Arguments*>(copy)->bytes) {
            matching += byte == 0x5a ? 1 : 0;
        }
        return matching;
    };
    ASSERT_EQ(start(check, &arguments, sizeof arguments), ASYNC_PAUSE);
    arguments.bytes.fill(0);
    ASSERT_EQ(start(nullptr), ASYNC_FINISH);
    EXPECT_EQ(start.result, 100);
}

TEST_F(JobTest, NoArgumentsIsANullPointer) {
    const auto is_null = [](void* argument) { return argument == nullptr ? 1 : 0; };
    int value = 0;
    struct Case {
        void* argument;
        std::size_t size;
    };
    // After a job that left its own behind: the object is reused.
    for (const Case& call :
         {Case{&value, sizeof value}, Case{nullptr, 0}, Case{nullptr, 64}, Case{&value, 0}}) {
        Start start;
        ASSERT_EQ(start(is_null, call.argument, call.size), ASYNC_FINISH);
        EXPECT_EQ(start.result, call.argument == &value && call.size != 0 ? 0 : 1);
    }
}

// ---- the pool ----

TEST_F(JobTest, APoolOfNTakesNJobsAndThenSaysSo) {
    ASSERT_EQ(ASYNC_init_thread(2, 1), 1);
    Start first;
    Start second;
    Start third;
    ASSERT_EQ(first(&pause_once), ASYNC_PAUSE);
    ASSERT_EQ(second(&pause_once), ASYNC_PAUSE);
    EXPECT_EQ(third(&pause_once), ASYNC_NO_JOBS);
    EXPECT_EQ(third.job, nullptr);
    EXPECT_EQ(third.result, -77);
    ASSERT_EQ(first(nullptr), ASYNC_FINISH);
    EXPECT_EQ(third(&pause_once), ASYNC_PAUSE);
    ASSERT_EQ(second(nullptr), ASYNC_FINISH);
    ASSERT_EQ(third(nullptr), ASYNC_FINISH);
}

TEST_F(JobTest, APoolMustHoldWhatItStartsWith) {
    EXPECT_EQ(ASYNC_init_thread(0, 1), 0);
    EXPECT_EQ(ASYNC_init_thread(3, 4), 0);
    EXPECT_EQ(ASYNC_init_thread(4, 4), 1);
    EXPECT_EQ(ASYNC_init_thread(0, 0), 1);
}

TEST_F(JobTest, ASecondPoolReplacesTheFirst) {
    ASSERT_EQ(ASYNC_init_thread(1, 0), 1);
    Start first;
    Start second;
    ASSERT_EQ(first(&pause_once), ASYNC_PAUSE);
    ASSERT_EQ(second(&pause_once), ASYNC_NO_JOBS);
    ASSERT_EQ(ASYNC_init_thread(1, 0), 1);
    EXPECT_EQ(second(&pause_once), ASYNC_PAUSE);
    EXPECT_EQ(first(nullptr), ASYNC_FINISH);
    EXPECT_EQ(second(nullptr), ASYNC_FINISH);
}

TEST_F(JobTest, CleanupBringsBackTheUnlimitedPool) {
    ASSERT_EQ(ASYNC_init_thread(1, 1), 1);
    ASYNC_cleanup_thread();
    ASYNC_cleanup_thread();
    Start first;
    Start second;
    EXPECT_EQ(first(&pause_once), ASYNC_PAUSE);
    EXPECT_EQ(second(&pause_once), ASYNC_PAUSE);
    EXPECT_EQ(first(nullptr), ASYNC_FINISH);
    EXPECT_EQ(second(nullptr), ASYNC_FINISH);
}

TEST_F(JobTest, EachThreadHasAPoolOfItsOwn) {
    ASSERT_EQ(ASYNC_init_thread(1, 0), 1);
    Start mine;
    ASSERT_EQ(mine(&pause_once), ASYNC_PAUSE);
    std::thread([] {
        Start first;
        Start second;
        EXPECT_EQ(first(&pause_once), ASYNC_PAUSE);
        EXPECT_EQ(second(&pause_once), ASYNC_PAUSE);
        EXPECT_EQ(first(nullptr), ASYNC_FINISH);
        EXPECT_EQ(second(nullptr), ASYNC_FINISH);
    }).join();
    EXPECT_EQ(mine(nullptr), ASYNC_FINISH);
}

// ---- blocked pauses ----

TEST_F(JobTest, BlocksNest) {
    Job job([] {
        ASYNC_block_pause();
        ASYNC_block_pause();
        EXPECT_EQ(ASYNC_pause_job(), 1);
        ASYNC_unblock_pause();
        EXPECT_EQ(ASYNC_pause_job(), 1);
        ASYNC_unblock_pause();
        ASYNC_unblock_pause();  // no underflow
        return ASYNC_pause_job();
    });
    EXPECT_EQ(job.run(), ASYNC_PAUSE);
    EXPECT_EQ(job.run(), ASYNC_FINISH);
}

TEST_F(JobTest, OutsideAJobNothingIsBlockedOrPaused) {
    ASYNC_unblock_pause();
    ASYNC_block_pause();
    EXPECT_EQ(ASYNC_pause_job(), 1);
    Start start;
    EXPECT_EQ(start(&pause_once), ASYNC_PAUSE);
    ASYNC_block_pause();
    EXPECT_EQ(start(nullptr), ASYNC_FINISH);
}

TEST_F(JobTest, ABlockLeftBehindHoldsForTheThreadUntilItsCleanup) {
    Job blocks([] {
        ASYNC_block_pause();
        return 0;
    });
    ASSERT_EQ(blocks.run(), ASYNC_FINISH);
    Start start;
    EXPECT_EQ(start(&pause_once), ASYNC_FINISH);
    ASSERT_EQ(ASYNC_init_thread(0, 0), 1);  // another pool, the same thread
    EXPECT_EQ(start(&pause_once), ASYNC_FINISH);
    ASYNC_cleanup_thread();
    EXPECT_EQ(start(&pause_once), ASYNC_PAUSE);
    EXPECT_EQ(start(nullptr), ASYNC_FINISH);
}

}  // namespace
}  // namespace ringside::testing
