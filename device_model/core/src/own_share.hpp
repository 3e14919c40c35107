// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// How much of what its helpers could compute the chip's thread computes itself. What it keeps need
// not go from core to core, but takes its time, which is the scarcest if there are many helpers: so
// it keeps nothing while helpers are done in time, and more each time that one is late. This
// decides who computes, never what comes out.

#include <algorithm>
#include <cstdint>

namespace ringside::core {

class OwnShare {
  public:
    /// What a helper was given was not done when its output was due.
    void note_late() { share_ = std::min(share_ + 64 * step, most); }

    /// Whether the next one stays here; asked once for each. Two in a row do, as chains are
    /// computed in pairs.
    bool keeps_next() {
        share_ -= std::min(share_, step);
        due_ += share_;
        if (is_second_) {
            is_second_ = false;
            return true;
        }
        if (due_ < 2 * all) {
            return false;
        }
        due_ -= 2 * all;
        is_second_ = true;
        return true;
    }

  private:
    // One in 64 is late where it settles: few enough, and enough to tell that helpers are at work
    // all the time. From nothing to a third takes some 50 that are late.
    static constexpr std::uint32_t all = 1 << 16;
    static constexpr std::uint32_t step = all / 8192;
    static constexpr std::uint32_t most = all / 4 * 3;

    std::uint32_t share_ = 0;  ///< of `all`
    std::uint32_t due_ = 0;    ///< to be kept, in parts of one
    bool is_second_ = false;
};

}  // namespace ringside::core
