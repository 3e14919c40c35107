// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// ASYNC_WAIT_CTX as the manual pages and the reference have it: order, duplicates, changes, and
// what settles them.

#include <gtest/gtest.h>

#include <array>

#include "async_fixture.hpp"

namespace ringside::testing {
namespace {

class WaitCtxTest : public ::testing::Test {
  protected:
    const void* key(std::size_t index) const { return &keys_.at(index); }

    WaitCtx ctx_;

  private:
    std::array<char, 4> keys_{};
};

TEST_F(WaitCtxTest, ListsFdsNewestFirst) {
    EXPECT_EQ(ctx_.all(), Fds{});
    EXPECT_EQ(ctx_.set(key(0), 10), 1);
    EXPECT_EQ(ctx_.set(key(1), 11), 1);
    EXPECT_EQ(ctx_.set(key(2), 12), 1);
    EXPECT_EQ(ctx_.all(), (Fds{12, 11, 10}));
    EXPECT_EQ(ctx_.added(), (Fds{12, 11, 10}));
    EXPECT_EQ(ctx_.deleted(), Fds{});
}

TEST_F(WaitCtxTest, TakesAnyKeyAndAnyFdEvenTwice) {
    EXPECT_EQ(ctx_.set(nullptr, -1), 1);
    EXPECT_EQ(ctx_.set(key(0), 7), 1);
    EXPECT_EQ(ctx_.set(key(0), 7), 1);
    EXPECT_EQ(ASYNC_WAIT_CTX_set_wait_fd(ctx_.get(), key(1), 8, nullptr, nullptr), 1);
    EXPECT_EQ(ctx_.all(), (Fds{8, 7, 7, -1}));
}

TEST_F(WaitCtxTest, FindsTheNewestFdOfAKeyWithItsData) {
    int old_data = 0;
    int new_data = 0;
    ASYNC_WAIT_CTX_set_wait_fd(ctx_.get(), key(0), 10, &old_data, nullptr);
    ASYNC_WAIT_CTX_set_wait_fd(ctx_.get(), key(0), 11, &new_data, nullptr);
    ASYNC_WAIT_CTX_set_wait_fd(ctx_.get(), nullptr, 12, nullptr, nullptr);
    int fd = -1;
    void* data = nullptr;
    EXPECT_EQ(ASYNC_WAIT_CTX_get_fd(ctx_.get(), key(0), &fd, &data), 1);
    EXPECT_EQ(fd, 11);
    EXPECT_EQ(data, &new_data);
    EXPECT_EQ(ASYNC_WAIT_CTX_get_fd(ctx_.get(), nullptr, &fd, &data), 1);
    EXPECT_EQ(fd, 12);
    EXPECT_EQ(ctx_.clear(key(0)), 1);
    EXPECT_EQ(ASYNC_WAIT_CTX_get_fd(ctx_.get(), key(0), &fd, &data), 1);
    EXPECT_EQ(fd, 10);
    EXPECT_EQ(data, &old_data);
}

TEST_F(WaitCtxTest, LeavesTheOutputsOfAnUnknownOrDeletedKeyAlone) {
    ctx_.set(key(0), 10);
    settle(ctx_);
    EXPECT_EQ(ctx_.clear(key(0)), 1);
    for (const void* gone : {key(0), key(1)}) {
        int fd = 77;
        void* data = this;
        EXPECT_EQ(ASYNC_WAIT_CTX_get_fd(ctx_.get(), gone, &fd, &data), 0);
        EXPECT_EQ(fd, 77);
        EXPECT_EQ(data, this);
    }
}

TEST_F(WaitCtxTest, ClearingWhatWasJustAddedIsNoChange) {
    ctx_.set(key(0), 10);
    ctx_.set(key(1), 11);
    EXPECT_EQ(ctx_.clear(key(0)), 1);
    EXPECT_EQ(ctx_.clear(key(0)), 0);
    EXPECT_EQ(ctx_.all(), Fds{11});
    EXPECT_EQ(ctx_.added(), Fds{11});
    EXPECT_EQ(ctx_.deleted(), Fds{});
}

TEST_F(WaitCtxTest, ClearingASettledFdReportsItAsDeletedNewestFirst) {
    ctx_.set(key(0), 10);
    ctx_.set(key(1), 11);
    ctx_.set(key(2), 12);
    settle(ctx_);
    EXPECT_EQ(ctx_.added(), Fds{});
    EXPECT_EQ(ctx_.clear(key(0)), 1);
    EXPECT_EQ(ctx_.clear(key(2)), 1);
    EXPECT_EQ(ctx_.clear(key(2)), 0);
    EXPECT_EQ(ctx_.all(), Fds{11});
    EXPECT_EQ(ctx_.deleted(), (Fds{12, 10}));
    settle(ctx_);
    EXPECT_EQ(ctx_.deleted(), Fds{});
    EXPECT_EQ(ctx_.all(), Fds{11});
}

TEST_F(WaitCtxTest, ReplacingTheFdOfAKeyReportsBoth) {
    ctx_.set(key(0), 10);
    settle(ctx_);
    ctx_.clear(key(0));
    ctx_.set(key(0), 20);
    EXPECT_EQ(ctx_.added(), Fds{20});
    EXPECT_EQ(ctx_.deleted(), Fds{10});
}

TEST_F(WaitCtxTest, AQueryForgetsNothing) {
    ctx_.set(key(0), 10);
    settle(ctx_);
    ctx_.clear(key(0));
    ctx_.set(key(1), 11);
    for (int round = 0; round < 2; ++round) {
        std::array<int, 1> add{};
        std::array<int, 1> del{};
        std::size_t adds = 0;
        std::size_t dels = 0;
        ASYNC_WAIT_CTX_get_changed_fds(ctx_.get(), add.data(), &adds, del.data(), &dels);
        EXPECT_EQ(adds, 1U);
        EXPECT_EQ(dels, 1U);
        EXPECT_EQ(add[0], 11);
        EXPECT_EQ(del[0], 10);
    }
}

TEST_F(WaitCtxTest, FreeCleansEveryLiveFdNewestFirstAndNoOther) {
    ctx_.set(key(0), 10);
    ctx_.set(key(1), 11);
    settle(ctx_);
    ctx_.set(key(2), 12);
    ctx_.set(key(2), 13);
    ctx_.clear(key(1));  // deleted
    ctx_.set(key(3), 14);
    ctx_.clear(key(3));  // never reported
    ASYNC_WAIT_CTX_set_wait_fd(ctx_.get(), key(3), 15, nullptr, nullptr);
    settle(ctx_);
    EXPECT_EQ(ctx_.cleaned, Fds{});
    ctx_.free();
    EXPECT_EQ(ctx_.cleaned, (Fds{13, 12, 10}));
    ASYNC_WAIT_CTX_free(nullptr);
}

TEST_F(WaitCtxTest, CleanupIsToldWhatWasRegistered) {
    struct Seen {
        ASYNC_WAIT_CTX* ctx;
        const void* key;
        int fd;
    } seen{};
    ASYNC_WAIT_CTX* const ctx = ctx_.get();
    ASYNC_WAIT_CTX_set_wait_fd(ctx, key(1), 9, &seen,
                               [](ASYNC_WAIT_CTX* from, const void* its_key, int fd, void* data) {
                                   *static_cast<Seen*>(data) = {from, its_key, fd};
                               });
    ctx_.free();
    EXPECT_EQ(seen.ctx, ctx);
    EXPECT_EQ(seen.key, key(1));
    EXPECT_EQ(seen.fd, 9);
}

TEST_F(WaitCtxTest, KeepsCallbackAndStatusThroughPauses) {
    const auto callback = [](void*) { return 1; };
    ASYNC_callback_fn got = nullptr;
    void* argument = this;
    EXPECT_EQ(ASYNC_WAIT_CTX_get_status(ctx_.get()), ASYNC_STATUS_UNSUPPORTED);
    EXPECT_EQ(ASYNC_WAIT_CTX_get_callback(ctx_.get(), &got, &argument), 0);
    EXPECT_EQ(got, nullptr);
    EXPECT_EQ(argument, this);
    EXPECT_EQ(ASYNC_WAIT_CTX_set_callback(ctx_.get(), callback, &ctx_), 1);
    EXPECT_EQ(ASYNC_WAIT_CTX_set_status(ctx_.get(), -4711), 1);
    settle(ctx_);
    EXPECT_EQ(ASYNC_WAIT_CTX_get_callback(ctx_.get(), &got, &argument), 1);
    EXPECT_EQ(got, +callback);
    EXPECT_EQ(argument, &ctx_);
    EXPECT_EQ(ASYNC_WAIT_CTX_get_status(ctx_.get()), -4711);
}

TEST_F(WaitCtxTest, ANullCallbackIsNone) {
    EXPECT_EQ(ASYNC_WAIT_CTX_set_callback(
                  nullptr, [](void*) { return 1; }, nullptr),
              0);
    EXPECT_EQ(ASYNC_WAIT_CTX_set_callback(ctx_.get(), nullptr, &ctx_), 1);
    ASYNC_callback_fn got = nullptr;
    void* argument = this;
    EXPECT_EQ(ASYNC_WAIT_CTX_get_callback(ctx_.get(), &got, &argument), 0);
    EXPECT_EQ(argument, this);
}

TEST_F(WaitCtxTest, StatusNeverCallsTheCallback) {
    int calls = 0;
    const auto count = [](void* counter) { return ++*static_cast<int*>(counter); };
    ASYNC_WAIT_CTX_set_callback(ctx_.get(), count, &calls);
    for (const int status :
         {ASYNC_STATUS_UNSUPPORTED, ASYNC_STATUS_ERR, ASYNC_STATUS_OK, ASYNC_STATUS_EAGAIN}) {
        EXPECT_EQ(ASYNC_WAIT_CTX_set_status(ctx_.get(), status), 1);
        EXPECT_EQ(ASYNC_WAIT_CTX_get_status(ctx_.get()), status);
    }
    settle(ctx_);
    EXPECT_EQ(calls, 0);
}

// ---- what settles the changes: a real resume of a job of the ctx, and nothing else ----

TEST_F(WaitCtxTest, PauseAndFinishLeaveTheChangesToTheApplication) {
    Job job([&] {
        ctx_.set(key(0), 10);
        ASYNC_pause_job();
        EXPECT_EQ(ctx_.added(), Fds{});  // settled before any code of the job
        ctx_.set(key(1), 11);
        return 0;
    });
    ASSERT_EQ(job.run(ctx_.get()), ASYNC_PAUSE);
    EXPECT_EQ(ctx_.added(), Fds{10});
    ASSERT_EQ(job.run(), ASYNC_FINISH);
    EXPECT_EQ(ctx_.added(), Fds{11});
    Job next([&] { return static_cast<int>(ctx_.added().size()); });
    ASSERT_EQ(next.run(ctx_.get()), ASYNC_FINISH);
    EXPECT_EQ(next.result, 1);
}

TEST_F(WaitCtxTest, WhatIsAddedDuringAPauseIsSettledByTheResume) {
    Job job([] { return ASYNC_pause_job(); });
    ASSERT_EQ(job.run(ctx_.get()), ASYNC_PAUSE);
    ctx_.set(key(0), 10);
    EXPECT_EQ(ctx_.added(), Fds{10});
    ASSERT_EQ(job.run(), ASYNC_FINISH);
    EXPECT_EQ(ctx_.added(), Fds{});
    EXPECT_EQ(ctx_.all(), Fds{10});
}

TEST_F(WaitCtxTest, APauseThatIsNoneSettlesNothing) {
    ctx_.set(key(0), 10);
    EXPECT_EQ(ASYNC_pause_job(), 1);
    Job job([&] {
        ASYNC_block_pause();
        EXPECT_EQ(ASYNC_pause_job(), 1);
        ASYNC_unblock_pause();
        return 0;
    });
    ASSERT_EQ(job.run(ctx_.get()), ASYNC_FINISH);
    EXPECT_EQ(ctx_.added(), Fds{10});
}

TEST_F(WaitCtxTest, TheResumeSettlesTheCtxThatTheJobWasStartedWith) {
    WaitCtx other;
    Job job([] { return ASYNC_pause_job(); });
    ASSERT_EQ(job.run(ctx_.get()), ASYNC_PAUSE);
    ctx_.set(key(0), 10);
    other.set(key(0), 20);
    ASSERT_EQ(job.run(other.get()), ASYNC_FINISH);  // ignored
    EXPECT_EQ(ctx_.added(), Fds{});
    EXPECT_EQ(other.added(), Fds{20});
}

TEST_F(WaitCtxTest, TwoJobsOfOneCtxWipeEachOthersChanges) {
    Job first([&] {
        ctx_.set(key(0), 10);
        return ASYNC_pause_job();
    });
    Job second([&] { return ASYNC_pause_job(); });
    ASSERT_EQ(second.run(ctx_.get()), ASYNC_PAUSE);
    ASSERT_EQ(first.run(ctx_.get()), ASYNC_PAUSE);
    EXPECT_EQ(ctx_.added(), Fds{10});
    ASSERT_EQ(second.run(), ASYNC_FINISH);
    EXPECT_EQ(ctx_.added(), Fds{});
    ASSERT_EQ(first.run(), ASYNC_FINISH);
}

}  // namespace
}  // namespace ringside::testing
