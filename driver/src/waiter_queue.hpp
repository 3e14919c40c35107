// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Who waits for a slot, who has been given one, and who still has to be told. One per queue pair,
// which calls everything here under its lock and counts the credits; this class knows only how many
// are not in flight. Intrusive, so it never allocates and cannot fail.
//
// A slot goes to the oldest waiter. For a reserving one it is kept. For a notify-only one it is
// kept as well while reserving ones wait behind it, but for its kind: whichever notify-only waiter
// comes first may use it (docs/decisions/0013). Where no reserving one is queued, a free slot
// produces a hint, to the oldest notify-only waiter: one hint for each free slot, so that nobody is
// woken for nothing, and a new one when a hint has come to nothing within the lapse. After
// hand_out():
//   a reserving waiter is queued   => every unused credit is reserved;
//   a notify-only waiter is queued => there are as many hints as free unreserved slots.

#include <cstdint>

#include "ringside/base/time.hpp"
#include "ringside/driver/operation.hpp"

namespace ringside::driver {

class WaiterQueue {
  public:
    /// No deadline.
    static constexpr Time never = Time::max();

    WaiterQueue() = default;
    WaiterQueue(const WaiterQueue&) = delete;
    WaiterQueue& operator=(const WaiterQueue&) = delete;

    /// Slots that are kept for waiters.
    std::uint32_t reserved() const { return reserved_; }
    /// Hints given that nobody has followed yet.
    std::uint32_t hints() const { return hints_; }
    /// Waiters without a slot.
    std::uint32_t queued() const { return reserving_.size + notify_only_.size; }
    std::uint32_t queued_reserving() const { return reserving_.size; }
    std::uint32_t queued_notify_only() const { return notify_only_.size; }
    /// Whether a slot is kept that `waiter` may use when it comes.
    bool holds_reservation(const SlotWaiter& waiter) const {
        return waiter.reserved_ ||
               (waiter.kind_ == SlotWaiter::Kind::notify_only && told_notify_only_.size != 0);
    }
    bool is_queued(const SlotWaiter& waiter) const {
        return waiter.state_ == SlotWaiter::State::queued;
    }

    /// Puts `waiter` at the end of its kind's queue; one that is queued keeps its place, one that
    /// has been given a slot gives it back first.
    void enqueue(SlotWaiter& waiter);
    /// Takes `waiter` out, wherever it is. True: it gave back a reservation.
    bool leave(SlotWaiter& waiter);
    /// `waiter` submits now: ends the reservation that it may use, so that the slot is free for it.
    /// Who is queued keeps its place.
    void come(SlotWaiter& waiter);

    struct HandedOut {
        std::uint32_t reservations = 0;
        std::uint32_t hints = 0;
        bool any() const { return reservations + hints != 0; }
    };
    /// Gives the slots that are free to the waiters that are queued. `unused_credits`: capacity
    /// less in flight, reserved ones included. Call it after every change.
    HandedOut hand_out(std::uint32_t unused_credits);

    bool has_due() const { return due_.size != 0; }
    /// The next waiter whose slot_ready() is due, or null. From now until `lapses_at` its
    /// reservation or hint is good. The caller drops its lock and calls slot_ready() at once.
    SlotWaiter* next_due(Time lapses_at);

    /// Ends the reservations and hints that nobody used by `now`; says how many were reservations.
    std::uint32_t lapse(Time now);
    /// When lapse() next has something to do, or `never`.
    Time next_lapse() const;

    /// Slots cannot be used for a while: who has been given one, or a hint, and has not come for it
    /// goes back to the front of its queue, in the same order. Not a lapse.
    void recall();

    /// There are no slots any more: ends all reservations, and makes all queued waiters due.
    void release_all();

  private:
    /// Doubly linked through the waiters, oldest first.
    struct List {
        SlotWaiter* first = nullptr;
        SlotWaiter* last = nullptr;
        std::uint32_t size = 0;

        void push_back(SlotWaiter& waiter);
        void remove(SlotWaiter& waiter);
        SlotWaiter* pop_front();
        SlotWaiter* pop_back();
        void push_front(SlotWaiter& waiter);
        void insert_before(SlotWaiter& next, SlotWaiter& waiter);
    };

    List& queue_of(const SlotWaiter& waiter);
    List& told_of(const SlotWaiter& waiter);
    SlotWaiter* next_in_turn();
    void change_places(SlotWaiter& waiter, SlotWaiter& holder);
    void make_due(SlotWaiter& waiter);
    void end_reservation(SlotWaiter& waiter);

    List reserving_;         ///< State::queued
    List notify_only_;       ///< State::queued
    List due_;               ///< State::due: has been given a slot or a hint, and is not told yet
    List told_;              ///< State::told: holds a reservation; in the order in which they lapse
    List told_notify_only_;  ///< likewise
    /// Slots that are kept for notify-only waiters, and how many may be: one more whenever one of
    /// them comes for its slot, none after one has lapsed, until one of them submits again.
    std::uint32_t kept_for_notify_only_ = 0;
    std::uint32_t may_be_kept_for_notify_only_ = 0;
    std::uint64_t last_ticket_ = 0;
    std::uint32_t reserved_ = 0;
    std::uint32_t hints_ = 0;
    Time hints_lapse_at_ = never;
};

}  // namespace ringside::driver
