// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The RS1 accelerator as plain C++: registers, rings, slices, interrupts and time, with no
// simulation framework. Whoever hosts it (the SystemC shell) passes the time in, executes it up to
// an instant and asks when it next has something to do. One thread at a time.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "ringside/base/time.hpp"
#include "ringside/base/trace.hpp"
#include "ringside/core/ports.hpp"
#include "ringside/core/timing.hpp"

namespace ringside::core {

/// How long the stages of an operation take, and how much of everything the chip has; as it stands
/// the standard chip, of which core/chips.hpp has others. Sizes and counts are not 0.
struct DeviceConfig {
    std::uint32_t queue_pairs = 8;  ///< the admin queue included; 2 to spec::max_queue_pairs
    std::uint32_t log2_max_entries = 12;
    std::uint32_t max_sessions = 4096;
    std::uint32_t max_length = 1u << 20;
    std::uint32_t max_list_entries = 32;  ///< pieces of a scatter-gather list
    std::uint32_t slices = 2;             ///< symmetric ones, working in parallel
    std::uint32_t asymmetric_slices = 2;
    std::uint32_t fetch_batch = 8;                      ///< descriptors a fetch reads at most
    Duration doorbell = std::chrono::nanoseconds(100);  ///< doorbell write to start of fetch
    Duration fetch = std::chrono::nanoseconds(500);     ///< one batch of descriptors
    Duration dma_read = std::chrono::nanoseconds(600);  ///< latency of a payload read
    Duration dma_write = std::chrono::nanoseconds(300);
    Duration link_per_byte = Duration(63);  ///< raw rate, about 16 GB/s each way
    std::uint32_t packet_overhead = 0;      ///< bytes around the payload of a packet
    std::uint32_t max_payload = 256;        ///< bytes of payload in a packet
    std::uint32_t max_read_request = 512;   ///< bytes that one read request asks for
    std::uint32_t read_tags = 0;            ///< read requests without an answer; 0: no limit
    std::uint32_t posted_credits = 0;       ///< write packets not yet taken in; 0: no limit
    Duration credit_return = std::chrono::nanoseconds(200);  ///< until one is taken in
    Duration slice_fixed = std::chrono::nanoseconds(400);
    Duration slice_per_byte = Duration(250);           ///< 4 GB/s a slice
    ServiceTimes services = standard_service_times();  ///< where a command takes other times
    Duration completion = std::chrono::nanoseconds(150);
    Duration interrupt = std::chrono::nanoseconds(200);
    Duration enable = std::chrono::microseconds(10);  ///< ENABLING to READY
    Duration reset = std::chrono::microseconds(20);   ///< RESET to DISABLED
};

/// What an access goes to: the memory behind a base address register, or configuration space.
enum class Bar : std::uint8_t { registers = 0, msix = 2, config };

class Device {
  public:
    /// The ports and the trace must outlive the device. After power-on only configuration space
    /// answers, and no DMA or message leaves, until a host has enumerated the function.
    Device(const DeviceConfig& config, DmaPort& dma, MsiPort& msi, Trace& trace);
    ~Device();
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    // ---- the register port; `now` never goes backwards ----

    /// Any offset, any length: what is no aligned 32-bit access to a register raises
    /// ERR_SRC.BAD_ACCESS and reads as zero; configuration space takes one to four bytes of one
    /// double word. False: nobody answers, as the access is outside or memory space is off.
    bool read(Bar bar, Time now, std::uint32_t offset, std::span<std::byte> into);
    bool write(Bar bar, Time now, std::uint32_t offset, std::span<const std::byte> from);
    /// As read(), without any side effect or error; also while memory space is off.
    bool peek(Bar bar, Time now, std::uint32_t offset, std::span<std::byte> into) const;

    // ---- time ----

    /// Does everything that is due at or before `now`.
    void advance(Time now);
    /// When advance() next has something to do; empty: not before somebody writes a register.
    std::optional<Time> next_event() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ringside::core
