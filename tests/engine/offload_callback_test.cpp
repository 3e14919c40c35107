// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Offload for jobs whose wait ctx has a callback: ASYNC_WAIT_CTX_set_callback(3) and DESIGN's
// contract 2, callback mode.

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <string_view>
#include <utility>
#include <vector>

#include "offload_fixture.hpp"
#include "ringside/base/prng.hpp"

namespace ringside {
namespace {

using testing::count_call;
using testing::for_seeds;
using testing::OffloadMachine;
using testing::TestJob;

TEST(OffloadCallback, IsCalledOnceWhenTheOperationIsDone) {
    for_seeds(100, [](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed});
        int calls = 0;
        TestJob job([&] { machine.work(); });
        job.set_callback(&count_call, &calls);
        if (job.enter()) {
            return;  // completed before the pause
        }
        EXPECT_EQ(job.status(), ASYNC_STATUS_OK);
        machine.settle();
        EXPECT_EQ(calls, 1);
        EXPECT_FALSE(job.fd_is_readable()) << "who is called is not told twice";
        EXPECT_TRUE(job.enter());
        EXPECT_EQ(job.pauses(), 1);
        EXPECT_EQ(machine.completed, 1);
    });
}

TEST(OffloadCallback, IsCalledOnceHoweverOftenTheJobIsResumedUnasked) {
    unsigned paused_again = 0;
    for_seeds(100, [&](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed});
        const auto before = machine.counters().accepted;
        int calls = 0;
        TestJob job([&] { machine.work(); });
        job.set_callback(&count_call, &calls);
        while (!job.enter()) {
            machine.accelerator.platform->scheduler().yield();
        }
        paused_again += job.pauses() > 1 ? 1 : 0;
        machine.settle();
        EXPECT_EQ(calls, 1);
        EXPECT_EQ(machine.completed, 1);
        EXPECT_EQ(machine.counters().accepted, before + 1);
        EXPECT_FALSE(job.fd_is_readable());
    });
    EXPECT_GT(paused_again, 0u);
}

TEST(OffloadCallback, ThatComesBeforeThePauseLeavesNothingToWaitFor) {
    for_seeds(100, [](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed});
        machine.complete_before_the_pause();
        int calls = 0;
        TestJob job([&] { machine.work(); });
        job.set_callback(&count_call, &calls);
        EXPECT_TRUE(job.enter());
        EXPECT_EQ(calls, 1);
        EXPECT_EQ(job.status(), ASYNC_STATUS_OK);
    });
}

TEST(OffloadCallback, StatusIsOkBeforeItCanBeCalled) {
    for_seeds(100, [](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed});
        struct Seen {
            TestJob* job;
            int status = -1;
        } seen{nullptr};
        TestJob job([&] { machine.work(); });
        seen.job = &job;
        job.set_callback(
            [](void* argument) {
                auto& mine = *static_cast<Seen*>(argument);
                mine.status = mine.job->status();
                return 1;
            },
            &seen);
        job.enter();
        machine.settle();
        EXPECT_EQ(seen.status, ASYNC_STATUS_OK);
        EXPECT_TRUE(job.finished() || job.enter());
    });
}

/// Resumes whoever the seed says: jobs that were called or that have status EAGAIN.
TEST(OffloadCallback, ManyJobsOverASmallRingAllFinish) {
    std::uint64_t eagain = 0;
    for_seeds(300, [&](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed, .ring_entries = seed % 2 == 0 ? 2u : 4u});
        Prng order(seed, "resume order");
        std::deque<TestJob> jobs;
        std::deque<int> calls(8);
        std::vector<std::size_t> unfinished;
        for (std::size_t i = 0; i < 8; ++i) {
            jobs.emplace_back([&] { machine.work(); });
            jobs.back().set_callback(&count_call, &calls[i]);
            if (!jobs.back().enter()) {
                unfinished.push_back(i);
            }
        }
        while (!unfinished.empty()) {
            const auto chosen = order.below(unfinished.size());
            TestJob& job = jobs[unfinished[chosen]];
            const bool again = job.status() == ASYNC_STATUS_EAGAIN;
            EXPECT_EQ(machine.counters().reserved, 0u) << "such a job holds no reservation";
            if (!again && calls[unfinished[chosen]] == 0) {
                machine.settle();
                continue;
            }
            if (job.enter()) {
                unfinished.erase(unfinished.begin() + static_cast<std::ptrdiff_t>(chosen));
            }
        }
        machine.settle();
        EXPECT_EQ(machine.completed, 8);
        for (const int each : calls) {
            EXPECT_EQ(each, 1);
        }
        eagain += machine.counters().eagain;
    });
    EXPECT_GT(eagain, 0u) << "the ring was never full";
}

