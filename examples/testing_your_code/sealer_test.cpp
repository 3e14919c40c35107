// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The application's tests. Those of a real project would be only the last three; the first two show
// that the kit finds the bug.

#include "sealer.hpp"

#include <gtest/gtest.h>

#include <list>
#include <ringside/testing/ring_full_test.hpp>
#include <string>

namespace app {
namespace {

namespace testing = ringside::testing;

/// The application on a machine, and messages that are noted in the machine's ledger.
template <typename SealerType>
class Application {
  public:
    explicit Application(testing::Machine& machine)
        : machine_(machine), sealer_(machine.queue(), machine.environment()) {}

    void seal_one() {
        const std::string name = "message " + std::to_string(messages_.size());
        machine_.ledger().owe(name);
        auto& message =
            messages_.emplace_back(sealer_, [this, name] { machine_.ledger().end(name); });
        sealer_.seal(message);
    }

  private:
    testing::Machine& machine_;
    SealerType sealer_;
    std::list<typename SealerType::Message> messages_;
};

/// Some CPUs that seal at the same time, slow at a point that `stall` names.
template <typename SealerType>
std::vector<std::string> problems_of(std::uint64_t seed, const std::string& stall) {
    testing::Machine machine({.seed = seed});
    Application<SealerType> application(machine);
    machine.stall_at(stall);
    for (int cpu = 0; cpu < 6; ++cpu) {
        machine.spawn("sender", [&application] { application.seal_one(); });
    }
    machine.join();
    return machine.lost_wakeups();
}

TEST(BuggySealer, IsFoundWhereSomebodyElseFillsTheRing) {
    testing::Machine machine;
    Application<BuggySealer> application(machine);
    machine.fill_ring();
    application.seal_one();
    const auto problems = machine.lost_wakeups();
    ASSERT_EQ(problems.size(), 1u);
    EXPECT_EQ(problems[0], "message 0 has not ended, and nothing will happen any more");
}

TEST(BuggySealer, IsFoundWhereACpuIsSlowAfterTheRefusal) {
    EXPECT_FALSE(problems_of<BuggySealer>(1, "sealer.refused").empty());
}

class SealerTest : public testing::RingFullTest {
  protected:
    Application<Sealer> application{machine};
};

TEST_F(SealerTest, AMessageWaitsForASlotAndIsSealed) {
    machine.fill_ring();
    application.seal_one();
    machine.settle();
    EXPECT_EQ(machine.ledger().outstanding().size(), 4u);
    machine.release_completions(1);
    EXPECT_EQ(machine.link().held(), 3u) << "the message has the slot";
}  // and at its end, every test: no lost wakeup, everything once

TEST_F(SealerTest, AFailedMessageIsOverToo) {
    machine.fail_operation(2);
    for (int i = 0; i < 10; ++i) {
        application.seal_one();
    }
}

TEST(Sealer, LosesNothingInManyInterleavingsWhereverACpuIsSlow) {
    for (const char* stall : {"queue_pair.submit.entry", "queue_pair.submit.full",
                              "queue_pair.submit.before_doorbell"}) {
        testing::for_each_seed(100, [stall](std::uint64_t seed) {
            EXPECT_EQ(problems_of<Sealer>(seed, stall), std::vector<std::string>());
        });
    }
}

}  // namespace
}  // namespace app
