// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// One submission ring and one completion ring of the device, with the credits that keep them from
// overrunning and the waiters that want one. Any thread may submit; completions are reaped on the
// interrupt executor. What it guarantees is DESIGN's contract 1 (every accepted operation completes
// exactly once) and 2 (ring-full loses nothing).

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "ringside/driver/error.hpp"
#include "ringside/driver/link/environment.hpp"
#include "ringside/driver/link/link.hpp"
#include "ringside/driver/operation.hpp"

namespace ringside::driver {

/// How a queue pair learns of completions.
enum class CompletionMode : std::uint8_t {
    interrupt,  ///< sleeps until the device interrupts
    adaptive,   ///< looks again for a while after it has found something, then sleeps: fewer
                ///< interrupts under load, and the CPU is free when idle
    poll,       ///< the application calls QueuePair::poll(); the device sends no interrupt
};

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
    std::uint64_t bad_heads = 0;           ///< entries with an impossible sq_head
    std::uint64_t completions_polled = 0;  ///< reaped because they were late: an interrupt was lost
    std::uint64_t interrupt_storms = 0;    ///< times that the vector was masked for a while
    std::uint64_t resets = 0;              ///< of this queue pair, the device's included
    bool slow = false;                     ///< the moving average exceeds RecoveryPolicy's limit
    Duration average_latency{};            ///< moving average of what the device says, over ~16
};

class QueuePair {
  public:
    /// Its Device's to call: stops the interrupt wait and unmaps the rings.
    ~QueuePair();
    QueuePair(const QueuePair&) = delete;
    QueuePair& operator=(const QueuePair&) = delete;

    /// Puts `request` into the ring and rings the doorbell; for all that is submitted inside a
    /// callback on the interrupt executor, one doorbell follows the callbacks of its batch. cid and
    /// user_tag are filled in here. On success `operation` will be completed exactly once, perhaps
    /// before this returns. Errc::again if and only if in flight + reserved = capacity(),
    /// Errc::resetting while a reset is under way; after either a given `waiter` is in the queue
    /// already, put there under the same lock, so that no slot can slip by in between. If `waiter`
    /// holds a reservation, this call uses it up, whatever the outcome. Other errors are final:
    /// draining, dead, invalid_request, stale_session.
    result<void> submit(const spec::SubmissionEntry& request, Operation& operation,
                        SlotWaiter* waiter = nullptr);

    /// One request of a batch; read until submit_batch() returns.
    struct Item {
        const spec::SubmissionEntry* request;
        Operation* operation;
    };
    /// How far a batch came.
    struct Batch {
        std::size_t accepted = 0;  ///< the first so many
        error_code refusal;        ///< why the next one was not; empty: all were accepted
    };
    /// As submit() of one after the other until one is refused, with a single doorbell for all.
    /// That k of n are accepted is a normal answer; `waiter` waits for the rest.
    Batch submit_batch(std::span<const Item> items, SlotWaiter* waiter = nullptr);

    /// CompletionMode::poll: completes what the device has done, `most` operations at the most, on
    /// this thread: complete() and slot_ready() are called here, and on the interrupt executor only
    /// for what a reset ends. Says how many entries it found. Any number of threads at a time.
    /// Without effect in the other modes.
    std::uint32_t poll(std::uint32_t most);

    /// Takes `waiter` out of the queue, or gives its reservation to the next. After it returns,
    /// slot_ready() will not be called (it may be running, on another thread, right now).
    void forget(SlotWaiter& waiter);

    /// Whether a slot is kept now that `waiter` may use; a reservation that lapsed is none.
    bool holds_reservation(const SlotWaiter& waiter) const;

    /// Where callbacks run: one after the other, in order.
    boost::asio::any_io_executor callback_executor() const;

    std::uint32_t index() const;
    /// Credits: entries - 1.
    std::uint32_t capacity() const;
    QueueCounters counters() const;

  private:
    friend class Device;
    friend class Recovery;
    class Impl;
    explicit QueuePair(std::unique_ptr<Impl> impl);

    std::unique_ptr<Impl> impl_;
};

}  // namespace ringside::driver