TEST(OffloadCallback, AFullRingIsStatusEagainAndNoCall) {
    OffloadMachine machine({.ring_entries = 2, .interleaving = sim::Interleaving::cooperative});
    int first_calls = 0;
    int second_calls = 0;
    TestJob first([&] { machine.work(); });
    TestJob second([&] { machine.work(); });
    first.set_callback(&count_call, &first_calls);
    second.set_callback(&count_call, &second_calls);
    EXPECT_FALSE(first.enter());
    EXPECT_FALSE(second.enter());
    EXPECT_EQ(second.status(), ASYNC_STATUS_EAGAIN);
    EXPECT_FALSE(second.fd_is_readable());
    machine.settle();
    EXPECT_EQ(first_calls, 1);
    EXPECT_EQ(second_calls, 0);
    // An application may sleep on the descriptor, which says that there is a slot.
    EXPECT_TRUE(second.fd_is_readable());
    EXPECT_FALSE(second.enter());
    EXPECT_EQ(second.status(), ASYNC_STATUS_OK);
    machine.settle();
    EXPECT_EQ(second_calls, 1);
    EXPECT_TRUE(second.enter());
    EXPECT_TRUE(first.enter());
}

TEST(OffloadCallback, AnApplicationThatRetriesItsNewestJobFirstGetsOn) {
    // One credit: a slot kept for the oldest waiter, which is never resumed, would be a deadlock.
    OffloadMachine machine({.ring_entries = 2, .interleaving = sim::Interleaving::cooperative});
    std::deque<TestJob> jobs;
    std::deque<int> calls(6);
    for (std::size_t i = 0; i < 6; ++i) {
        jobs.emplace_back([&] { machine.work(); });
        jobs.back().set_callback(&count_call, &calls[i]);
        jobs.back().enter();
    }
    for (int rounds = 0; machine.completed < 6; ++rounds) {
        ASSERT_LT(rounds, 100);
        machine.settle();
        for (std::size_t i = 6; i-- > 0;) {
            if (!jobs[i].finished() && (calls[i] != 0 || jobs[i].status() == ASYNC_STATUS_EAGAIN)) {
                jobs[i].enter();
                break;
            }
        }
    }
}

TEST(OffloadCallback, WhomeverTheApplicationResumesGetsTheFreeSlot) {
    OffloadMachine machine({.ring_entries = 2, .interleaving = sim::Interleaving::cooperative});
    std::deque<TestJob> jobs;
    std::array<int, 3> calls{};
    for (int& each : calls) {
        jobs.emplace_back([&] { machine.work(); });
        jobs.back().set_callback(&count_call, &each);
        EXPECT_FALSE(jobs.back().enter());
    }
    machine.wait_readable(jobs[1].fd());  // the hint goes to the oldest
    EXPECT_FALSE(jobs[2].enter());
    EXPECT_EQ(jobs[2].status(), ASYNC_STATUS_OK);
    EXPECT_FALSE(jobs[1].enter());
    EXPECT_EQ(jobs[1].status(), ASYNC_STATUS_EAGAIN);
    machine.wait_readable(jobs[1].fd());
    EXPECT_FALSE(jobs[1].enter());
    machine.settle();
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(calls.at(i), 1);
        EXPECT_TRUE(jobs[i].enter());
    }
}

