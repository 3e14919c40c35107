// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Offload when things go otherwise: jobs left behind, blocked pauses, callers outside any job, no
// file descriptor to be had. In the end every accepted operation has completed once; that is
// checked where the fixture ends.

#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/async.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <deque>
#include <filesystem>
#include <iterator>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "offload_fixture.hpp"
#include "ringside/base/prng.hpp"

namespace {

/// So many calls of ASYNC_WAIT_CTX_set_wait_fd() find no memory.
int refusals_of_descriptors = 0;

}  // namespace

/// Stands before the library's in this program.
extern "C" int ASYNC_WAIT_CTX_set_wait_fd(ASYNC_WAIT_CTX* ctx, const void* key, OSSL_ASYNC_FD fd,
                                          void* custom_data,
                                          void (*cleanup)(ASYNC_WAIT_CTX*, const void*,
                                                          OSSL_ASYNC_FD, void*)) {
    if (refusals_of_descriptors != 0) {
        --refusals_of_descriptors;
        return 0;
    }
    static const auto library = reinterpret_cast<decltype(&ASYNC_WAIT_CTX_set_wait_fd)>(
        dlsym(RTLD_NEXT, "ASYNC_WAIT_CTX_set_wait_fd"));
    return library(ctx, key, fd, custom_data, cleanup);
}

namespace ringside {
namespace {

using testing::count_call;
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

TEST(OffloadTrouble, TheDescriptorOfAFreedWaitCtxIsNotWrittenAndClosesWithTheOperation) {
    OffloadMachine machine({.interleaving = sim::Interleaving::cooperative});
    TestJob job([&] { machine.work(); });
    EXPECT_FALSE(job.enter());
    const int fd = job.fd();
    const int kept_by_the_application = dup(fd);
    job.free_ctx();
    machine.settle();
    EXPECT_FALSE(testing::is_readable(kept_by_the_application));
    close(kept_by_the_application);
    EXPECT_EQ(fcntl(fd, F_GETFD), -1);
    EXPECT_EQ(machine.counters().in_flight, 0u);
}

/// Three jobs, of which the first has the only slot, and the others wait for it.
class OffloadWaiters : public ::testing::Test {
  protected:
    void SetUp() override {
        for (int i = 0; i < 3; ++i) {
            jobs.emplace_back([this] { machine.work(); });
            ASSERT_FALSE(jobs.back().enter());
        }
    }

