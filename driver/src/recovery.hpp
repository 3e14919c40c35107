// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Does what the tables of recovery_machine.hpp say: watches queue pairs and device, resets them and
// brings them back. Everything happens on the interrupt executor and none of it waits: what takes
// time is looked at again when a timer says so. Device makes one and tells it of errors.

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "queue_pair_impl.hpp"
#include "recovery_machine.hpp"
#include "ringside/driver/dma_pool.hpp"

namespace ringside::driver {

class Recovery final : public QueueWatcher {
  public:
    /// `state_change`: the device's TO.
    Recovery(Link& link, Environment& environment, DmaPool& dma, SessionTable& sessions,
             const RecoveryPolicy& policy, Duration state_change);

    // ---- interrupt executor ----

    /// From now on it watches `queues`, the admin queue pair first; all are live.
    void begin(const std::vector<std::unique_ptr<QueuePair>>& queues);
    /// From now on it does nothing.
    void shut_down();
    /// Looks whether the device is in ERROR, and whether one of `queues` is (bit q: queue pair q).
    void look_after_error(std::uint64_t queues);
    void want_device_reset();

    void on_late(std::uint32_t queue) override;
    void on_broken_ring(std::uint32_t queue) override;

    // ---- any thread ----

    /// All ones were read: no register is touched any more, and all operations end soon.
    void lose_device();
    bool is_gone() const { return gone_.load(); }
    DeviceHealth health() const { return health_.load(); }
    RecoveryCounters counters() const;
    /// Adds to a counter.
    void count(std::uint64_t RecoveryCounters::*counter, std::uint64_t by = 1);

  private:
    /// One queue pair's place in its table.
    struct Rung final : Operation {
        Rung(Recovery& recovery, QueuePair::Impl& of_queue, const RecoveryPolicy& policy)
            : owner(recovery),
              queue(of_queue),
              budget(policy.max_queue_resets, policy.reset_window) {}
        /// The ABORT came back.
        void complete(const Completion& completion) noexcept override;

        Recovery& owner;
        QueuePair::Impl& queue;
        QueueStage stage = QueueStage::working;
        Time deadline{};
        ResetBudget budget;
        bool abort_in_flight = false;
        QueuePair::Impl::InFlight aborted{};
        std::uint64_t overdue_tag = 0;  ///< of the operation that was counted last
    };
    /// A session that is created anew.
    struct Restoration final : Operation {
        explicit Restoration(Recovery& recovery) : owner(recovery) {}
        void complete(const Completion& completion) noexcept override;

        Recovery& owner;
        std::uint32_t handle = 0;
        std::uint32_t attempts_left = 0;
        DmaBuffer parameters;
    };
    struct Heartbeat {
        std::uint32_t count;
        Time since;
    };

    void handle(Rung& rung, QueueEvent event);
    void perform(Rung& rung, QueueAction action);
    void handle(DeviceEvent event);
    void perform(DeviceAction action);

    void check(Rung& rung);
    void check_device();
    void check_heartbeat();
    void on_overdue(Rung& rung, const QueuePair::Impl::InFlight& operation);
    void abort_oldest(Rung& rung);
    void on_abort_done(Rung& rung);
    bool is_overdue(Time submitted_at) const;
    void begin_queue_reset(Rung& rung);
    void update_quarantine();
    void set_up(Rung& rung);

    void stop_and_reset_device();
    void end_operations_and_enable();
    void set_up_queues();
    void restore_next_session();
    bool try_to_restore();
    void on_restored(const Completion& completion);
    void end();
    void fail_device_stage();

    void on_timer();
    void tick(Rung& rung);
    void tick_device();
    std::optional<spec::DeviceState> device_state();
    void schedule();

    Link& link_;
    Environment& environment_;
    DmaPool& dma_;
    SessionTable& sessions_;
    const RecoveryPolicy policy_;
    const Duration state_change_;

    std::deque<Rung> rungs_;  ///< by queue index; does not change after begin()
    DeviceStage stage_ = DeviceStage::ready;
    Time deadline_{};
    ResetBudget budget_;
    std::optional<Heartbeat> heartbeat_;
    Restoration restoration_{*this};
    bool shut_down_ = false;
    Time armed_for_ = WaiterQueue::never;

    std::atomic<bool> gone_{false};
    std::atomic<DeviceHealth> health_{DeviceHealth::working};
    const std::unique_ptr<Mutex> mutex_;
    RecoveryCounters counters_;  ///< guarded by mutex_

    const std::unique_ptr<Timer> timer_;  ///< last: its callback uses everything else
};

}  // namespace ringside::driver
