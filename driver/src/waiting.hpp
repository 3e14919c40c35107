// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// How a thread of the application waits for the device or for the interrupt executor: parked, never
// spinning. Not for use on the interrupt executor.

#include <algorithm>
#include <boost/asio/post.hpp>
#include <memory>

#include "ringside/driver/limits.hpp"
#include "ringside/driver/link/environment.hpp"

namespace ringside::driver {

/// Runs `task` on the interrupt executor and returns when it has run.
template <typename Task>
void run_in_interrupt_context(Environment& environment, Task&& task) {
    const std::unique_ptr<Parker> parker = environment.make_parker();
    boost::asio::post(environment.interrupt_executor(), [&] {
        task();
        parker->unpark();
    });
    parker->park();
}

/// Asks `done` until it says true; false when `limit` has passed before.
template <typename Done>
bool poll_until(Environment& environment, Duration limit, Done&& done) {
    const Time deadline = environment.now() + limit;
    const std::unique_ptr<Parker> parker = environment.make_parker();
    const std::unique_ptr<Timer> timer = environment.make_timer([&parker] { parker->unpark(); });
    for (;;) {
        const Time now = environment.now();
        if (done()) {
            return true;
        }
        if (now >= deadline) {
            return false;
        }
        timer->arm(std::min(now + poll_interval, deadline));
        parker->park();
    }
}

}  // namespace ringside::driver
