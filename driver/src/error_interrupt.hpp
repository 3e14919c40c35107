// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The handler of the error vector: takes note of what the device reports, clears it, and lets
// Recovery look at what was named. A storm of errors is read once a pause, not once a message.

#include <atomic>
#include <memory>

#include "interrupt_storm.hpp"
#include "recovery.hpp"
#include "ringside/driver/rings/vector_loop.hpp"

namespace ringside::driver {

class ErrorInterrupt {
  public:
    ErrorInterrupt(Link& link, Environment& environment, const RecoveryPolicy& policy,
                   Recovery& recovery);

    /// Interrupt executor.
    void start();
    /// Returns when no handler runs or will run. Not on the interrupt executor.
    void stop();
    /// Error sources seen. Any thread.
    std::uint64_t reported() const { return reported_.load(); }

  private:
    bool on_interrupt();
    void read_sources();
    void on_pause_over();

    Link& link_;
    Environment& environment_;
    Recovery& recovery_;
    std::atomic<std::uint64_t> reported_{0};

    // interrupt executor only
    InterruptStorm storm_;
    bool stopped_ = true;
    VectorLoop loop_;

    const std::unique_ptr<Timer> timer_;  ///< last: its callback uses everything else
};

}  // namespace ringside::driver
