// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Offload for jobs that are told through their file descriptors: DESIGN's contracts 2 and 3 as an
// application sees them.

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <deque>
#include <vector>

#include "offload_fixture.hpp"
#include "ringside/base/prng.hpp"

namespace ringside {
namespace {

using testing::for_seeds;
using testing::OffloadMachine;
using testing::TestJob;

/// An application with an epoll loop.
class EpollLoop {
  public:
    explicit EpollLoop(OffloadMachine& machine, std::uint64_t seed)
        : machine_(machine),
          order_(seed, "resume order"),
          epoll_fd_(epoll_create1(EPOLL_CLOEXEC)) {}
    EpollLoop(const EpollLoop&) = delete;
    EpollLoop& operator=(const EpollLoop&) = delete;
    ~EpollLoop() { close(epoll_fd_); }

    /// Starts each job, and resumes those whose descriptor is readable, in an order that the seed
    /// gives, until all have finished.
    void run(std::deque<TestJob>& jobs) {
        std::size_t unfinished = 0;
        for (TestJob& job : jobs) {
            if (!job.enter()) {
                ++unfinished;
                epoll_event event{};
                event.events = EPOLLIN;
                event.data.ptr = &job;
                // Known from an earlier run already, perhaps: it is the same one.
                epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, job.fd(), &event);
            }
        }
        while (unfinished != 0) {
            std::array<epoll_event, 16> events{};
            const int count = epoll_wait(epoll_fd_, events.data(), 16, 0);
            if (count == 0) {
                machine_.wait_readable(epoll_fd_);
                continue;
            }
            const auto chosen = order_.below(static_cast<std::uint64_t>(count));
            auto& job = *static_cast<TestJob*>(events.at(chosen).data.ptr);
            ASSERT_TRUE(job.is_paused()) << "the descriptor of a finished job is readable";
            unfinished -= job.enter() ? 1 : 0;
        }
    }

  private:
    OffloadMachine& machine_;
    Prng order_;
    int epoll_fd_;
};

TEST(OffloadFd, ManyJobsOverASmallRingNeedTwoPausesEachAtMost) {
    std::uint64_t eagain = 0;
    for_seeds(300, [&](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed, .ring_entries = seed % 2 == 0 ? 2u : 4u});
        EpollLoop loop(machine, seed);
        std::deque<TestJob> jobs;
        for (int i = 0; i < 8; ++i) {
            jobs.emplace_back([&] { machine.work(); });
        }
        loop.run(jobs);
        EXPECT_EQ(machine.completed, 8);
        for (const TestJob& job : jobs) {
            // One for the slot, one for the completion: nobody is woken for nothing.
            EXPECT_LE(job.pauses(), 2);
        }
        const auto counters = machine.counters();
        EXPECT_EQ(counters.lapses, 0u);
        EXPECT_LE(counters.eagain, 8u);
        eagain += counters.eagain;
    });
    EXPECT_GT(eagain, 0u) << "the ring was never full";
}

TEST(OffloadFd, TheDescriptorIsStableAndQuietBetweenJobs) {
    for_seeds(100, [](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed});
        EpollLoop loop(machine, seed);
        std::deque<TestJob> jobs;
        for (int i = 0; i < 6; ++i) {
            jobs.emplace_back([&] { machine.work(); });
        }
        loop.run(jobs);
        std::vector<int> fds;
        fds.reserve(jobs.size());
        for (const TestJob& job : jobs) {
            fds.push_back(job.fd());
        }
        for (int round = 0; round < 3; ++round) {
            loop.run(jobs);
            machine.settle();
            for (std::size_t i = 0; i < jobs.size(); ++i) {
                EXPECT_EQ(jobs[i].fd(), fds[i]);
                EXPECT_FALSE(jobs[i].fd_is_readable());
            }
        }
    });
}

TEST(OffloadFd, AJobThatMetAFullRingIsToldOfItsSlot) {
    for_seeds(200, [](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed, .ring_entries = 2});
        TestJob first([&] { machine.work(); });
        TestJob second([&] { machine.work(); });
        first.enter();
        const auto before = machine.counters();
        if (second.enter() || machine.counters().eagain == before.eagain) {
            return;  // the first completed too soon for this seed
        }
        machine.wait_readable(second.fd());
        EXPECT_EQ(machine.counters().accepted, before.accepted + 1);
        EXPECT_EQ(machine.counters().reserved, 0u) << "its slot is in use at once";
        while (!second.enter()) {
            machine.wait_readable(second.fd());
        }
        EXPECT_LE(second.pauses(), 2);
        EXPECT_TRUE(first.finished() || first.enter());
        EXPECT_FALSE(first.fd_is_readable());
        EXPECT_FALSE(second.fd_is_readable());
    });
}

