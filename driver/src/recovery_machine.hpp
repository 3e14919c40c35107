// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The states of recovery as two tables, one for each queue pair and one for the device, and the
// budget that ends it. Pure: it knows no device, no clock and no lock; Recovery asks it what comes
// next and does it. docs/driver.md shows the same tables, and a test compares them.

#include <array>
#include <boost/container/static_vector.hpp>
#include <cstdint>
#include <span>

#include "ringside/base/time.hpp"

namespace ringside::driver {

enum class QueueStage : std::uint8_t {
    working,     ///< takes requests
    checking,    ///< takes requests; an operation is late
    aborting,    ///< takes requests; an ABORT is under way for the one that is overdue
    resetting,   ///< until the device has reset the queue pair: no DMA from then on
    restarting,  ///< until the device has enabled it again
    waiting,     ///< for the device's reset
    ended,       ///< for ever
};
enum class QueueEvent : std::uint8_t {
    late,
    answered,  ///< nothing is late any more
    abort_wanted,
    queue_reset_wanted,
    device_reset_wanted,
    done,  ///< what the stage waited for has come
    device_stopped,
    device_ready,
    device_ended,
};
enum class QueueAction : std::uint8_t {
    none,
    check,
    abort,
    reset,                      ///< take no requests; write Q_RESET
    end_operations_and_set_up,  ///< complete what has no entry as aborted; enable it again
    resume,                     ///< take requests, wake who waits
    ask_device,                 ///< take no requests; the device must be reset
    stop,                       ///< take no requests
    end,                        ///< complete everything as dead, wake who waits
};

enum class DeviceStage : std::uint8_t {
    ready,
    resetting,   ///< until the device is DISABLED: no DMA from then on
    enabling,    ///< until it is READY
    setting_up,  ///< until all queue pairs are enabled
    restoring,   ///< until all sessions exist again
    ended,
};
enum class DeviceEvent : std::uint8_t {
    reset_wanted,
    done,
    failed,   ///< the stage did not end in time, and another reset is within the budget
    give_up,  ///< the device is gone or DEAD, or the budget is spent
};
enum class DeviceAction : std::uint8_t {
    stop_and_reset,             ///< stop all queue pairs; write RESET
    end_operations_and_enable,  ///< complete what has no entry as aborted; write CC.EN
    set_up_queues,
    restore_sessions,
    resume,  ///< all queue pairs
    end,     ///< take the memory away from the device; end all queue pairs
};

template <typename Stage, typename Event, typename Action>
struct Transition {
    Stage from;
    Event event;
    Stage to;
    Action action;
};
using QueueTransition = Transition<QueueStage, QueueEvent, QueueAction>;
using DeviceTransition = Transition<DeviceStage, DeviceEvent, DeviceAction>;

/// What is not in a table is ignored: it comes too late to matter.
std::span<const QueueTransition> queue_transitions();
std::span<const DeviceTransition> device_transitions();

/// The row for `event` in `from`, or null.
const QueueTransition* next(QueueStage from, QueueEvent event);
const DeviceTransition* next(DeviceStage from, DeviceEvent event);

const char* name_of(QueueStage stage);
const char* name_of(QueueEvent event);
const char* name_of(QueueAction action);
const char* name_of(DeviceStage stage);
const char* name_of(DeviceEvent event);
const char* name_of(DeviceAction action);

/// How many resets are allowed within a window of time.
class ResetBudget {
  public:
    static constexpr std::uint32_t largest = 16;

    /// `most` above `largest` counts as that.
    ResetBudget(std::uint32_t most, Duration window);

    /// Whether one more may begin at `now`; if so, it is counted.
    bool take(Time now);

  private:
    std::uint32_t most_;
    Duration window_;
    boost::container::static_vector<Time, largest> begun_;  ///< within the window, oldest first
};

}  // namespace ringside::driver