    OffloadMachine machine{{.ring_entries = 2, .interleaving = sim::Interleaving::cooperative}};
    const driver::QueueCounters before = machine.counters();
    std::deque<TestJob> jobs;
};

TEST_F(OffloadWaiters, TheTurnOfAJobThatLeavesGoesToTheNext) {
    EXPECT_EQ(machine.counters().waiting, 2u);
    jobs[1].free_ctx();
    EXPECT_EQ(machine.counters().waiting, 1u);
    while (!jobs[2].enter()) {
        machine.wait_readable(jobs[2].fd());
    }
    EXPECT_TRUE(jobs[0].enter());
    EXPECT_EQ(machine.counters().accepted, before.accepted + 2)
        << "what nobody waits for was never submitted";
}

TEST_F(OffloadWaiters, AJobThatLeavesWithItsSlotInUseIsNoHarmToTheNext) {
    machine.wait_readable(jobs[1].fd());
    EXPECT_EQ(machine.counters().accepted, before.accepted + 2);
    EXPECT_FALSE(jobs[2].fd_is_readable()) << "one slot wakes one";
    jobs[1].free_ctx();
    while (!jobs[2].enter()) {
        machine.wait_readable(jobs[2].fd());
    }
    EXPECT_TRUE(jobs[0].enter());
    EXPECT_EQ(machine.counters().ok, before.ok + 3);
    EXPECT_EQ(machine.completed, 2);
}

TEST_F(OffloadWaiters, AnApplicationThatDoesNotComeKeepsNobodyWaiting) {
    while (!jobs[2].enter()) {  // the second is told first, and does not come
        machine.wait_readable(jobs[2].fd());
    }
    EXPECT_EQ(machine.counters().lapses, 0u);
    EXPECT_TRUE(jobs[0].enter());
    EXPECT_TRUE(jobs[1].enter()) << "it has been done meanwhile";
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
        cpus.reserve(4);
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

TEST(OffloadTrouble, Row33WithoutADescriptorAJobWaitsItsTurnForASlotToo) {
    OffloadMachine machine({.ring_entries = 2, .interleaving = sim::Interleaving::cooperative});
    int calls = 0;
    TestJob in_flight([&] { machine.work(); });
    TestJob waiting([&] { machine.work(); });
    TestJob late([&] { machine.work(); });
    late.set_callback(&count_call, &calls);
    EXPECT_FALSE(in_flight.enter());
    EXPECT_FALSE(waiting.enter());
    {
        const NoDescriptorLeft limit;
        EXPECT_TRUE(late.enter()) << "after the one before it, which need not be resumed";
    }
    EXPECT_EQ(machine.counters().lapses, 0u);
    EXPECT_EQ(late.pauses(), 0);
    EXPECT_EQ(late.fd_count(), 0u);
    EXPECT_EQ(late.status(), ASYNC_STATUS_UNSUPPORTED) << "it is no asynchronous operation";
    EXPECT_EQ(calls, 0);
    EXPECT_TRUE(in_flight.enter());
    while (!waiting.enter()) {
        machine.wait_readable(waiting.fd());
    }
    EXPECT_EQ(machine.completed, 3);
}

TEST(OffloadTrouble, Row35AFileThatTookTheNumberOfAClosedDescriptorIsLeftAlone) {
    for_seeds(50, [](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed});
        std::array<int, 2> ends{};  // of a pipe, or of an eventfd of the application's
        if (seed % 2 == 0) {
            ASSERT_EQ(pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
        } else {
            ends[0] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
            ends[1] = dup(ends[0]);
        }
        {
            TestJob job([&] { machine.work(); });
            ASSERT_FALSE(job.enter());
            const int number = job.fd();
            ASSERT_EQ(dup2(ends[1], number), number);  // closes what was there
            while (!job.finished()) {
                machine.settle();
                job.enter();
            }
            std::array<char, 8> bytes{};
            EXPECT_EQ(read(ends[0], bytes.data(), bytes.size()), -1) << "nobody wrote to it";
            ASSERT_FALSE(job.enter());
            EXPECT_NE(job.fd(), number) << "it has another descriptor";
            while (!job.finished()) {
                machine.wait_readable(job.fd());
                job.enter();
            }
            job.free_ctx();
            EXPECT_NE(fcntl(number, F_GETFD), -1) << "it is not ours to close";
            close(number);
        }
        close(ends[0]);
        close(ends[1]);
    });
}

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

TEST(OffloadTrouble, Row35AWaitCtxWithoutMemoryForAnotherDescriptorIsAskedAgainAtThePause) {
    for (const int refusals : {1, 2}) {
        OffloadMachine machine({.interleaving = sim::Interleaving::cooperative});
        const std::size_t before = open_descriptors();
        {
            TestJob job([&] { machine.work(); });
            ASSERT_FALSE(job.enter());
            machine.settle();
            ASSERT_TRUE(job.enter());
            ASSERT_EQ(close(job.fd()), 0);
            refusals_of_descriptors = refusals;
            EXPECT_EQ(job.enter(), refusals == 2) << "it waits, if it cannot be told";
            EXPECT_EQ(refusals_of_descriptors, 0);
            EXPECT_EQ(job.fd_count(), refusals == 2 ? 0u : 1u);
            machine.settle();
            EXPECT_EQ(job.finished() || job.enter(), true);
            EXPECT_FALSE(job.enter()) << "and it is told again";
            EXPECT_EQ(job.fd_count(), 1u);
            machine.settle();
            EXPECT_TRUE(job.fd_is_readable());
            EXPECT_TRUE(job.enter());
        }
        machine.settle();
        EXPECT_EQ(open_descriptors(), before) << refusals;
    }
}

TEST(OffloadTrouble, AJobWithoutAWaitCtxIsServedSynchronously) {
    OffloadMachine machine({.ring_entries = 2, .interleaving = sim::Interleaving::cooperative});
    TestJob other([&] { machine.work(); });
    EXPECT_FALSE(other.enter());  // the ring is full
    ASYNC_JOB* job = nullptr;
    int result = 0;
    struct Argument {
        OffloadMachine* machine;
    } argument{&machine};
    const auto work = [](void* of) {
        static_cast<Argument*>(of)->machine->work();
        return 7;
    };
    EXPECT_EQ(ASYNC_start_job(&job, nullptr, &result, work, &argument, sizeof argument),
              ASYNC_FINISH);
    EXPECT_EQ(result, 7);
    EXPECT_TRUE(other.enter());
    EXPECT_EQ(machine.completed, 2);
}

// ---- a device that resets or goes ----

/// What happens to the device while every kind of caller has something under way.
struct Loss {
    const char* name;
    void (*strike)(OffloadMachine&);
};
void PrintTo(const Loss& loss, std::ostream* out) {  // NOLINT(readability-identifier-naming)
    *out << loss.name;
}

class OffloadLoss : public ::testing::TestWithParam<Loss> {};

TEST_P(OffloadLoss, EndsEveryOperationOnce) {
    std::map<std::string, int> ends;
    for_seeds(100, [&](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed, .ring_entries = 4});
        auto& platform = *machine.accelerator.platform;
        std::vector<boost::system::error_code> statuses(9);
        const auto work = [&](std::size_t i) {
            const auto block = machine.encrypt();
            statuses[i] = block ? boost::system::error_code() : block.error();
            EXPECT_TRUE(!block || *block == machine.expected);
            ++machine.completed;
        };
        std::deque<TestJob> jobs;
        std::array<int, 6> calls{};
        for (std::size_t i = 0; i < 6; ++i) {
            jobs.emplace_back([&, i] { work(i); });
            if (i % 2 == 0) {
                jobs.back().set_callback(&count_call, &calls.at(i));
            }
            jobs.back().enter();
        }
        // From here to their end no job runs: to ASYNC_get_current_job() all CPUs are one thread.
        std::vector<sim::Scheduler::Cpu*> callers;
        for (std::size_t i = 6; i < 9; ++i) {
            callers.push_back(&platform.scheduler().spawn("caller", [&, i] { work(i); }));
        }
        platform.scheduler().yield();
        GetParam().strike(machine);
        machine.accelerator.device->close();
        for (auto* caller : callers) {
            platform.scheduler().join(*caller);
        }
        machine.settle();
        for (std::size_t i = 0; i < 6; ++i) {
            TestJob& job = jobs[i];
            EXPECT_TRUE(job.finished() || job.fd_is_readable() || calls.at(i) == 1)
                << "nobody is told that job " << i << " is at its end";
            EXPECT_TRUE(job.finished() || job.enter());
            EXPECT_LE(calls.at(i), 1);
            EXPECT_FALSE(job.fd_count() != 0 && job.fd_is_readable());
        }
        EXPECT_EQ(machine.completed, 9);
        for (const auto& status : statuses) {
            ++ends[status ? status.message() : "ok"];
        }
    });
    using driver::Errc;
    for (const auto& [end, count] : ends) {
        EXPECT_TRUE(end == "ok" || end == make_error_code(Errc::dead).message() ||
                    end == make_error_code(Errc::aborted).message())
            << end << ", " << count << " times";
    }
    EXPECT_GT(ends[make_error_code(Errc::dead).message()], 0);
    EXPECT_EQ(ends[make_error_code(Errc::aborted).message()] > 0,
              std::string(GetParam().name) == "queue_reset");
}

