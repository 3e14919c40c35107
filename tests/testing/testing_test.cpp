// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The test kit itself: it holds what it says it holds, fails what it is told to fail, and finds
// each kind of mistake that it promises to find, and none where there is none.

#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include "ringside/driver/queued_submit.hpp"
#include "ringside/driver/requests.hpp"
#include "ringside/spec/registers.hpp"
#include "ringside/testing/ring_full_test.hpp"

namespace ringside::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

struct CountingOperation final : driver::Operation {
    void complete(const driver::Completion& completion) noexcept override {
        ++completions;
        status = completion.status;
    }
    int completions = 0;
    boost::system::error_code status;
};

struct CountingWaiter final : driver::SlotWaiter {
    CountingWaiter() : SlotWaiter(Kind::reserving) {}
    void slot_ready() noexcept override { ++calls; }
    int calls = 0;
};

class KitTest : public RingFullTest {
  protected:
    bool submit(CountingOperation& operation, CountingWaiter* waiter = nullptr) {
        return machine.queue().submit({}, operation, waiter).has_value();
    }
};

TEST_F(KitTest, AFullRingIsFullUntilACompletionIsReleased) {
    CountingOperation late;
    EXPECT_EQ(machine.fill_ring(), machine.queue().capacity());
    machine.settle();
    EXPECT_FALSE(submit(late));
    EXPECT_EQ(machine.link().held(), 3u);
    machine.release_completions(1);
    EXPECT_EQ(machine.link().held(), 2u);
    EXPECT_TRUE(submit(late));
    EXPECT_FALSE(submit(late));
    EXPECT_EQ(late.completions, 0);
    machine.link().stop_holding();
    machine.settle();
    EXPECT_EQ(late.completions, 1);
    EXPECT_EQ(machine.ledger().owed(), 3u);
    EXPECT_THAT(machine.ledger().outstanding(), IsEmpty());
}

TEST_F(KitTest, MoreMayBeReleasedThanIsHeld) {
    machine.fill_ring();
    machine.release_completions(100);
    EXPECT_EQ(machine.queue().counters().ok, 3u);
    EXPECT_EQ(machine.link().held(), 0u);
}

TEST_F(KitTest, HoldingWorksOverTheEndOfTheRing) {
    for (int round = 0; round < 10; ++round) {
        EXPECT_EQ(machine.fill_ring(), 3u);
        machine.release_completions(1);
        machine.release_completions(2);
        EXPECT_EQ(machine.queue().counters().in_flight, 0u);
    }
}

TEST_F(KitTest, TheNthSubmissionFailsAndNoOther) {
    std::array<CountingOperation, 6> operations;
    machine.fail_operation(2);
    for (auto& operation : operations) {
        ASSERT_TRUE(submit(operation));
        machine.settle();
    }
    EXPECT_EQ(operations[1].status, driver::Errc::request_rejected);
    for (const std::size_t good : {0u, 2u, 3u, 4u, 5u}) {
        EXPECT_FALSE(operations[good].status);
    }
    EXPECT_EQ(machine.link().submissions(), 6u);
}

TEST_F(KitTest, TheNthSubmitIsRefusedAsWanted) {
    for (const auto why : {driver::Errc::dead, driver::Errc::invalid_request,
                           driver::Errc::stale_session, driver::Errc::draining}) {
        CountingOperation first, second, third;
        CountingWaiter waiter;
        machine.fail_submit(2, why);
        EXPECT_TRUE(submit(first));
        const auto refused = machine.queue().submit({}, second, &waiter);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error(), why);
        EXPECT_TRUE(submit(third));
        machine.settle();
        EXPECT_EQ(first.completions + third.completions, 2);
        EXPECT_EQ(second.completions + waiter.calls, 0) << "it was not accepted, nobody waits";
    }
}

