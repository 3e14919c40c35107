// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Offload when things go otherwise: jobs left behind, blocked pauses, callers outside any job, no
// file descriptor to be had. In the end every accepted operation has completed once; that is
// checked where the fixture ends.

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "offload_fixture.hpp"
#include "ringside/base/prng.hpp"
#include "ringside/sim/live_platform.hpp"

namespace ringside {
namespace {

using testing::for_seeds;
using testing::OffloadMachine;
using testing::TestJob;

// ---- jobs left behind ----

TEST(OffloadTrouble, AFreedWaitCtxEndsNothingInTheDevice) {
    for_seeds(200, [](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed, .ring_entries = 2});
        std::deque<TestJob> jobs;
        for (int i = 0; i < 3; ++i) {
            jobs.emplace_back([&] { machine.work(); });
            jobs.back().enter();
        }
        Prng order(seed, "who leaves");
        const auto leaver = order.below(3);
        const bool had_finished = jobs[leaver].finished();
        jobs[leaver].free_ctx();
        for (std::size_t i = 0; i < 3; ++i) {
            while (i != leaver && !jobs[i].finished()) {
                machine.wait_readable(jobs[i].fd());
                jobs[i].enter();
            }
        }
        EXPECT_EQ(machine.completed, had_finished ? 3 : 2);
    });
}

TEST(OffloadTrouble, AReservationOfAJobThatLeavesGoesToTheNext) {
    OffloadMachine machine({.ring_entries = 2, .interleaving = sim::Interleaving::cooperative});
    std::deque<TestJob> jobs;
    for (int i = 0; i < 3; ++i) {
        jobs.emplace_back([&] { machine.work(); });
        EXPECT_FALSE(jobs.back().enter());
    }
    machine.wait_readable(jobs[1].fd());
    EXPECT_EQ(machine.counters().reserved, 1u);
    EXPECT_FALSE(jobs[2].fd_is_readable()) << "one slot wakes one";
    jobs[1].free_ctx();
    machine.wait_readable(jobs[2].fd());
    EXPECT_FALSE(jobs[2].enter());
    machine.wait_readable(jobs[2].fd());
    EXPECT_TRUE(jobs[2].enter());
    EXPECT_TRUE(jobs[0].enter());
}

TEST(OffloadTrouble, AReservationThatNobodyTakesUpLapses) {
    OffloadMachine machine({.ring_entries = 2, .interleaving = sim::Interleaving::cooperative});
    std::deque<TestJob> jobs;
    for (int i = 0; i < 3; ++i) {
        jobs.emplace_back([&] { machine.work(); });
        EXPECT_FALSE(jobs.back().enter());
    }
    machine.wait_readable(jobs[2].fd());  // the second is told first, and does not come
    EXPECT_GT(machine.counters().lapses, 0u);
    EXPECT_FALSE(jobs[2].enter());
    machine.wait_readable(jobs[2].fd());
    EXPECT_TRUE(jobs[2].enter());
    EXPECT_TRUE(jobs[0].enter());
    while (!jobs[1].enter()) {  // who missed it queues again
        machine.wait_readable(jobs[1].fd());
    }
    EXPECT_EQ(machine.completed, 3);
}

// ---- no pause to be had ----

TEST(OffloadTrouble, ABlockedPauseIsServedLikeASynchronousCall) {
    for_seeds(100, [](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed, .ring_entries = 2});
        TestJob other([&] { machine.work(); });
        other.enter();  // the ring is full, or has just been
        TestJob job([&] {
            ASYNC_block_pause();
            machine.work();
            machine.work();
            ASYNC_unblock_pause();
            machine.work();
        });
        while (!job.enter()) {
            machine.wait_readable(job.fd());
        }
        EXPECT_LE(job.pauses(), 2) << "of the third operation alone";
        while (!other.finished() && !other.enter()) {
            machine.wait_readable(other.fd());
        }
        EXPECT_EQ(machine.completed, 4);
        EXPECT_FALSE(job.fd_is_readable());
    });
}

