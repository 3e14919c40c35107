// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The state of a queue pair. One mutex guards the submission ring, the slots, the waiters and the
// ledger, and the completion ring. Everything that
// changes the number of credits in use does so in one critical section with handing the freed slots
// out, so that no moment exists in which a slot is free and a reserving waiter sleeps. Foreign code
// (complete(), slot_ready()) is called with the mutex released, on the interrupt executor or, in
// the same order, on the executor that the queue pair was given.
// Device brings it up and takes it down, Recovery stops and restarts it.

#include <array>
#include <boost/container/static_vector.hpp>
#include <cstdio>
#include <memory>
#include <optional>

#include "interrupt_storm.hpp"
#include "ringside/driver/limits.hpp"
#include "ringside/driver/queue_pair.hpp"
#include "ringside/driver/recovery.hpp"
#include "ringside/driver/rings/completion_ring.hpp"
#include "ringside/driver/rings/ring_memory.hpp"
#include "ringside/driver/rings/submission_ring.hpp"
#include "ringside/spec/registers.hpp"
#include "session_table.hpp"
#include "slot_table.hpp"
#include "waiter_queue.hpp"

namespace ringside::driver {

/// Who is told when a queue pair needs help. Interrupt executor, no lock held.
class QueueWatcher {
  public:
    /// The oldest operation is older than RecoveryPolicy::late_after; again after as long.
    virtual void on_late(std::uint32_t queue) = 0;
    /// The device wrote nonsense into the ring.
    virtual void on_broken_ring(std::uint32_t queue) = 0;

  protected:
    ~QueueWatcher() = default;
};

struct QueuePairConfig {
    std::uint32_t index = 0;             ///< 0: the admin queue
    std::uint32_t entries = 64;          ///< of both rings; credits = entries - 1
    std::uint16_t moderation_count = 0;  ///< interrupt at this many completions; 0: at each
    std::uint16_t moderation_us = 0;     ///< or this long after the first; 0: no time limit
    CompletionMode mode = CompletionMode::interrupt;
    boost::asio::any_io_executor callback_executor{};  ///< empty: the interrupt executor
    Duration reservation_lapse{};
    std::uint32_t max_length = 0;  ///< the device's
    RecoveryPolicy recovery;
};

class QueuePair::Impl {
  public:
    /// Both rings. The device's other parts of a queue pair are its registers.
    struct Rings {
        RingMemory submission;
        RingMemory completion;
    };
    static result<Rings> map_rings(Link& link, std::uint32_t entries);

    /// Neither enabled nor taking requests: program(), then go_live(), then open().
    Impl(Link& link, Environment& environment, const QueuePairConfig& config, QueueWatcher& watcher,
         SessionTable& sessions, Rings rings);
    ~Impl();
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    // ---- for users; any thread ----

    result<void> submit(const spec::SubmissionEntry& request, Operation& operation,
                        SlotWaiter* waiter);
    Batch submit_batch(std::span<const Item> items, SlotWaiter* waiter);
    void forget(SlotWaiter& waiter);
    bool holds_reservation(const SlotWaiter& waiter) const;
    std::uint32_t poll_by_application(std::uint32_t most);
    QueueCounters counters() const;
    const QueuePairConfig& config() const { return config_; }
    std::uint32_t capacity() const { return capacity_; }
    boost::asio::any_io_executor callback_executor() const;

    // ---- up; interrupt executor, but for program() and enabling() ----

    /// Writes the queue's registers and enables it.
    void program();
    enum class Enabling : std::uint8_t { pending, enabled, refused, gone };
    Enabling enabling();
    /// It is enabled: takes interrupts, and the driver's own requests (submit_own()).
    void go_live();
    /// Takes requests, and hands out what there is to those who wait.
    void open();

    // ---- down; any thread, but for fail_all() ----

    /// Refuses everything for ever with Errc::draining, and wakes all waiters; what is in flight
    /// goes on. Interrupt executor.
    void begin_draining();
    /// Whether nothing is in flight. Looks, where nobody else does. Not on the interrupt executor.
    bool is_drained();
    /// Refuses everything for ever; what is in flight goes on.
    void refuse(Errc reason) { go_down(State::refusing, reason); }
    /// As refuse(), and touches no register any more; fail_all() must follow.
    void cut_off(Errc reason) { go_down(State::closed, reason); }
    /// Ends everything in flight with `reason`, and wakes all waiters. Touches no register.
    void fail_all(Errc reason);
    /// Returns when no interrupt handler runs or will run. Not on the interrupt executor.
    void stop_interrupts();
    /// Returns when all callbacks have returned that were due when it was called, where they have
    /// an executor of their own. Not on that.
    void finish_callbacks();
    /// Takes the rings away from the device. After cut_off().
    void revoke_rings();

    // ---- recovery; interrupt executor ----

    /// Refuses with Errc::resetting and queues waiters, until open(). Touches no doorbell.
    void stop();
    void begin_reset();
    /// Whether the reset is done; Errc::dead.
    result<bool> reset_is_done();
    /// Ends everything in flight, in order of submission: what the device did complete with its
    /// own status, the rest with `reason`. The device must not touch the queue pair any more.
    void end_operations(Errc reason);
    /// New ring memory, so that a write of the former life faults; indices and phase of a queue
    /// pair that is enabled.
    error_code renew_rings();
    /// Reaps what is there, up to the budget.
    std::uint32_t poll();
    /// As poll(), for a queue pair with a late operation; what it finds counts as polled.
    std::uint32_t poll_late();
    /// Rings the doorbell, unmasks the vector and arms the interrupt again: one of the three may
    /// have been lost.
    void nudge();
    /// submit() for the driver's own requests, which a queue pair takes that is live.
    result<void> submit_own(const spec::SubmissionEntry& request, Operation& operation);