TEST_F(KitTest, ARefusalForWantOfASlotIsTrueAndGivesAWaiterItsTurn) {
    for (int i = 0; i < 20; ++i) {
        CountingOperation first, second;
        CountingWaiter waiter;
        machine.fail_submit(2, driver::Errc::again);
        EXPECT_TRUE(submit(first));
        const auto refused = machine.queue().submit({}, second, &waiter);
        ASSERT_FALSE(refused) << i;
        EXPECT_EQ(refused.error(), driver::Errc::again);
        machine.step(1ms);
        EXPECT_EQ(waiter.calls, 1);
        EXPECT_TRUE(submit(second, &waiter));
        machine.settle();
        EXPECT_EQ(first.completions + second.completions, 2);
    }
}

TEST_F(KitTest, ARefusalByAResetIsTrueAndGivesAWaiterItsTurn) {
    for (std::uint64_t resets = 1; resets <= driver::RecoveryPolicy{}.max_device_resets; ++resets) {
        CountingOperation first, second;
        CountingWaiter waiter;
        machine.hold_completions();
        machine.fail_submit(2, driver::Errc::resetting);
        EXPECT_TRUE(submit(first));
        const auto refused = machine.queue().submit({}, second, &waiter);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error(), driver::Errc::resetting);
        EXPECT_EQ(machine.device().health(), driver::DeviceHealth::resetting);
        EXPECT_EQ(waiter.calls, 0) << "there are no slots yet";
        machine.link().stop_holding();
        machine.settle();
        EXPECT_EQ(first.status, driver::Errc::aborted);
        EXPECT_EQ(waiter.calls, 1);
        EXPECT_TRUE(submit(second, &waiter));
        machine.settle();
        EXPECT_EQ(first.completions + second.completions, 2);
        EXPECT_EQ(machine.device().recovery_counters().device_resets, resets);
    }
}

TEST_F(KitTest, AResetThatIsNotAllowedAnyMoreIsTheEndOfTheDevice) {
    for (unsigned i = 0; i < driver::RecoveryPolicy{}.max_device_resets; ++i) {
        CountingOperation operation;
        machine.fail_submit(1, driver::Errc::resetting);
        EXPECT_FALSE(submit(operation));
        machine.settle();
    }
    CountingOperation last;
    machine.fail_submit(1, driver::Errc::resetting);
    const auto refused = machine.queue().submit({}, last);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), driver::Errc::dead);
}

TEST(Kit, LosesNobodyInAResetWhateverTheInterleaving) {
    std::uint64_t resets = 0;
    for_each_seed(200, [&resets](std::uint64_t seed) {
        Machine machine({.seed = seed});
        machine.fail_submit(1 + seed % 8, driver::Errc::resetting);
        std::array<driver::error_code, 6> ends;
        for (auto& end : ends) {
            end = driver::Errc::timed_out;
            machine.spawn("caller", [&machine, &end] {
                end = driver::submit_and_wait(machine.queue(), machine.environment(), {}).status;
            });
        }
        machine.join();
        for (const auto& end : ends) {
            EXPECT_TRUE(!end || end == driver::Errc::aborted) << end.message();
        }
        machine.expect_no_lost_wakeup();
        machine.expect_exactly_once();
        resets += machine.device().recovery_counters().device_resets;
    });
    EXPECT_GT(resets, 100u) << "else the last submits were made in callbacks";
}

TEST_F(KitTest, OnlyWhatSubmitCanSayIsPlanned) {
    static Machine* own = nullptr;
    own = &machine;
    EXPECT_NONFATAL_FAILURE(own->fail_submit(100, driver::Errc::auth_failed), "never says");
}

/// Submits another one when it ends, and notes what that said.
struct Resubmitter final : driver::Operation {
    explicit Resubmitter(driver::QueuePair& to) : queue(to) {}
    void complete(const driver::Completion&) noexcept override {
        const auto accepted = queue.submit({}, second);
        refusal = accepted ? driver::error_code() : accepted.error();
    }
    driver::QueuePair& queue;
    CountingOperation second;
    driver::error_code refusal;
};

TEST_F(KitTest, NoResetBeginsInsideACallbackSoThatItMeetsTheNextSubmit) {
    Resubmitter operation(machine.queue());
    CountingOperation next;
    machine.fail_submit(2, driver::Errc::resetting);
    EXPECT_TRUE(machine.queue().submit({}, operation));
    machine.settle();
    EXPECT_FALSE(operation.refusal);
    EXPECT_EQ(operation.second.completions, 1);
    const auto refused = machine.queue().submit({}, next);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), driver::Errc::resetting);
}

