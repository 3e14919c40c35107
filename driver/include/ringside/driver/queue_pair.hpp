// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// One submission ring and one completion ring of the device, with the credits that keep them from
// overrunning and the waiters that want one. Any thread may submit; completions are reaped on the
// interrupt executor. What it guarantees is DESIGN's contract 1 (every accepted operation completes
// exactly once) and 2 (ring-full loses nothing).

#include <cstdint>
#include <memory>

#include "ringside/driver/error.hpp"
#include "ringside/driver/link/environment.hpp"
#include "ringside/driver/link/link.hpp"
#include "ringside/driver/operation.hpp"

namespace ringside::driver {

/// The ledger: accepted = ok + failed + cancelled + in_flight at every moment (asserted).
struct QueueCounters {
    std::uint64_t submit_calls = 0;  ///< = accepted + eagain + refused
    std::uint64_t accepted = 0;
    std::uint64_t eagain = 0;
    std::uint64_t refused = 0;  ///< other than for want of a credit
    std::uint64_t ok = 0;
    std::uint64_t failed = 0;
    std::uint64_t cancelled = 0;
    std::uint64_t in_flight = 0;
    std::uint64_t reserved = 0;          ///< slots kept for waiters right now
    std::uint64_t waiting = 0;           ///< waiters in the queue right now
    std::uint64_t grants = 0;            ///< slots handed to waiters
    std::uint64_t lapses = 0;            ///< of those, ended because nobody submitted
    std::uint64_t hints = 0;             ///< notify-only waiters told of a free slot
    std::uint64_t interrupts = 0;        ///< handler runs
    std::uint64_t empty_interrupts = 0;  ///< of those, with nothing to reap
    std::uint64_t stale_completions = 0;
};

struct QueuePairConfig {
    std::uint32_t index = 0;     ///< 0: the admin queue
    std::uint32_t entries = 64;  ///< both rings; power of two, 2 to 4096; credits = entries - 1
    std::uint16_t moderation_count = 0;  ///< interrupt at this many completions; 0: at each
    std::uint16_t moderation_us = 0;     ///< or this long after the first; 0: no time limit
    /// A reserved slot that its waiter does not use within this time goes to the next waiter.
    Duration reservation_lapse = std::chrono::milliseconds(10);
};

class QueuePair {
  public:
    /// Allocates and maps the rings and enables the queue pair in the device, which must be READY.
    /// Errors: Errc of the third group, dead. Not on the interrupt executor.
    static result<std::unique_ptr<QueuePair>> create(Link& link, Environment& environment,
                                                     const QueuePairConfig& config);
    /// Stops the interrupt wait and unmaps the rings. The device must have stopped
    /// (Device::close()), the interrupt executor must still run, and this must not be on it.
    ~QueuePair();
    QueuePair(const QueuePair&) = delete;
    QueuePair& operator=(const QueuePair&) = delete;

    /// Puts `request` into the ring and rings the doorbell; cid and user_tag are filled in here. On
    /// success `operation` will be completed exactly once, perhaps before this returns.
    /// Errc::again if and only if in flight + reserved = capacity(); then a given `waiter` is in
    /// the queue already, put there under the same lock, so that no slot can slip by in between. If
    /// `waiter` holds a reservation, this call uses it up, whatever the outcome.
    result<void> submit(const spec::SubmissionEntry& request, Operation& operation,
                        SlotWaiter* waiter = nullptr);

    /// Takes `waiter` out of the queue, or gives its reservation to the next. After it returns,
    /// slot_ready() will not be called (it may be running, on another thread, right now).
    void forget(SlotWaiter& waiter);

    /// Whether `waiter` holds a reservation now; one that lapsed is none.
    bool holds_reservation(const SlotWaiter& waiter) const;

    /// Fails everything in flight with `reason`, in order of submission (what the device had
    /// completed before keeps its own status), and refuses everything from now on: the device is
    /// gone, and no register is touched any more. Wakes all waiters (their submit() then says why).
    /// Interrupt executor, or after it has stopped.
    void fail_all(Errc reason);

    std::uint32_t index() const;
    /// Credits: entries - 1.
    std::uint32_t capacity() const;
    QueueCounters counters() const;

  private:
    friend class Device;
    class Impl;
    explicit QueuePair(std::unique_ptr<Impl> impl);

    /// Refuses everything from now on; what is in flight goes on. Any thread.
    void refuse(Errc reason);
    /// As refuse(), and touches no register any more; fail_all() must follow. Any thread.
    void cut_off(Errc reason);
    /// Returns when no interrupt handler runs or will run. Not on the interrupt executor.
    void stop_interrupts();

    std::unique_ptr<Impl> impl_;
};

}  // namespace ringside::driver