TEST(OffloadCallback, AHintThatComesTooLateIsNoNews) {
    unsigned late = 0;
    for_seeds(400, [&](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed, .ring_entries = 2});
        auto& platform = *machine.accelerator.platform;
        bool about_to_tell = false;
        platform.observe_schedule_points([&](const char* name) {
            about_to_tell |= std::string_view(name) == "queue_pair.tell_waiters.before_slot_ready";
        });
        int calls = 0;
        TestJob first([&] { machine.work(); });
        TestJob second([&] { machine.work(); });
        first.set_callback(&count_call, &calls);
        second.set_callback(&count_call, &calls);
        first.enter();
        second.enter();
        while (second.status() == ASYNC_STATUS_EAGAIN) {
            if (about_to_tell) {
                late += second.fd_is_readable() ? 0 : 1;
                second.enter();
            } else {
                platform.scheduler().yield();
            }
        }
        while (second.is_paused() && calls < 2) {
            EXPECT_FALSE(second.fd_is_readable()) << "it has its slot, and will be called";
            platform.scheduler().yield();
        }
        machine.settle();
        EXPECT_TRUE(first.finished() || first.enter());
        EXPECT_TRUE(second.finished() || second.enter());
        platform.observe_schedule_points({});
    });
    EXPECT_GT(late, 0u) << "no seed resumed the job between the hint and the news of it";
}

TEST(OffloadCallback, IsNotCalledOnceItsWaitCtxIsFreed) {
    for_seeds(100, [](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed, .ring_entries = 2});
        std::array<int, 2> calls{};
        std::deque<TestJob> jobs;
        for (int& each : calls) {
            jobs.emplace_back([&] { machine.work(); });
            jobs.back().set_callback(&count_call, &each);
            jobs.back().enter();
        }
        for (TestJob& job : jobs) {
            job.free_ctx();
        }
        const std::array<int, 2> at_end = calls;
        machine.settle();
        EXPECT_EQ(calls, at_end);
    });
}

TEST(OffloadCallback, IsTheOneThatWasSetAtTheSubmit) {
    OffloadMachine machine({.interleaving = sim::Interleaving::cooperative});
    int at_submit = 0;
    int later = 0;
    TestJob job([&] { machine.work(); });
    job.set_callback(&count_call, &at_submit);
    EXPECT_FALSE(job.enter());
    job.set_callback(&count_call, &later);
    machine.settle();
    EXPECT_EQ(at_submit, 1);
    EXPECT_EQ(later, 0);
    EXPECT_TRUE(job.enter());
}

TEST(OffloadCallback, MayFreeItsOwnWaitCtx) {
    for_seeds(100, [](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed});
        TestJob job([&] { machine.work(); });
        job.set_callback(
            [](void* argument) {
                static_cast<TestJob*>(argument)->free_ctx();
                return 1;
            },
            &job);
        if (!job.enter()) {
            machine.settle();
            EXPECT_FALSE(job.is_paused()) << "left behind";
        }
    });
}

TEST(OffloadCallback, AndTheEndOfItsWaitCtxExcludeEachOther) {
    unsigned met = 0;
    for_seeds(300, [&](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed});
        struct Visit {
            sim::VirtualPlatform* platform;
            bool inside = false;
            int calls = 0;
        } visit{machine.accelerator.platform.get()};
        TestJob job([&] { machine.work(); });
        job.set_callback(
            [](void* argument) {
                auto& mine = *static_cast<Visit*>(argument);
                mine.inside = true;
                ++mine.calls;
                for (int i = 0; i < 5; ++i) {
                    mine.platform->scheduler().yield();
                }
                mine.inside = false;
                return 1;
            },
            &visit);
        if (job.enter()) {
            return;
        }
        while (visit.calls == 0) {
            machine.accelerator.platform->scheduler().yield();
        }
        met += visit.inside ? 1 : 0;
        job.free_ctx();
        EXPECT_FALSE(visit.inside) << "the callback still runs after its ctx is freed";
        machine.settle();
        EXPECT_EQ(visit.calls, 1);
    });
    EXPECT_GT(met, 0u) << "no seed freed the ctx during the callback";
}

}  // namespace
}  // namespace ringside
