// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "error_interrupt.hpp"

#include <bit>

#include "mmio.hpp"

namespace ringside::driver {

ErrorInterrupt::ErrorInterrupt(Link& link, Environment& environment, const RecoveryPolicy& policy,
                               Recovery& recovery)
    : link_(link),
      environment_(environment),
      recovery_(recovery),
      storm_(policy),
      loop_(link, environment, spec::error_vector, [this] { return on_interrupt(); }),
      timer_(environment.make_timer([this] { on_pause_over(); })) {}

void ErrorInterrupt::start() {
    stopped_ = false;
    link_.mask_vector(spec::error_vector, false);
    loop_.wait();
}

bool ErrorInterrupt::on_interrupt() {
    if (recovery_.is_gone()) {
        return false;
    }
    recovery_.count(&RecoveryCounters::error_interrupts);
    read_sources();
    if (recovery_.is_gone()) {
        return false;
    }
    const Time now = environment_.now();
    if (storm_.interrupt(now)) {
        recovery_.count(&RecoveryCounters::error_storms);
        link_.mask_vector(spec::error_vector, true);
        timer_->arm(storm_.over_at());
        return false;
    }
    return true;
}

/// What is named is looked at afterwards, when the register is clear for the next error.
void ErrorInterrupt::read_sources() {
    const std::uint32_t offset = spec::at("ERR_SRC").of();
    std::uint64_t queues = 0;
    for (std::uint32_t round = 0; round < max_error_rounds; ++round) {
        const auto sources = read_register(link_, offset);
        const auto info = read_register(link_, spec::at("ERR_INFO").of());
        if (!sources || !info) {
            recovery_.lose_device();
            return;
        }
        if (*sources == 0) {
            break;
        }
        // ERR_INFO tells of the first error alone; what came with it may be any queue pair's.
        const std::uint64_t queue = spec::field("ERR_INFO", "QID").get(*info);
        const bool single = std::has_single_bit(*sources);
        queues |= single && queue < spec::max_queue_pairs ? std::uint64_t{1} << queue : 0;
        queues |= single ? 0 : ~std::uint64_t{0};
        reported_ += static_cast<std::uint64_t>(std::popcount(*sources));
        link_.mmio_write32(offset, *sources);
    }
    recovery_.look_after_error(queues);
}

void ErrorInterrupt::on_pause_over() {
    if (stopped_ || recovery_.is_gone()) {
        return;
    }
    storm_.end();
    read_sources();
    if (recovery_.is_gone()) {
        return;
    }
    link_.mask_vector(spec::error_vector, false);
    loop_.wait();
}

void ErrorInterrupt::stop() {
    loop_.stop([this] {
        stopped_ = true;
        timer_->cancel();
    });
}

}  // namespace ringside::driver