TEST(OffloadFd, SpuriousResumesDoNoHarm) {
    for_seeds(100, [](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed, .ring_entries = 2});
        Prng order(seed, "spurious resumes");
        std::deque<TestJob> jobs;
        for (int i = 0; i < 4; ++i) {
            jobs.emplace_back([&] { machine.work(); });
        }
        std::vector<TestJob*> unfinished;
        for (TestJob& job : jobs) {
            if (!job.enter()) {
                unfinished.push_back(&job);
            }
        }
        while (!unfinished.empty()) {
            const auto chosen = order.below(unfinished.size());
            if (unfinished[chosen]->enter()) {
                unfinished.erase(unfinished.begin() + static_cast<std::ptrdiff_t>(chosen));
            }
        }
        EXPECT_EQ(machine.completed, 4);
        machine.settle();
        for (const TestJob& job : jobs) {
            EXPECT_TRUE(job.fd_count() == 0 || !job.fd_is_readable());
        }
    });
}

TEST(OffloadFd, AnApplicationThatOnlyPollsGetsItsResult) {
    // Time does not pass between the resumes: without the sleep after many of them, never.
    OffloadMachine machine({.interleaving = sim::Interleaving::cooperative});
    TestJob job([&] { machine.work(); });
    while (!job.enter()) {
        ASSERT_LT(job.pauses(), 10'000);
    }
    EXPECT_EQ(machine.completed, 1);
    EXPECT_FALSE(job.fd_is_readable());
    // And the next job on this wait ctx pauses as ever.
    EXPECT_FALSE(job.enter());
    machine.wait_readable(job.fd());
    EXPECT_TRUE(job.enter());
}

TEST(OffloadFd, IsReadableExactlyWhenTheOperationIsDone) {
    unsigned paused = 0;
    for_seeds(100, [&](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed});
        const auto ok_before = machine.counters().ok;
        TestJob job([&] { machine.work(); });
        if (job.enter()) {
            return;
        }
        ++paused;
        while (machine.counters().ok == ok_before) {
            EXPECT_FALSE(job.fd_is_readable());
            if (job.enter()) {  // unasked: it pauses again, unless it is done by now
                EXPECT_EQ(machine.counters().ok, ok_before + 1);
                break;
            }
            machine.accelerator.platform->scheduler().yield();
        }
        machine.settle();
        EXPECT_NE(job.fd_is_readable(), job.finished());
        EXPECT_TRUE(job.finished() || job.enter());
        EXPECT_FALSE(job.fd_is_readable());
        EXPECT_EQ(machine.completed, 1);
        EXPECT_EQ(machine.counters().ok, ok_before + 1);
    });
    EXPECT_GT(paused, 0u);
}

/// What the application has to do for a job: descriptors to add to its set, and to take out of it.
using Changes = std::pair<std::size_t, std::size_t>;
Changes changes_of(const TestJob& job) {
    Changes changes;
    ASYNC_WAIT_CTX_get_changed_fds(job.ctx(), nullptr, &changes.first, nullptr, &changes.second);
    return changes;
}

TEST(OffloadFd, IsAddedOnceInTheLifeOfAWaitCtx) {
    OffloadMachine machine({.interleaving = sim::Interleaving::cooperative});
    TestJob job([&] {
        for (int i = 0; i < 5; ++i) {
            machine.work();
        }
    });
    EXPECT_FALSE(job.enter());
    EXPECT_EQ(changes_of(job), Changes(1, 0));
    for (int resumes = 1; resumes < 20; ++resumes) {  // four jobs of five operations
        machine.wait_readable(job.fd());
        job.enter();
        if (job.finished()) {
            job.enter();
        }
        EXPECT_EQ(changes_of(job), Changes(0, 0));
    }
    machine.wait_readable(job.fd());
    EXPECT_TRUE(job.enter());
}

