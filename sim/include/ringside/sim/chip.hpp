// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What a platform needs of a chip and of the machine next to it: registers in, time on request; and
// what the chip needs of the machine: host memory. The SystemC kernel is a chip; so is a recording
// that is played back. All calls on one thread.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "ringside/base/time.hpp"

namespace ringside::sim {

/// What a chip's DMA reaches.
class HostMemory {
  public:
    virtual ~HostMemory() = default;
    /// False: a fault, and nothing was moved.
    virtual bool read(std::uint64_t address, std::span<std::byte> into) const = 0;
    virtual bool write(std::uint64_t address, std::span<const std::byte> from) = 0;

    /// Memory that the chip may read and write by itself, in place of the calls above, until it is
    /// revoked; what is beyond it, or not for this direction, has to be asked for.
    struct Direct {
        std::uint64_t address;
        std::span<std::byte> memory;
        bool readable;
        bool writable;
    };
    /// Empty: every access has to be asked for.
    virtual std::optional<Direct> direct(std::uint64_t /*address*/) const { return std::nullopt; }
    /// Calls `revoke` with each Direct::address that is no longer, at a time when the chip does
    /// nothing; empty: nobody.
    // NOLINTNEXTLINE(performance-unnecessary-value-param): who overrides it keeps it
    virtual void on_revoke(std::function<void(const Direct&)> /*revoke*/) {}
};

/// Called for each MSI-X message, on the chip's thread, inside a call of the chip; must not call
/// back into it.
using MsiSink = std::function<void(std::uint32_t vector)>;

class Chip {
  public:
    virtual ~Chip() = default;

    /// BAR0, at now(). A read of nothing gives all ones, as a PCIe root complex answers.
    virtual std::uint32_t read32(std::uint32_t offset) = 0;
    virtual void write32(std::uint32_t offset, std::uint32_t value) = 0;
    /// A read without side effects, for tests and dumps.
    virtual std::uint32_t peek32(std::uint32_t offset) = 0;
    /// The vector's mask bit in the MSI-X table.
    virtual void mask_vector(std::uint32_t vector, bool masked) = 0;
    /// What VFIO_DEVICE_RESET does: a function-level reset, and then configuration space and MSI-X
    /// table as they were.
    virtual void reset_function() = 0;

    virtual Time now() const = 0;
    /// When the chip next has something to do; now() if it has at once; empty: never by itself.
    virtual std::optional<Time> next_event() const = 0;
    /// Does all that is due up to and including `time`, and lets now() be `time` (never backwards).
    virtual void advance_to(Time time) = 0;
    /// What a run asks before each further event, if anything.
    struct GoOn {
        const std::atomic<bool>* unless = nullptr;  ///< not if it is set
        std::function<bool(Time next)> may_happen;  ///< not if this says so; with its time

        bool asks() const { return unless != nullptr || may_happen; }
    };
    /// Does what is due at `next`, which is next_event(), and may go on with what is due later, up
    /// to and including `limit`: as long as `go_on` says, or, if that asks nothing, not beyond an
    /// instant at which it sent a message. now() is where it stopped. For when nobody else can do
    /// anything before `limit`, or it does not matter when.
    virtual void run(Time next, Time /*limit*/, const GoOn& /*go_on*/) { advance_to(next); }
};

}  // namespace ringside::sim
