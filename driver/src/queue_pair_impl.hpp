// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The state of a queue pair. One mutex guards the submission ring, the slots, the waiters and the
// ledger; the completion ring belongs to the interrupt executor and needs none. Everything that
// changes the number of credits in use does so in one critical section with handing the freed slots
// out, so that no moment exists in which a slot is free and a reserving waiter sleeps. Foreign code
// (complete(), slot_ready()) is called with the mutex released and only on the interrupt executor.

#include <array>
#include <boost/container/static_vector.hpp>
#include <cstdio>
#include <memory>

#include "completion_ring.hpp"
#include "ring_memory.hpp"
#include "ringside/driver/limits.hpp"
#include "ringside/driver/queue_pair.hpp"
#include "ringside/spec/registers.hpp"
#include "slot_table.hpp"
#include "waiter_queue.hpp"

namespace ringside::driver {

class QueuePair::Impl {
  public:
    /// What the registers say of the device.
    struct DeviceLimits {
        std::uint32_t max_length;
        Duration state_change;
    };

    /// In this order a queue pair goes down; it never comes up again.
    enum class State : std::uint8_t {
        open,
        refusing,  ///< takes nothing, finishes what it has
        breaking,  ///< the device wrote nonsense; waiting until it has stopped this queue
        closed,    ///< touches no register
    };

    Impl(Link& link, Environment& environment, const QueuePairConfig& config,
         const DeviceLimits& limits, RingMemory submission_ring, RingMemory completion_ring);
    ~Impl();
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    /// Programs the queue's registers, enables it and takes the first interrupt wait.
    error_code start();

    result<void> submit(const spec::SubmissionEntry& request, Operation& operation,
                        SlotWaiter* waiter);
    void forget(SlotWaiter& waiter);
    bool holds_reservation(const SlotWaiter& waiter) const;
    void fail_all(Errc reason);
    void go_down(State state, Errc reason);
    void stop_interrupts();
    QueueCounters counters() const;

    const QueuePairConfig& config() const { return config_; }
    std::uint32_t capacity() const { return capacity_; }

  private:
    struct Done {
        Operation* operation;
        Completion completion;
    };
    /// A batch on its way from the ring, under the lock, to complete(), without it.
    using DoneBatch = boost::container::static_vector<Done, completion_batch>;
    /// What will next run a turn of the interrupt handler.
    enum class NextTurn : std::uint8_t { none, interrupt, posted };

    // under the lock
    bool is_invalid(const spec::SubmissionEntry& request) const;
    error_code take_or_refuse(const spec::SubmissionEntry& request, Operation& operation,
                              SlotWaiter* waiter);
    void accept(const spec::SubmissionEntry& request, Operation& operation);
    void retire(const spec::CompletionEntry& entry, DoneBatch& done);
    void count_end(error_code status);
    bool hand_out_slots();
    void count_lapses(std::uint32_t lapses);
    void arm_timer(Time deadline);
    void record(TraceKind kind, std::uint64_t id, std::uint64_t digest = 0);
    void check_ledger() const;

    // interrupt executor, without the lock
    void take_turn(error_code error);
    bool is_running() const;
    std::uint32_t reap();
    void tell_waiters();
    void wait_for_interrupt();
    void count_interrupt(bool empty);
    void on_timer();
    void break_ring();
    void poll_broken_ring();
    State state() const;

    void dump(std::FILE* out) const;

    Link& link_;
    Environment& environment_;
    const QueuePairConfig config_;
    const DeviceLimits limits_;
    const std::uint32_t capacity_;
    const std::uint32_t vector_;
    const std::uint32_t sq_doorbell_;
    const std::uint32_t cq_doorbell_;

    const std::unique_ptr<Mutex> mutex_;
    // guarded by mutex_
    State state_ = State::open;
    Errc refusal_ = Errc::dead;  ///< what submit() says unless open
    RingMemory submission_ring_;
    std::uint32_t sq_tail_ = 0;
    SlotTable slots_;
    WaiterQueue waiters_;
    QueueCounters counters_;
    Time timer_armed_for_ = WaiterQueue::never;

    // interrupt executor only
    CompletionRing completion_ring_;
    std::array<spec::CompletionEntry, completion_batch> batch_;
    NextTurn next_turn_ = NextTurn::none;
    Parker* stopper_ = nullptr;  ///< waits for the last turn
    Time break_deadline_{};

    Trace::StateWriter state_writer_;
    std::unique_ptr<Timer> timer_;  ///< last: its callback uses everything else
};

}  // namespace ringside::driver
