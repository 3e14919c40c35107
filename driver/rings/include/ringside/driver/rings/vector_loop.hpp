// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// One interrupt vector's handler, on the interrupt executor, again and again until it is stopped.

#include <cstdint>
#include <functional>
#include <utility>

#include "ringside/driver/link/environment.hpp"
#include "ringside/driver/link/link.hpp"

namespace ringside::driver {

class VectorLoop {
  public:
    /// `handler` returns whether to wait for the next interrupt; if not, wait() goes on. Link and
    /// environment must outlive the loop, which is to be stopped before it goes.
    VectorLoop(Link& link, Environment& environment, std::uint32_t vector,
               std::function<bool()> handler)
        : link_(link), environment_(environment), vector_(vector), handler_(std::move(handler)) {}
    VectorLoop(const VectorLoop&) = delete;
    VectorLoop& operator=(const VectorLoop&) = delete;

    /// Interrupt executor, or before it runs; not while it waits.
    void wait();
    /// The first wait(). Any thread.
    void start();
    /// Returns when no handler runs or will run. `also` is called once on the interrupt executor,
    /// between handlers. Not on the interrupt executor.
    void stop(const std::function<void()>& also = [] {});

  private:
    void on_interrupt(error_code error);

    Link& link_;
    Environment& environment_;
    const std::uint32_t vector_;
    const std::function<bool()> handler_;

    // interrupt executor only
    bool waiting_ = false;
    Parker* stopper_ = nullptr;
};

}  // namespace ringside::driver
