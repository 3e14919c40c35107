// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Who gets a slot, who is told, and in which order.

#include "waiter_queue.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "test_requests.hpp"

namespace ringside::driver {
namespace {

using Kind = SlotWaiter::Kind;
using testing::TestWaiter;

constexpr Time soon = time_from_ps(100);
constexpr Time later = time_from_ps(200);

struct WaiterQueueTest : ::testing::Test {
    WaiterQueue queue;
    TestWaiter a, b, c;
    TestWaiter hint_a{Kind::notify_only}, hint_b{Kind::notify_only}, hint_c{Kind::notify_only};

    std::vector<SlotWaiter*> due(Time lapses_at = soon) {
        std::vector<SlotWaiter*> told;
        while (SlotWaiter* waiter = queue.next_due(lapses_at)) {
            told.push_back(waiter);
        }
        return told;
    }
};

using Told = std::vector<SlotWaiter*>;

TEST_F(WaiterQueueTest, SlotsGoToReservingWaitersInOrderOfArrival) {
    queue.enqueue(a);
    queue.enqueue(b);
    queue.enqueue(c);
    EXPECT_EQ(queue.hand_out(2).reservations, 2u);
    EXPECT_EQ(due(), (Told{&a, &b}));
    EXPECT_EQ(queue.reserved(), 2u);
    EXPECT_EQ(queue.queued(), 1u);
    EXPECT_TRUE(queue.holds_reservation(a));
    EXPECT_FALSE(queue.holds_reservation(c));
}

TEST_F(WaiterQueueTest, AWaiterQueuedTwiceKeepsItsPlace) {
    queue.enqueue(a);
    queue.enqueue(b);
    queue.enqueue(a);
    EXPECT_EQ(queue.queued(), 2u);
    queue.hand_out(1);
    EXPECT_EQ(due(), Told{&a});
}

TEST_F(WaiterQueueTest, ReservingWaitersGoBeforeHintedOnesThatNeverCame) {
    queue.enqueue(hint_a);
    queue.enqueue(a);
    const auto out = queue.hand_out(2);
    EXPECT_EQ(out.reservations, 1u);
    EXPECT_EQ(out.hints, 1u);
    EXPECT_EQ(due(), (Told{&a, &hint_a}));
    EXPECT_FALSE(queue.holds_reservation(hint_a));
}

/// As a submit() that finds the ring full.
void refuse(WaiterQueue& queue, SlotWaiter& waiter) {
    queue.come(waiter);
    queue.enqueue(waiter);
}

TEST_F(WaiterQueueTest, OfBothKindsTheOldestIsNextWhileHintedOnesCome) {
    refuse(queue, a);
    refuse(queue, hint_a);
    refuse(queue, b);
    refuse(queue, c);
    EXPECT_EQ(queue.hand_out(2).reservations, 2u);
    EXPECT_EQ(due(), (Told{&a, &hint_a}));
    EXPECT_EQ(queue.reserved(), 2u);
    EXPECT_EQ(queue.hints(), 0u);
    EXPECT_TRUE(queue.holds_reservation(hint_a));
    EXPECT_FALSE(queue.holds_reservation(b));
}

TEST_F(WaiterQueueTest, ASlotThatIsKeptForAHintedOneIsForAnyOfItsKind) {
    refuse(queue, hint_a);
    refuse(queue, a);
    queue.hand_out(1);
    due();
    EXPECT_TRUE(queue.holds_reservation(hint_b));
    queue.come(hint_b);
    EXPECT_EQ(queue.reserved(), 0u) << "free for who comes";
    EXPECT_FALSE(queue.holds_reservation(hint_a));
}

TEST_F(WaiterQueueTest, WhoseSlotAnotherOneTookWaitsOnInThatOnesPlace) {
    refuse(queue, hint_a);
    refuse(queue, a);
    refuse(queue, hint_b);
    refuse(queue, b);
    queue.hand_out(1);
    EXPECT_EQ(due(), Told{&hint_a});
    queue.come(hint_b);
    queue.leave(hint_b);  // it is in the ring
    queue.hand_out(2);
    EXPECT_EQ(due(), (Told{&a, &hint_a}));
    EXPECT_EQ(queue.queued(), 1u);
}

TEST_F(WaiterQueueTest, WhoseSlotANewcomerTookWaitsOnBehindAll) {
    refuse(queue, hint_a);
    refuse(queue, a);
    refuse(queue, hint_b);
    queue.hand_out(1);
    due();
    queue.come(hint_c);
    queue.hand_out(3);
    EXPECT_EQ(due(), (Told{&a, &hint_b, &hint_a}));
}

TEST_F(WaiterQueueTest, OneMoreSlotIsKeptForHintedOnesWheneverOneComesForIt) {
    std::deque<TestWaiter> hinted;
    for (int i = 0; i < 12; ++i) {
        refuse(queue, hinted.emplace_back(Kind::notify_only));
    }
    refuse(queue, a);
    refuse(queue, b);
    queue.hand_out(2);
    EXPECT_EQ(due(), (Told{&hinted[0], &a})) << "one at first, though others are older than a";
    queue.come(hinted[0]);
    refuse(queue, c);
    queue.hand_out(4);
    EXPECT_EQ(due(), (Told{&hinted[1], &hinted[2], &b})) << "then two";
}

TEST_F(WaiterQueueTest, WhereNoHintedOneComesForItsSlotReservingWaitersGoFirst) {
    for (TestWaiter* waiter : {&hint_a, &hint_b, &a, &b}) {
        refuse(queue, *waiter);
    }
    queue.hand_out(1);
    EXPECT_EQ(due(soon), Told{&hint_a});
    EXPECT_EQ(queue.next_lapse(), soon);
    EXPECT_EQ(queue.lapse(soon), 1u);
    queue.hand_out(1);
    EXPECT_EQ(due(later), Told{&a});
    refuse(queue, hint_c);
    queue.hand_out(2);
    EXPECT_EQ(due(later), Told{&hint_b}) << "one has come";
}

TEST_F(WaiterQueueTest, LeavingGivesAHintedOnesSlotBackAtOnce) {
    refuse(queue, hint_a);
    refuse(queue, a);
    queue.hand_out(1);
    due();
    EXPECT_TRUE(queue.leave(hint_a));
    EXPECT_EQ(queue.reserved(), 0u);
    queue.hand_out(1);
    EXPECT_EQ(due(), Told{&a});
}

TEST_F(WaiterQueueTest, RecallAndReleaseKnowHintedOnesThatHaveASlot) {
    for (TestWaiter* waiter : {&hint_a, &a, &hint_b, &b}) {
        refuse(queue, *waiter);
    }
    queue.hand_out(1);
    due();
    queue.recall();
    EXPECT_EQ(queue.reserved(), 0u);
    EXPECT_EQ(queue.queued(), 4u);
    queue.hand_out(2);
    EXPECT_EQ(due(), (Told{&hint_a, &a})) << "in the old order";
    queue.release_all();
    EXPECT_EQ(queue.reserved(), 0u);
    EXPECT_EQ(due(), (Told{&b, &hint_b}));
}

TEST_F(WaiterQueueTest, OneFreeSlotWakesOneSleeperOnce) {
    queue.enqueue(hint_a);
    queue.enqueue(hint_b);
    queue.hand_out(1);
    queue.hand_out(1);
    EXPECT_EQ(due(), Told{&hint_a});
    EXPECT_EQ(queue.hand_out(2).hints, 1u);
    EXPECT_EQ(due(), Told{&hint_b});
}

TEST_F(WaiterQueueTest, AHintWhoseSlotWasTakenIsFollowedByOneForTheNextSlot) {
    queue.enqueue(hint_a);
    queue.enqueue(hint_b);
    queue.hand_out(1);
    EXPECT_EQ(due(), Told{&hint_a});
    EXPECT_FALSE(queue.hand_out(0).any());
    EXPECT_EQ(queue.hints(), 0u);
    queue.hand_out(1);
    EXPECT_EQ(due(), Told{&hint_b});
}

TEST_F(WaiterQueueTest, AHintThatNobodyFollowsPassesOnWhenItLapses) {
    queue.enqueue(hint_a);
    queue.enqueue(hint_b);
    queue.hand_out(1);
    EXPECT_EQ(due(soon), Told{&hint_a});
    EXPECT_EQ(queue.next_lapse(), soon);
    EXPECT_EQ(queue.lapse(soon), 0u) << "a hint is no reservation";
    EXPECT_EQ(queue.hand_out(1).hints, 1u);
    EXPECT_EQ(due(later), Told{&hint_b});
    EXPECT_EQ(queue.next_lapse(), WaiterQueue::never) << "nobody sleeps any more";
}

TEST_F(WaiterQueueTest, AForgottenHintThatWasNotToldPassesOnAtOnce) {
    queue.enqueue(hint_a);
    queue.enqueue(hint_b);
    queue.hand_out(1);
    EXPECT_FALSE(queue.leave(hint_a));
    queue.hand_out(1);
    EXPECT_EQ(due(), Told{&hint_b});
}

TEST_F(WaiterQueueTest, ReservationsLapseAtTheirOwnDeadlines) {
    queue.enqueue(a);
    queue.enqueue(b);
    queue.hand_out(1);
    due(soon);
    queue.hand_out(2);
    due(later);
    EXPECT_EQ(queue.next_lapse(), soon);
    EXPECT_EQ(queue.lapse(soon - Duration(1)), 0u);
    EXPECT_EQ(queue.lapse(soon), 1u);
    EXPECT_FALSE(queue.holds_reservation(a));
    EXPECT_TRUE(queue.holds_reservation(b));
    EXPECT_EQ(queue.next_lapse(), later);
    EXPECT_EQ(queue.lapse(later), 1u);
    EXPECT_EQ(queue.reserved(), 0u);
}

TEST_F(WaiterQueueTest, LeavingWorksInEveryState) {
    EXPECT_FALSE(queue.leave(a)) << "idle";
    queue.enqueue(a);
    EXPECT_FALSE(queue.leave(a)) << "queued";
    queue.enqueue(a);
    queue.hand_out(1);
    EXPECT_TRUE(queue.leave(a)) << "due";
    EXPECT_EQ(due(), Told{});
    queue.enqueue(a);
    queue.hand_out(1);
    due();
    EXPECT_TRUE(queue.leave(a)) << "told";
    EXPECT_EQ(queue.reserved(), 0u);
    EXPECT_EQ(queue.next_lapse(), WaiterQueue::never);
}

TEST_F(WaiterQueueTest, LeavingTheMiddleKeepsTheOthersInOrder) {
    queue.enqueue(a);
    queue.enqueue(b);
    queue.enqueue(c);
    queue.leave(b);
    queue.hand_out(3);
    EXPECT_EQ(due(), (Told{&a, &c}));
}

TEST_F(WaiterQueueTest, ReleaseTellsEverybodyWhoSleepsAndReservesNothing) {
    queue.enqueue(a);
    queue.hand_out(1);
    due();
    queue.enqueue(b);
    queue.enqueue(hint_a);
    queue.enqueue(c);
    queue.hand_out(2);  // b is due, not told
    queue.release_all();
    EXPECT_EQ(due(), (Told{&b, &c, &hint_a}));
    EXPECT_EQ(queue.reserved(), 0u);
    EXPECT_EQ(queue.queued(), 0u);
    EXPECT_FALSE(queue.leave(a));
    EXPECT_FALSE(queue.leave(b));
}

TEST_F(WaiterQueueTest, RecallPutsWhoHadASlotBackInFrontInTheSameOrder) {
    for (TestWaiter* waiter : {&a, &b, &c, &hint_a, &hint_b}) {
        queue.enqueue(*waiter);
    }
    queue.hand_out(2);
    EXPECT_EQ(queue.next_due(soon), &a);  // told; b is due, c sleeps
    queue.recall();
    EXPECT_EQ(queue.reserved(), 0u);
    EXPECT_EQ(queue.queued(), 5u);
    EXPECT_FALSE(queue.holds_reservation(a));
    EXPECT_EQ(queue.next_lapse(), WaiterQueue::never);
    queue.hand_out(5);
    EXPECT_EQ(due(), (Told{&a, &b, &c, &hint_a, &hint_b}));
}

TEST_F(WaiterQueueTest, RecallTakesHintsBackThatWereNotTold) {
    queue.enqueue(hint_a);
    queue.enqueue(hint_b);
    queue.hand_out(1);
    queue.recall();
    EXPECT_EQ(queue.hints(), 0u);
    queue.hand_out(2);
    EXPECT_EQ(due(), (Told{&hint_a, &hint_b}));
}

}  // namespace
}  // namespace ringside::driver
