// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What a caller hands to a queue pair and gets back from it. The queue pair owns none of these
// objects and allocates none: a caller embeds them in its own.

#include <boost/system/error_code.hpp>
#include <cstdint>

#include "ringside/base/time.hpp"
#include "ringside/spec/wire.hpp"

namespace ringside::driver {

/// How an accepted operation ended. `status` is empty (success) or one of Errc.
struct Completion {
    boost::system::error_code status;
    std::uint32_t result = 0;   ///< bytes written to dst, or the session id
    Duration device_latency{};  ///< from doorbell to completion, by the device's clock
};

/// One accepted request. Must live until complete() is called.
class Operation {
  public:
    /// Called exactly once for every accepted submit, in interrupt context (the environment's
    /// interrupt executor) or where DeviceConfig::callback_executors says, with no driver lock
    /// held: it may submit again, free itself, or invoke whatever the application gave.
    virtual void complete(const Completion& completion) noexcept = 0;

  protected:
    ~Operation() = default;
};

/// Somebody who wants a slot in a full ring. In the queue from the moment submit() put it there
/// until slot_ready(), forget(), or a submit() of its own whose error is not transient
/// (is_transient()). After slot_ready() its slot may be kept for it: it submits, or forget() comes
/// before it is destroyed.
class SlotWaiter {
  public:
    /// What a freed slot means to this waiter.
    enum class Kind : std::uint8_t {
        /// The slot is kept for this waiter until it submits or the reservation lapses.
        reserving,
        /// A hint that there is a slot, for any waiter of this kind that comes (wait-ctx callback
        /// mode, where the application alone decides which job it resumes next: DESIGN contract 2).
        /// While reserving waiters wait, too, the slot is kept for this kind until it lapses;
        /// otherwise anybody may take it.
        notify_only,
    };

    explicit SlotWaiter(Kind kind) : kind_(kind) {}
    SlotWaiter(const SlotWaiter&) = delete;
    SlotWaiter& operator=(const SlotWaiter&) = delete;

    /// Called at most once per time in the queue, where Operation::complete() is, with no driver
    /// lock held: it may submit at once. A reserving waiter should do so soon: its reservation
    /// lapses.
    virtual void slot_ready() noexcept = 0;

    Kind kind() const { return kind_; }

  protected:
    ~SlotWaiter() = default;

  private:
    friend class WaiterQueue;
    enum class State : std::uint8_t { idle, queued, due, told };

    Kind kind_;
    State state_ = State::idle;
    bool reserved_ = false;
    SlotWaiter* previous_ = nullptr;
    SlotWaiter* next_ = nullptr;
    std::uint64_t ticket_ = 0;  ///< who came earlier has a smaller one
    Time lapses_at_{};
};

}  // namespace ringside::driver
