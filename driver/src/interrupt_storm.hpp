// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Tells a storm of interrupts from single ones that came for nothing. Pure; one for each vector,
// asked by its handler.

#include <cstdint>

#include "ringside/base/time.hpp"
#include "ringside/driver/recovery.hpp"

namespace ringside::driver {

class InterruptStorm {
  public:
    explicit InterruptStorm(const RecoveryPolicy& policy)
        : most_(policy.storm_interrupts),
          window_(policy.storm_window),
          pause_(policy.storm_pause) {}

    /// An interrupt came at `now`; true: that was one too many, the vector is to be masked until
    /// over_at().
    bool interrupt(Time now) {
        if (most_ == 0) {
            return false;
        }
        if (count_ == 0 || now - first_at_ >= window_) {
            first_at_ = now;
            count_ = 0;
        }
        if (++count_ <= most_) {
            return false;
        }
        over_at_ = now + pause_;
        raging_ = true;
        count_ = 0;
        return true;
    }
    /// There was something to do.
    void calm() { count_ = 0; }

    bool is_raging() const { return raging_; }
    Time over_at() const { return over_at_; }
    void end() { raging_ = false; }

  private:
    std::uint32_t most_;
    Duration window_;
    Duration pause_;
    std::uint32_t count_ = 0;
    Time first_at_{};
    Time over_at_{};
    bool raging_ = false;
};

}  // namespace ringside::driver
