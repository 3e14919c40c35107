// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The virtual scheduler: one seed is one interleaving, waits end, and what can never go on is
// reported.

#include "ringside/sim/scheduler.hpp"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <map>
#include <set>
#include <string>

#include "ringside/testing/seed.hpp"

namespace ringside::sim {
namespace {

/// A time line whose events a test writes down beforehand.
class ScriptedTimeline final : public Timeline {
  public:
    void at(std::int64_t ps, std::function<void()> event) {
        events_[time_from_ps(ps)] = std::move(event);
    }

    Time now() const override { return now_; }
    std::optional<Time> next_event() const override {
        return events_.empty() ? std::nullopt : std::optional(events_.begin()->first);
    }
    void advance_to(Time time) override {
        now_ = time;
        while (!events_.empty() && events_.begin()->first <= now_) {
            const auto event = events_.begin()->second;
            events_.erase(events_.begin());
            event();
        }
    }

  private:
    Time now_{};
    std::map<Time, std::function<void()>> events_;
};

/// Three CPUs that write their name five times, yielding in between.
std::string interleave(std::uint64_t seed, Interleaving interleaving, std::uint64_t& trace_hash) {
    Trace trace(seed);
    ScriptedTimeline timeline;
    Scheduler scheduler(seed, interleaving, timeline, trace);
    std::string order;
    std::vector<Scheduler::Cpu*> cpus;
    for (const char name : {'a', 'b', 'c'}) {
        cpus.push_back(&scheduler.spawn(std::string(1, name), [&scheduler, &order, name] {
            for (int i = 0; i < 5; ++i) {
                scheduler.trap([&] { order += name; });
            }
        }));
    }
    for (auto* cpu : cpus) {
        scheduler.join(*cpu);
    }
    trace_hash = trace.hash();
    return order;
}

TEST(Scheduler, OneSeedIsOneInterleaving) {
    std::set<std::string> orders;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        std::uint64_t first_hash = 0;
        std::uint64_t second_hash = 0;
        const auto first = interleave(seed, Interleaving::seeded, first_hash);
        EXPECT_EQ(first, interleave(seed, Interleaving::seeded, second_hash));
        EXPECT_EQ(first_hash, second_hash);
        EXPECT_EQ(first.size(), 15u);
        orders.insert(first);
    }
    EXPECT_GE(orders.size(), 18u) << "seeds hardly differ";
}

TEST(Scheduler, CooperativeCpusRunUntilTheyWait) {
    std::uint64_t hash = 0;
    EXPECT_EQ(interleave(1, Interleaving::cooperative, hash), "aaaaabbbbbccccc");
}

class SchedulerTest : public ::testing::Test {
  protected:
    Trace trace{testing::seed()};
    ScriptedTimeline timeline;
    Scheduler scheduler{testing::seed(), Interleaving::seeded, timeline, trace};
};

TEST_F(SchedulerTest, TimePassesOnlyWhenItMustAndEventsWake) {
    Scheduler::Cpu& self = scheduler.current();
    bool happened = false;
    timeline.at(1000, [&] {
        happened = true;
        scheduler.wake(self);
    });
    while (!happened) {
        scheduler.block("the event");
    }
    EXPECT_EQ(to_ps(timeline.now()), 1000);
}

TEST_F(SchedulerTest, AServiceRunsOncePerKickAndIsNotWaitedFor) {
    int runs = 0;
    Scheduler::Cpu& service = scheduler.spawn_service("service", [&] { ++runs; });
    scheduler.block_until_idle();
    EXPECT_EQ(runs, 0);
    for (int i = 1; i <= 3; ++i) {
        scheduler.kick(service);
        scheduler.block_until_idle();
        EXPECT_EQ(runs, i);
    }
}

TEST_F(SchedulerTest, AKickDuringTheRunIsNotLost) {
    int runs = 0;
    Scheduler::Cpu* service = nullptr;
    service = &scheduler.spawn_service("service", [&] {
        if (++runs < 4) {
            scheduler.kick(*service);
        }
    });
    scheduler.kick(*service);
    scheduler.block_until_idle();
    EXPECT_EQ(runs, 4);
}

TEST_F(SchedulerTest, FileDescriptorsWake) {
    const int fd = eventfd(0, EFD_CLOEXEC);
    ASSERT_GE(fd, 0);
    auto& writer = scheduler.spawn("writer", [&] {
        scheduler.yield();
        ASSERT_EQ(eventfd_write(fd, 1), 0);
    });
    scheduler.block_until_readable(fd, "the eventfd");
    eventfd_t count = 0;
    EXPECT_EQ(eventfd_read(fd, &count), 0);
    scheduler.join(writer);
    close(fd);
}

TEST_F(SchedulerTest, DeadlockNamesWhoWaitsForWhatAndTheSeed) {
    // gtest's death tests fork, and the child inherits the fibres: what is tested is only the
    // report.
    EXPECT_DEATH(
        {
            scheduler.spawn("submitter", [&] { scheduler.block("a slot"); });
            scheduler.block("a completion");
        },
        "deadlock at 0 ps(.|\n)*CPU main waits for a completion(.|\n)*"
        "CPU submitter waits for a slot(.|\n)*seed 1");
}

}  // namespace
}  // namespace ringside::sim