TEST(OffloadFd, EachOffloadHasOneOfItsOwn) {
    OffloadMachine machine({.interleaving = sim::Interleaving::cooperative});
    offload::Offload another(*machine.accelerator.device, {});
    boost::system::error_code status;
    TestJob job([&] {
        machine.work();
        status = another.run(machine.accelerator.device->admin(), driver::session_destroy(999), {})
                     .completion.status;
    });
    EXPECT_FALSE(job.enter());
    const int first = job.fd();
    machine.wait_readable(first);
    EXPECT_FALSE(job.enter());
    ASSERT_EQ(job.fd_count(), 2u);
    std::array<OSSL_ASYNC_FD, 2> fds{};
    std::size_t count = 2;
    ASYNC_WAIT_CTX_get_all_fds(job.ctx(), fds.data(), &count);
    EXPECT_EQ(fds[1], first);
    machine.wait_readable(fds[0]);
    EXPECT_FALSE(testing::is_readable(first));
    EXPECT_TRUE(job.enter());
    EXPECT_EQ(status, driver::Errc::request_rejected);
}

TEST(OffloadFd, TwoJobsOfOneWaitCtxAreBothTold) {
    OffloadMachine machine({.interleaving = sim::Interleaving::cooperative});
    TestJob quick([&] { machine.work(); });
    TestJob slow(
        [&] {
            std::vector<std::byte> bytes(64 * 1024);
            std::array<std::byte, 16> iv{};
            EXPECT_TRUE(
                machine.session.cbc(driver::Direction::encrypt, iv, bytes, bytes).has_value());
        },
        quick);
    EXPECT_FALSE(quick.enter());
    EXPECT_FALSE(slow.enter());
    machine.wait_readable(quick.fd());
    EXPECT_FALSE(slow.enter()) << "the wrong one of the two";
    EXPECT_TRUE(quick.fd_is_readable()) << "the news of one job is gone with the other's resume";
    machine.settle();
    EXPECT_TRUE(quick.enter());
    EXPECT_TRUE(slow.fd_is_readable());
    EXPECT_TRUE(slow.enter());
    EXPECT_FALSE(slow.fd_is_readable());
}

TEST(OffloadFd, CompletionBeforeThePauseIsNotLost) {
    for_seeds(100, [](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed});
        machine.complete_before_the_pause();
        TestJob job([&] { machine.work(); });
        EXPECT_TRUE(job.enter());
        EXPECT_EQ(job.fd_count(), 0u) << "it did not pause: nobody would look for a descriptor";
    });
}

TEST(OffloadFd, SwitchedOffCallbacksLeaveTheStatusAloneAndUseTheDescriptor) {
    for_seeds(100, [](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed, .ring_entries = 2, .callbacks = false});
        int calls = 0;
        EpollLoop loop(machine, seed);
        std::deque<TestJob> jobs;
        for (int i = 0; i < 4; ++i) {
            jobs.emplace_back([&] { machine.work(); });
            jobs.back().set_callback([](void* count) { return ++*static_cast<int*>(count); },
                                     &calls);
        }
        loop.run(jobs);
        EXPECT_EQ(machine.completed, 4);
        EXPECT_EQ(calls, 0);
        for (const TestJob& job : jobs) {
            EXPECT_EQ(job.status(), ASYNC_STATUS_UNSUPPORTED);
        }
    });
}

TEST(OffloadFd, OnCompletionHearsOfEachDataOperationThatSucceeded) {
    OffloadMachine machine({});
    std::vector<std::uint32_t> heard;
    offload::Offload another(*machine.accelerator.device,
                             {.on_completion = [&](const driver::Completion& completion) {
                                 heard.push_back(completion.result);
                             }});
    auto session = offload::CipherSession::create(another, spec::Algorithm::aes_cbc,
                                                  std::array<std::byte, 16>{})
                       .value();
    EXPECT_TRUE(heard.empty()) << "no data operation";
    std::array<std::byte, 48> data{};
    std::array<std::byte, 16> iv{};
    EXPECT_TRUE(session.cbc(driver::Direction::encrypt, iv, data, data).has_value());
    auto rejected = driver::session_destroy(0);
    EXPECT_TRUE(another.run(machine.accelerator.queue(), rejected, {}).completion.status);
    EXPECT_EQ(heard, std::vector<std::uint32_t>{48});
}

TEST(OffloadFd, WhatCanNeverBeSubmittedIsAnErrorAtOnce) {
    OffloadMachine machine({});
    boost::system::error_code status;
    TestJob job([&] {
        auto entry = driver::session_destroy(0);
        entry.src_len = machine.accelerator.device->max_length() + 1;
        status = machine.offload.run(machine.accelerator.queue(), entry, {}).completion.status;
    });
    EXPECT_TRUE(job.enter());
    EXPECT_EQ(status, driver::Errc::invalid_request);
    EXPECT_EQ(job.status(), ASYNC_STATUS_ERR);
    EXPECT_EQ(job.pauses(), 0);
}

}  // namespace
}  // namespace ringside