TEST(OffloadTrouble, JobsResumedUnaskedWhileTheDeviceClosesHearOfItOnce) {
    for_seeds(200, [](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed, .ring_entries = 2});
        Prng order(seed, "who is resumed");
        std::deque<TestJob> jobs;
        std::array<int, 4> calls{};
        for (int& each : calls) {
            jobs.emplace_back([&] {
                (void)machine.encrypt();
                ++machine.completed;
            });
            jobs.back().set_callback(&count_call, &each);
            jobs.back().enter();
        }
        auto& scheduler = machine.accelerator.platform->scheduler();
        // While a job runs nobody else may call the offload; the driver knows of no jobs.
        auto& closer = scheduler.spawn("closer", [&] { machine.accelerator.device->close(); });
        while (machine.completed < 4) {
            TestJob& job = jobs[order.below(jobs.size())];
            if (job.is_paused()) {
                job.enter();
            }
            scheduler.yield();
        }
        scheduler.join(closer);
        machine.settle();
        for (std::size_t i = 0; i < 4; ++i) {
            EXPECT_LE(calls.at(i), 1);
            EXPECT_FALSE(jobs[i].fd_is_readable());
        }
    });
}

void reset_queue(OffloadMachine& machine) {
    machine.accelerator.platform->link().mmio_write32(
        spec::at("Q_RESET").of(machine.accelerator.queue().index()), 1);
    machine.settle();
}

void reset_device(OffloadMachine& machine) {
    machine.accelerator.platform->link().mmio_write32(spec::at("RESET").of(), spec::reset_key);
}

INSTANTIATE_TEST_SUITE_P(Of, OffloadLoss,
                         ::testing::Values(Loss{"close", [](OffloadMachine&) {}},
                                           Loss{"queue_reset", &reset_queue},
                                           Loss{"device_reset", &reset_device}),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace ringside
