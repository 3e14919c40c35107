// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// An open RS1 accelerator: brings the device from reset to READY, owns its queue pairs, interrupt
// handler and DMA pool, and takes it down again. Written against docs/datasheet.md only; runs on
// any Link.

#include <cstdint>
#include <memory>
#include <vector>

#include "ringside/driver/dma_pool.hpp"
#include "ringside/driver/queue_pair.hpp"
#include "ringside/driver/recovery.hpp"

namespace ringside::driver {

struct DeviceConfig {
    std::uint32_t io_queue_pairs = 1;
    std::uint32_t ring_entries = 64;     ///< power of two, from 2
    std::uint16_t moderation_count = 0;  ///< interrupt at this many completions; 0: at each
    std::uint16_t moderation_us = 0;     ///< or this long after the first; 0: no time limit
    /// Of the I/O queue pairs; the admin queue pair takes interrupts.
    CompletionMode completion_mode = CompletionMode::interrupt;
    /// Where the callbacks of an I/O queue pair run (Operation::complete(), SlotWaiter::
    /// slot_ready()), by its index; empty or missing: on the interrupt executor. In order and one
    /// at a time whatever the executor is, a pool of threads too. It must run until close() has
    /// returned, which must not be called on it.
    std::vector<boost::asio::any_io_executor> callback_executors;
    /// A reserved slot that its waiter does not use within this time goes to the next waiter.
    Duration reservation_lapse = std::chrono::milliseconds(10);
    RecoveryPolicy recovery;
};

/// What the device can do, by its registers. The driver checks what it needs itself at open().
struct DeviceCapabilities {
    std::uint32_t version;      ///< major in the upper half, minor in the lower
    std::uint32_t queue_pairs;  ///< the admin queue pair included
    std::uint32_t max_ring_entries;
    std::uint32_t max_length;  ///< bytes of the longest source or destination
    std::uint32_t max_sessions;
    std::uint32_t max_list_entries;  ///< of a scatter-gather list; 0: it takes none
    std::uint64_t symmetric;         ///< bits of ALG_SYM
    std::uint64_t asymmetric;        ///< bits of ALG_ASYM
    std::uint64_t hash_kdf;          ///< bits of ALG_HASHKDF
};

/// The device's statistics registers, read by MMIO after a snapshot. A device reset clears them.
struct DeviceStatistics {
    std::uint64_t operations;
    std::uint64_t bytes;
    std::uint64_t errors;
    std::uint64_t busy_ns;
    std::uint64_t dma_read_bytes;
    std::uint64_t dma_written_bytes;
    std::uint64_t msix_messages;
};

class Device {
  public:
    /// Checks identity and version, resets, enables, sets up the admin queue pair and
    /// `config.io_queue_pairs` I/O queue pairs. Errors: Errc of the third group.
    static result<std::unique_ptr<Device>> open(Link& link, Environment& environment,
                                                const DeviceConfig& config);
    /// As close(). All DmaBuffers must have come back, and the environment must still run.
    ~Device();
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    /// Takes no more I/O requests, for ever (Errc::draining; who waits for a slot is told), and
    /// returns when all that were accepted have ended and their callbacks have returned. False:
    /// not within `limit`. Sessions can still be destroyed; close() is what comes next. Polls
    /// where completion_mode says so. Any thread, but neither the interrupt executor nor inside a
    /// callback.
    bool drain(Duration limit);

    /// Resets the device, so that it touches no memory any more, then fails what is in flight
    /// (Errc::dead). Idempotent. Not on the interrupt executor.
    void close();

    QueuePair& admin();
    /// `index` from 0 to io_queue_pairs - 1.
    QueuePair& queue_pair(std::uint32_t index);
    std::uint32_t queue_pair_count() const;
    DmaPool& dma();
    Environment& environment();
    const DeviceCapabilities& capabilities() const;
    /// capabilities().max_length.
    std::uint32_t max_length() const { return capabilities().max_length; }

    /// Any thread.
    DeviceHealth health() const;
    RecoveryCounters recovery_counters() const;
    /// Resets the device as if it had failed, and returns at once. What is in flight ends as
    /// Errc::aborted; it counts towards RecoveryPolicy::max_device_resets. Any thread, before
    /// close().
    void request_reset();

    /// Any thread. All zero once the device is closed (its reset clears them) or gone.
    DeviceStatistics read_statistics();
    /// Error sources that the device raised on its error vector since open(). Any thread.
    std::uint64_t reported_errors() const;

  private:
    class Impl;
    explicit Device(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace ringside::driver