TEST_F(KitTest, ACallbackOfTheResetItselfIsRefusedTruly) {
    Resubmitter operation(machine.queue());
    CountingOperation next;
    machine.fail_submit(2, driver::Errc::resetting);
    machine.hold_completions();
    EXPECT_TRUE(machine.queue().submit({}, operation));
    machine.device().request_reset();
    machine.settle();
    EXPECT_EQ(operation.refusal, driver::Errc::resetting);
    EXPECT_TRUE(submit(next)) << "that was the one";
}

TEST_F(KitTest, ASubmitInsideACallbackIsRefusedAsWanted) {
    for (const auto why : {driver::Errc::again, driver::Errc::dead}) {
        Resubmitter operation(machine.queue());
        machine.fail_submit(2, why);
        EXPECT_TRUE(machine.queue().submit({}, operation));
        machine.settle();
        EXPECT_EQ(operation.refusal, why);
        EXPECT_EQ(operation.second.completions, 0);
    }
}

TEST_F(KitTest, ALostInterruptIsLost) {
    CountingOperation operation;
    machine.lose_interrupt();
    ASSERT_TRUE(submit(operation));
    machine.step(100us);
    EXPECT_EQ(machine.link().lost_interrupts(), 1u);
    EXPECT_EQ(operation.completions, 0);
    // A driver that looks for itself after a while recovers; of another the kit says so.
    const auto problems = machine.lost_wakeups();
    EXPECT_EQ(problems.empty(), operation.completions == 1);
    EXPECT_EQ(machine.not_exactly_once().empty(), operation.completions == 1);
    machine.device().close();
    EXPECT_EQ(operation.completions, 1);
}

TEST_F(KitTest, ASourceIsMissingWhereItIsToBe) {
    auto memory = machine.device().dma().allocate(64).value();
    const std::array<std::byte, 16> key{};
    const driver::SessionSpec wanted{.algorithm = spec::Algorithm::aes_cbc, .key = key};
    driver::write_session_parameters(memory.bytes(), wanted);
    const auto session =
        driver::submit_and_wait(machine.device().admin(), machine.environment(),
                                driver::session_create(memory.iova(), wanted.size()));
    const driver::CipherBuffers in_place{memory.iova(), 64, memory.iova(), 64};
    const auto request = driver::aes_cbc(driver::Direction::encrypt, session.result, in_place, key);
    machine.fail_operation(1, Failure::dma_fault);
    const auto run = [&] {
        return driver::submit_and_wait(machine.queue(), machine.environment(), request).status;
    };
    EXPECT_EQ(run(), driver::Errc::dma_fault);
    EXPECT_FALSE(run());
}

TEST_F(KitTest, AStepIsThatLong) {
    const Time before = machine.environment().now();
    machine.step(5ms);
    EXPECT_GE(machine.environment().now() - before, 5ms);
    EXPECT_LT(machine.environment().now() - before, 6ms);
}

TEST_F(KitTest, AWaiterThatIsToldInTimeIsNoLostWakeup) {
    CountingOperation operation;
    CountingWaiter waiter;
    machine.fill_ring();
    EXPECT_FALSE(submit(operation, &waiter));
    machine.release_completions(1);
    EXPECT_EQ(waiter.calls, 1);
    EXPECT_THAT(machine.lost_wakeups(), IsEmpty());
}

TEST_F(KitTest, ACpuIsSlowWhereItIsToBeAndTheOthersGoOn) {
    machine.stall_at("test.slow");
    std::vector<std::string> order;
    machine.spawn("slow", [&] {
        machine.environment().schedule_point("test.slow");
        order.emplace_back("slow");
    });
    machine.spawn("other", [&] {
        machine.environment().schedule_point("test.elsewhere");
        driver::submit_and_wait(machine.queue(), machine.environment(), {});
        order.emplace_back("other");
    });
    machine.join();
    EXPECT_THAT(order, ElementsAre("other", "slow"));
}

