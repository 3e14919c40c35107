// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Applications as the manual pages want them, over rings that are always full, in virtual time: all
// jobs finish, nobody is called for EAGAIN, and a freed slot costs one futile resume at most.
// application_test.cpp runs the same applications on the module.

#include <gtest/gtest.h>

#include <deque>
#include <memory>

#include "callback_application.hpp"
#include "changed_fds_application.hpp"
#include "offload_fixture.hpp"
#include "ringside/driver/queued_submit.hpp"

namespace ringside {
namespace {

using testing::CallbackApplication;
using testing::ChangedFdsApplication;
using testing::ChurningEngine;
using testing::for_seeds;
using testing::OffloadMachine;

constexpr int operations_each = 3;

void work(OffloadMachine& machine) {
    for (int i = 0; i < operations_each; ++i) {
        machine.work();
    }
}

class OffloadApplications : public ::testing::Test {
  protected:
    /// Runs `jobs` jobs, and beside them `others` CPUs with `operations` of the driver's each: only
    /// one CPU may be inside a job.
    static testing::CallbackLoop::Outcome run(OffloadMachine& machine, std::uint64_t seed, int jobs,
                                              int others = 0, int operations = 0) {
        auto& scheduler = machine.accelerator.platform->scheduler();
        std::vector<sim::Scheduler::Cpu*> cpus;
        cpus.reserve(static_cast<std::size_t>(others));
        for (int i = 0; i < others; ++i) {
            cpus.push_back(&scheduler.spawn("other", [&machine, operations] {
                for (int j = 0; j < operations; ++j) {
                    EXPECT_FALSE(driver::submit_and_wait(machine.accelerator.queue(),
                                                         machine.accelerator.environment(), {})
                                     .status);
                }
            }));
        }
        CallbackApplication application(seed, [&](int fd) { machine.wait_readable(fd); });
        for (int i = 0; i < jobs; ++i) {
            application.add([&] { work(machine); });
        }
        const auto before = machine.counters();
        application.run();
        for (auto* cpu : cpus) {
            scheduler.join(*cpu);
        }
        machine.settle();
        const auto outcome = application.outcome();
        EXPECT_EQ(machine.completed, jobs * operations_each);
        EXPECT_EQ(outcome.calls, static_cast<std::uint64_t>(jobs) * operations_each)
            << "once for each operation, and for nothing else";
        EXPECT_LE(outcome.futile, machine.counters().ok - before.ok) << "resumes per freed slot";
        return outcome;
    }
};

TEST_F(OffloadApplications, ThousandsOfJobsFinishOverARingOfTwo) {
    OffloadMachine machine({.ring_entries = 2, .interleaving = sim::Interleaving::cooperative});
    const auto outcome = run(machine, testing::seed(), 2000);
    EXPECT_EQ(outcome.most_on_device, 1u);
    EXPECT_GE(outcome.again, 2000u);
    EXPECT_EQ(outcome.told_by_fd, 0u) << "a callback always came, and no descriptor was needed";
}

TEST_F(OffloadApplications, InAnyInterleaving) {
    std::uint64_t again = 0;
    for_seeds(100, [&](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed, .ring_entries = seed % 2 == 0 ? 2u : 4u});
        again += run(machine, seed, 12).again;
    });
    EXPECT_GT(again, 50u) << "the ring was never full";
}

TEST_F(OffloadApplications, SleepOnTheDescriptorWhileOthersHaveAllSlots) {
    std::uint64_t told = 0;
    for_seeds(100, [&](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed, .ring_entries = seed % 2 == 0 ? 2u : 4u});
        told += run(machine, seed, 6, 4, 12).told_by_fd;
    });
    EXPECT_GT(told, 5u) << "the slots never all belonged to others";
}

TEST_F(OffloadApplications, AnEpollLoopLivesOnChangedFds) {
    for_seeds(60, [](std::uint64_t seed) {
        OffloadMachine machine({.seed = seed, .ring_entries = 2});
        // Its own key, and so a descriptor of its own on every wait ctx.
        offload::Offload second_engine(*machine.accelerator.device, {});
        auto second_session =
            offload::CipherSession::create(second_engine, spec::Algorithm::aes_cbc,
                                           std::array<std::byte, 16>{})
                .value();
        std::deque<ChurningEngine> third_engines(8);
        ChangedFdsApplication application([&](int fd) { machine.wait_readable(fd); });
        constexpr int jobs = 4;
        for (ChurningEngine& third : third_engines) {
            application.add(
                [&] {
                    machine.work();
                    third.work();
                    std::array<std::byte, 16> iv{};
                    OffloadMachine::Block block{};
                    EXPECT_TRUE(second_session.cbc(driver::Direction::encrypt, iv, block, block));
                    EXPECT_EQ(block, machine.expected);
                },
                jobs);
        }
        application.run();
        EXPECT_EQ(machine.completed, static_cast<int>(third_engines.size()) * jobs);
        EXPECT_EQ(testing::expect_changes(application, third_engines, jobs),
                  2 * third_engines.size());
    });
}

}  // namespace
}  // namespace ringside
