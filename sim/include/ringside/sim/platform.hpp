// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A machine with the accelerator in it, in one of two kinds of time: VirtualPlatform, where
// everything happens on one thread in an order that the seed fixes, or LivePlatform, where device,
// interrupts and applications are threads, as around real hardware. Applications and tests written
// against this interface run on both.

#include <cstdint>

#include "ringside/core/device.hpp"
#include "ringside/driver/link/environment.hpp"
#include "ringside/driver/link/link.hpp"

namespace ringside::sim {

class Platform {
  public:
    virtual ~Platform() = default;

    /// What the driver talks to. Valid as long as the platform.
    virtual driver::Link& link() = 0;
    virtual driver::Environment& environment() = 0;

    /// The device's time; the environment's now() may be behind or ahead of it in live time.
    virtual Time device_time() = 0;

    /// What epoll_wait(2) would do without a timeout: waits until `fd` is readable. Not on the
    /// interrupt executor.
    virtual void wait_readable(int fd) = 0;

    /// BAR0 without side effects, and without letting anybody else run first: for tests and dumps.
    virtual std::uint32_t peek32(std::uint32_t offset) = 0;

    /// What VFIO_DEVICE_RESET does: a function-level reset, and then configuration space and
    /// interrupt vectors as they were. The device's registers read reset values when it returns.
    virtual void reset_function() = 0;
};

/// Sleeps for `duration` of the environment's time. Not on the interrupt executor.
void sleep_for(driver::Environment& environment, Duration duration);

}  // namespace ringside::sim
