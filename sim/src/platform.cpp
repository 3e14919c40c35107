// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/sim/platform.hpp"

namespace ringside::sim {

void sleep_for(driver::Environment& environment, Duration duration) {
    const auto parker = environment.make_parker();
    const auto timer = environment.make_timer([&parker] { parker->unpark(); });
    timer->arm(environment.now() + duration);
    parker->park();
}

}  // namespace ringside::sim