TEST_F(KitTest, CpusInterleaveAndAreJoined) {
    constexpr unsigned callers = 5;
    for (unsigned i = 0; i < callers; ++i) {
        const std::string name = "caller " + std::to_string(i);
        machine.spawn(name, [this, name] {
            machine.ledger().owe(name);
            EXPECT_FALSE(
                driver::submit_and_wait(machine.queue(), machine.environment(), {}).status);
            machine.ledger().end(name);
        });
    }
    machine.join();
    EXPECT_EQ(machine.queue().counters().ok, callers);
}

TEST(KitFindings, WorkThatNobodyDoesAndWorkThatIsDoneTwice) {
    Machine machine;
    machine.ledger().owe("kept");
    machine.ledger().end("kept");
    machine.ledger().owe("forgotten");
    machine.ledger().owe("doubled");
    machine.ledger().end("doubled");
    machine.ledger().end("doubled");
    machine.ledger().end("never taken on");
    EXPECT_THAT(machine.lost_wakeups(), ElementsAre(HasSubstr("forgotten has not ended")));
    EXPECT_THAT(machine.not_exactly_once(),
                ElementsAre("doubled ended 2 times", "forgotten ended 0 times",
                            "never taken on was taken on 0 times"));
}

TEST(KitFindings, FailTheTestWithTheSeed) {
    static Machine* machine = nullptr;
    Machine own({.seed = 4711});
    machine = &own;
    own.ledger().owe("forgotten");
    EXPECT_NONFATAL_FAILURE(machine->expect_no_lost_wakeup(), "RINGSIDE_SEED=4711");
    EXPECT_NONFATAL_FAILURE(machine->expect_exactly_once(), "forgotten ended 0 times");
}

TEST(KitFindings, OneSeedIsOneRun) {
    const auto hash = [](std::uint64_t seed) {
        Machine machine({.seed = seed});
        for (int i = 0; i < 3; ++i) {
            machine.spawn("caller", [&machine] {
                driver::submit_and_wait(machine.queue(), machine.environment(), {});
            });
        }
        machine.join();
        return machine.environment().trace().hash();
    };
    EXPECT_EQ(hash(3), hash(3));
    EXPECT_NE(hash(3), hash(4));
}

TEST(KitFindings, SeedsGoOnUntilTheFirstFailure) {
    std::vector<std::uint64_t> seen;
    for_each_seed(3, [&](std::uint64_t seed) { seen.push_back(seed); });
    const std::uint64_t first = seed_from_environment();
    EXPECT_THAT(seen, ElementsAre(first, first + 1, first + 2));
}

TEST(KitWithoutDriver, FollowsTheResetOfAQueue) {
    Machine machine({.open_driver = false});
    const auto write = [&](spec::Address address, std::uint32_t value) {
        machine.link().mmio_write32(address.of(1), value);
    };
    write(spec::at("Q_SIZE"), 3 | 3 << 16);
    write(spec::at("SQ_DB"), 2);
    EXPECT_EQ(machine.link().held(), 0u);
    for (const auto reset : {spec::at("Q_RESET"), spec::at("Q_CTRL")}) {
        write(reset, 1);
        machine.hold_completions();
        write(spec::at("SQ_DB"), 1);
        EXPECT_EQ(machine.link().held(), 1u);
        machine.link().stop_holding();
    }
    EXPECT_EQ(machine.link().submissions(), 4u);
}

/// A driver of the test's own: the link is all there is.
TEST(KitWithoutDriver, GivesALinkToADeviceThatAnswers) {
    Machine machine({.open_driver = false});
    EXPECT_EQ(machine.link().mmio_read32(spec::at("ID").of()), spec::device_id);
    const auto device =
        driver::Device::open(machine.link(), machine.environment(), {.ring_entries = 8}).value();
    CountingOperation operation;
    machine.hold_completions();
    ASSERT_TRUE(device->queue_pair(0).submit({}, operation).has_value());
    machine.settle();
    EXPECT_EQ(operation.completions, 0);
    machine.release_completions(1);
    EXPECT_EQ(operation.completions, 1);
    device->close();
}

}  // namespace
}  // namespace ringside::testing