TEST(OffloadTrouble, CallersOutsideJobsWaitForTheirTurnWithoutSpinning) {
    for_seeds(100, [](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed, .ring_entries = 2});
        std::map<std::string, int> reached;
        auto& platform = *machine.accelerator.platform;
        platform.observe_schedule_points([&](const char* name) { ++reached[name]; });
        std::vector<sim::Scheduler::Cpu*> cpus;
        for (int i = 0; i < 4; ++i) {
            cpus.push_back(&platform.scheduler().spawn("caller " + std::to_string(i), [&] {
                for (int round = 0; round < 3; ++round) {
                    machine.work();
                }
            }));
        }
        for (auto* cpu : cpus) {
            platform.scheduler().join(*cpu);
        }
        platform.observe_schedule_points({});
        EXPECT_EQ(machine.completed, 12);
        // Each is refused once an operation at most, and woken when the slot is its own.
        EXPECT_LE(reached["offload.run.ring_full"], 12);
        EXPECT_EQ(reached["offload.run.submitted"], 12);
    });
}

/// Leaves the process no file descriptor to open, while it lives.
class NoDescriptorLeft {
  public:
    NoDescriptorLeft() {
        getrlimit(RLIMIT_NOFILE, &before_);
        const int next = dup(STDERR_FILENO);
        close(next);
        rlimit none = before_;
        none.rlim_cur = static_cast<rlim_t>(next);
        setrlimit(RLIMIT_NOFILE, &none);
    }
    NoDescriptorLeft(const NoDescriptorLeft&) = delete;
    NoDescriptorLeft& operator=(const NoDescriptorLeft&) = delete;
    ~NoDescriptorLeft() { setrlimit(RLIMIT_NOFILE, &before_); }

  private:
    rlimit before_{};
};

TEST(OffloadTrouble, Row33WithoutADescriptorAJobIsServedSynchronously) {
    for_seeds(50, [](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed, .ring_entries = 2});
        TestJob job([&] { machine.work(); });
        {
            const NoDescriptorLeft limit;
            EXPECT_TRUE(job.enter());
            EXPECT_EQ(job.pauses(), 0);
        }
        EXPECT_EQ(machine.completed, 1);
        EXPECT_EQ(job.fd_count(), 0u);
        while (!job.enter()) {  // later there is one
            machine.wait_readable(job.fd());
        }
        EXPECT_EQ(machine.completed, 2);
    });
}

// ---- a small set in live time ----

class OffloadLive : public ::testing::TestWithParam<bool> {};

TEST_P(OffloadLive, JobsAndAThreadShareASmallRing) {
    const auto platform = sim::LivePlatform::create({}).value();
    const auto device =
        driver::Device::open(platform->link(), platform->environment(), {.ring_entries = 4})
            .value();
    {
        offload::Offload offload(*device, {});
        auto session = offload::CipherSession::create(offload, spec::Algorithm::aes_cbc,
                                                      std::array<std::byte, 16>{})
                           .value();
        using Block = std::array<std::byte, 64>;
        const auto encrypt = [&] {
            Block block{};
            std::array<std::byte, 16> iv{};
            EXPECT_TRUE(session.cbc(driver::Direction::encrypt, iv, block, block).has_value());
            return block;
        };
        const Block expected = encrypt();  // outside any job
        std::deque<TestJob> jobs;
        std::atomic<int> calls{0};
        int completed = 0;
        for (int i = 0; i < 16; ++i) {
            jobs.emplace_back([&] {
                EXPECT_EQ(encrypt(), expected);
                ++completed;
            });
            if (GetParam()) {
                jobs.back().set_callback(
                    [](void* counter) {
                        ++*static_cast<std::atomic<int>*>(counter);
                        return 1;
                    },
                    &calls);
            }
        }
        // A ring shared with a thread that knows of no jobs.
        std::thread other([&] {
            for (int i = 0; i < 200; ++i) {
                EXPECT_EQ(encrypt(), expected);
            }
        });
        for (int round = 0; round < 50; ++round) {
            completed = 0;
            for (TestJob& job : jobs) {
                job.enter();
            }
            for (TestJob& job : jobs) {
                while (!job.finished()) {
                    if (!GetParam()) {
                        platform->wait_readable(job.fd());
                    }
                    job.enter();
                }
            }
            EXPECT_EQ(completed, 16);
        }
        other.join();
    }
    device->close();
    const auto counters = device->queue_pair(0).counters();
    EXPECT_EQ(counters.accepted, counters.ok);
    EXPECT_EQ(counters.in_flight, 0u);
}

INSTANTIATE_TEST_SUITE_P(Notified, OffloadLive, ::testing::Values(false, true),
                         [](const auto& parameter) {
                             return std::string(parameter.param ? "by_callback" : "by_descriptor");
                         });

}  // namespace
}  // namespace ringside