    struct InFlight {
        std::uint16_t cid;
        std::uint64_t user_tag;
        Time submitted_at;
    };
    std::optional<InFlight> oldest() const;
    bool is_in_flight(const InFlight& operation) const;

  private:
    /// A queue pair goes up and down between the first two, and down for ever to the others.
    enum class State : std::uint8_t {
        open,
        stopped,   ///< takes nothing for a while
        refusing,  ///< takes nothing, finishes what it has
        closed,    ///< touches no register
    };
    struct Done {
        Operation* operation;
        std::uint64_t user_tag;
        Completion completion;
    };
    /// A batch on its way from the ring, under the lock, to complete(), without it.
    using DoneBatch = boost::container::static_vector<Done, completion_batch>;
    /// What will next run a turn of the interrupt handler.
    enum class NextTurn : std::uint8_t { none, interrupt, posted };

    // under the lock
    error_code take_or_refuse(const spec::SubmissionEntry& request, Operation& operation, Time now,
                              Trace::Burst& events);
    error_code refuse_while_down();
    error_code refused(error_code reason);
    bool is_full() const;
    error_code accept_for_session(const spec::SubmissionEntry& request, Operation& operation,
                                  Time now, Trace::Burst& events);
    bool is_invalid(const spec::SubmissionEntry& request) const;
    void accept(const spec::SubmissionEntry& request, std::uint32_t session, Operation& operation,
                Time now, Trace::Burst& events, std::uint32_t new_session = 0);
    void announce();
    void ring_doorbell();
    void give_entries_back();
    void tell(const DoneBatch& done);
    void retire(const spec::CompletionEntry& entry, Time now, DoneBatch& done,
                Trace::Burst& events);
    std::uint32_t whole_entries(std::uint32_t count);
    SlotTable::Slot* note_answer(const spec::CompletionEntry& entry);
    void end_answered(SlotTable::Slot& slot, Time now, DoneBatch& done, Trace::Burst& events);
    void end_unanswered(SlotTable::Slot& slot, Errc reason, DoneBatch& done);
    bool head_is_possible(std::uint32_t sq_head);
    void note_latency(Duration latency);
    void count_end(const error_code& status);
    bool hand_out_slots();
    void count_lapses(std::uint32_t lapses);
    void arm_timer(Time deadline);
    bool is_late(Time now);
    /// `now`: read once for a batch, as a clock is a good part of what an operation costs.
    TraceEvent event_at(Time now, TraceKind kind, std::uint64_t id, std::uint64_t digest = 0) {
        return {now, kind, static_cast<std::uint16_t>(config_.index), id, digest};
    }
    void record(TraceKind kind, std::uint64_t id, std::uint64_t digest = 0) {
        trace_.record(event_at(environment_.now(), kind, id, digest));
    }
    void check_ledger() const;
    void go_down(State state, Errc reason);
    void release_waiters();

    // interrupt executor, without the lock
    void take_turn(error_code error);
    bool is_live() const;
    std::uint32_t reap(std::uint32_t most = completion_batch);
    bool keeps_looking(std::uint32_t reaped);
    bool is_polled() const { return config_.mode == CompletionMode::poll; }
    bool is_torn() const;
    void call_back(const DoneBatch& done);
    void run_callbacks_of_batch(const DoneBatch& done);
    void tell_waiters();
    void tell_waiters_here();
    void wait_for_interrupt();
    void arm_interrupt();
    bool pause_in_storm(bool empty);
    void look_during_storm();
    void count_interrupt(bool empty);
    void report_broken_ring();
    void on_timer();

    void dump(std::FILE* out) const;

    Link& link_;
    Environment& environment_;
    Trace& trace_;
    const QueuePairConfig config_;
    QueueWatcher& watcher_;
    SessionTable& sessions_;
    const std::uint32_t capacity_;
    const std::uint32_t vector_;
    const std::uint32_t sq_doorbell_;
    const std::uint32_t cq_doorbell_;

    /// A strand; empty: callbacks are plain calls on the interrupt executor.
    const boost::asio::any_io_executor callbacks_;

    const std::unique_ptr<Mutex> mutex_;
    // guarded by mutex_
    State state_ = State::stopped;
    Errc refusal_ = Errc::resetting;  ///< what submit() says unless open
    bool live_ = false;               ///< enabled in the device: doorbells may be rung
    SubmissionRing<spec::SubmissionEntry> submission_ring_;
    std::uint32_t sq_head_ = 0;  ///< as far as the device has said
    bool in_callbacks_ = false;  ///< of a batch, on the interrupt executor
    bool doorbell_due_ = false;  ///< for what was submitted inside them
    bool head_due_ = false;      ///< entries have been taken that the device has not got back
    SlotTable slots_;
    WaiterQueue waiters_;
    QueueCounters counters_;
    std::uint64_t stale_before_reset_ = 0;
    Time timer_armed_for_ = WaiterQueue::never;
    Time look_at_ = WaiterQueue::never;  ///< when an operation may be late

    CompletionRing<spec::CompletionEntry> completion_ring_;
    std::array<spec::CompletionEntry, completion_batch> batch_;
    Time torn_since_ = WaiterQueue::never;  ///< when the entry at the head was first seen torn

    // interrupt executor only
    NextTurn next_turn_ = NextTurn::none;
    Parker* stopper_ = nullptr;  ///< waits for the last turn
    InterruptStorm storm_;
    std::uint32_t looks_in_vain_ = 0;

    Trace::StateWriter state_writer_;
    std::unique_ptr<Timer> timer_;  ///< last: its callback uses everything else
};

}  // namespace ringside::driver
