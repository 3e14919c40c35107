// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What a device is to whoever hosts it (the SystemC shell, and through it every platform): a PCI
// function with two memory BARs and configuration space, which is passed the time, does what is due
// up to an instant and tells when it next has something to do. One thread at a time.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "ringside/base/time.hpp"
#include "ringside/base/trace.hpp"
#include "ringside/blocks/ports.hpp"

namespace ringside::blocks {

/// What an access goes to: the memory behind a base address register, or configuration space.
enum class Bar : std::uint8_t { registers = 0, msix = 2, config };

/// What ends Function::run() before its limit (never or null: not that), and what it may rely on.
struct RunTerms {
    static constexpr bool never = false;
    const bool* sent = &never;                  ///< set by the device's own ports
    const std::atomic<bool>* unless = nullptr;  ///< set by another thread
    /// Asked before each instant; not empty.
    const std::function<bool(Time next)>* go_on = nullptr;
    /// What DmaPort::look() gives is not taken back until run() has returned: what is due to be
    /// read may be read later by so much.
    bool memory_stays = false;
    /// And nobody looks at host memory or changes it: it need not be right before. What
    /// DmaPort::look() gives has one address.
    bool host_stands_still = false;

    bool before(Time next) const {
        return *sent || (unless != nullptr && unless->load(std::memory_order_relaxed)) ||
               (go_on != nullptr && !(*go_on)(next));
    }
};

class Function {
  public:
    virtual ~Function() = default;

    // ---- the register port; `now` never goes backwards ----

    /// Any offset, any length; what is no aligned 32-bit access to a register reads as zero. MSI-X
    /// table and pending bits take aligned 64-bit ones, too. Configuration space takes one to four
    /// bytes of one double word. False: nobody answers, as the access is outside or memory space is
    /// off.
    virtual bool read(Bar bar, Time now, std::uint32_t offset, std::span<std::byte> into) = 0;
    virtual bool write(Bar bar, Time now, std::uint32_t offset,
                       std::span<const std::byte> from) = 0;
    /// As read(), without any side effect or error; also while memory space is off.
    virtual bool peek(Bar bar, Time now, std::uint32_t offset, std::span<std::byte> into) const = 0;

    // ---- time ----

    /// Does everything that is due at or before `now`.
    virtual void advance(Time now) = 0;
    /// When advance() next has something to do; empty: not before somebody writes a register.
    virtual std::optional<Time> next_event() const = 0;
    /// Does what is due up to `limit`, one instant after the other: `clock` is set to each before
    /// it is worked on, and it ends behind the one in which there has been enough.
    virtual void run(Time limit, Time& clock, const RunTerms& terms) {
        for (auto next = next_event(); next && *next <= limit && !terms.before(*next);
             next = next_event()) {
            clock = *next;
            advance(*next);
        }
    }
};

/// How a host gets its device: ports and trace outlive it.
using MakeFunction = std::function<std::unique_ptr<Function>(DmaPort&, MsiPort&, Trace&)>;

}  // namespace ringside::blocks
