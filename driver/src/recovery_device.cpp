// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The device's side of recovery: its state, its heartbeat, its reset, and its end.

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "mmio.hpp"
#include "recovery.hpp"
#include "ringside/driver/requests.hpp"

namespace ringside::driver {

// ---- how the device is ----

/// Empty: it is gone.
std::optional<spec::DeviceState> Recovery::device_state() {
    const auto csts = read_register(link_, spec::at("CSTS").of());
    if (!csts) {
        lose_device();
        return std::nullopt;
    }
    if (spec::field("CSTS", "RESET_BUSY").get(*csts) != 0) {
        return spec::DeviceState::reset;
    }
    return static_cast<spec::DeviceState>(spec::field("CSTS", "STATE").get(*csts));
}

void Recovery::check_device() {
    if (shut_down_ || gone_ || stage_ != DeviceStage::ready) {
        return;
    }
    const auto state = device_state();
    if (!state) {
        return;
    }
    if (*state == spec::DeviceState::ready) {
        check_heartbeat();
    } else if (*state == spec::DeviceState::dead) {
        handle(DeviceEvent::give_up);
    } else {
        // ERROR, or somebody else has reset the function: what was set up is lost.
        count(&RecoveryCounters::fatal_errors, *state == spec::DeviceState::error ? 1 : 0);
        want_device_reset();
    }
}

void Recovery::check_heartbeat() {
    const auto beats = read_register(link_, spec::at("HB_COUNT").of());
    if (!beats) {
        lose_device();
        return;
    }
    const Time now = environment_.now();
    if (!heartbeat_ || heartbeat_->count != *beats) {
        heartbeat_ = Heartbeat{*beats, now};
    } else if (now - heartbeat_->since >= policy_.heartbeat_timeout) {
        count(&RecoveryCounters::heartbeat_stalls);
        want_device_reset();
    }
}

void Recovery::look_after_error(std::uint64_t queues) {
    check_device();
    for (Rung& rung : rungs_) {
        const bool named = (queues >> rung.queue.config().index & 1) != 0;
        const bool takes_requests = rung.stage <= QueueStage::aborting;
        if (!named || !takes_requests || stage_ != DeviceStage::ready || gone_) {
            continue;
        }
        const auto state = rung.queue.enabling();
        if (state == QueuePair::Impl::Enabling::gone) {
            lose_device();
        } else if (state != QueuePair::Impl::Enabling::enabled) {
            handle(rung, QueueEvent::queue_reset_wanted);
        }
    }
}

void Recovery::lose_device() {
    if (gone_.exchange(true)) {
        return;
    }
    for (Rung& rung : rungs_) {
        rung.queue.cut_off(Errc::dead);
    }
    count(&RecoveryCounters::removals);
    // Device::close() waits for this: it posts behind it.
    boost::asio::post(environment_.interrupt_executor(), [this] { handle(DeviceEvent::give_up); });
}

// ---- the device's table ----

void Recovery::want_device_reset() {
    if (stage_ != DeviceStage::ready) {
        return;  // it is under way, or of no use
    }
    const bool may = budget_.take(environment_.now());
    handle(may ? DeviceEvent::reset_wanted : DeviceEvent::give_up);
}

void Recovery::fail_device_stage() {
    count(&RecoveryCounters::failed_resets);
    const bool may = budget_.take(environment_.now());
    handle(may ? DeviceEvent::failed : DeviceEvent::give_up);
}

void Recovery::handle(DeviceEvent event) {
    const DeviceTransition* const row = next(stage_, event);
    if (row == nullptr || shut_down_) {
        return;
    }
    stage_ = row->to;
    perform(row->action);
    schedule();
}

void Recovery::perform(DeviceAction action) {
    deadline_ = environment_.now() + state_change_;
    switch (action) {
        case DeviceAction::stop_and_reset:
            stop_and_reset_device();
            break;
        case DeviceAction::end_operations_and_enable:
            end_operations_and_enable();
            break;
        case DeviceAction::set_up_queues:
            set_up_queues();
            break;
        case DeviceAction::restore_sessions:
            rungs_.front().queue.go_live();
            restore_next_session();
            break;
        case DeviceAction::resume:
            health_ = DeviceHealth::working;
            for (Rung& rung : rungs_) {
                handle(rung, QueueEvent::device_ready);
            }
            break;
        case DeviceAction::end:
            end();
            break;
    }
}

void Recovery::stop_and_reset_device() {
    health_ = DeviceHealth::resetting;
    for (Rung& rung : rungs_) {
        handle(rung, QueueEvent::device_stopped);
        rung.queue.stop();  // the admin queue pair may be live for what failed
    }
    heartbeat_.reset();
    sessions_.lose_all();
    update_quarantine();
    link_.mmio_write32(spec::at("RESET").of(), spec::reset_key);
}

void Recovery::end_operations_and_enable() {
    count(&RecoveryCounters::device_resets);
    update_quarantine();
    for (Rung& rung : rungs_) {
        rung.queue.end_operations(Errc::aborted);
    }
    link_.mmio_write32(spec::at("CC").of(),
                       static_cast<std::uint32_t>(spec::field("CC", "EN").set(1)));
}

void Recovery::set_up_queues() {
    for (Rung& rung : rungs_) {
        if (rung.queue.renew_rings()) {
            fail_device_stage();
            return;
        }
        rung.queue.program();
    }
}

/// One after the other, so that a device with many sessions needs one buffer and one credit.
void Recovery::restore_next_session() {
    while (auto lost = sessions_.next_lost()) {
        auto buffer = dma_.allocate(lost->parameters.size());
        if (buffer) {
            std::copy_n(lost->parameters.data(), lost->parameters.size(), buffer->bytes().data());
            restoration_.handle = lost->handle;
            restoration_.parameters = std::move(*buffer);
            restoration_.attempts_left = restore_attempts;
            if (try_to_restore()) {
                return;
            }
        }
        count(&RecoveryCounters::sessions_lost);
    }
    handle(DeviceEvent::done);
}

bool Recovery::try_to_restore() {
    const DmaBuffer& parameters = restoration_.parameters;
    const auto request =
        session_create(parameters.iova(), static_cast<std::uint32_t>(parameters.bytes().size()));
    deadline_ = environment_.now() + policy_.restore_timeout;
    --restoration_.attempts_left;
    const bool accepted = rungs_.front().queue.submit_own(request, restoration_).has_value();
    if (!accepted) {
        restoration_.parameters = {};
    }
    return accepted;
}

void Recovery::Restoration::complete(const Completion& completion) noexcept {
    owner.on_restored(completion);
}

void Recovery::on_restored(const Completion& completion) {
    if (shut_down_ || stage_ != DeviceStage::restoring) {
        restoration_.parameters = {};
        return;  // another reset has come in between, and begins again
    }
    if (completion.status == Errc::dma_fault && restoration_.attempts_left != 0 &&
        try_to_restore()) {
        return;
    }
    restoration_.parameters = {};
    if (completion.status) {
        count(&RecoveryCounters::sessions_lost);
    } else {
        sessions_.finish(restoration_.handle, completion.result);
        count(&RecoveryCounters::sessions_restored);
    }
    restore_next_session();
}

/// The device may be there and do DMA, without answering: so it loses all memory before anybody is
/// told that his operation has ended.
void Recovery::end() {
    health_ = DeviceHealth::dead;
    timer_->cancel();
    for (Rung& rung : rungs_) {
        rung.queue.cut_off(Errc::dead);
    }
    dma_.revoke();
    dma_.quarantine(false);
    for (Rung& rung : rungs_) {
        rung.queue.revoke_rings();
    }
    for (Rung& rung : rungs_) {
        handle(rung, QueueEvent::device_ended);
    }
}

// ---- time ----

void Recovery::tick_device() {
    const bool expired = environment_.now() >= deadline_;
    bool done = false;
    bool failed = expired;
    if (stage_ == DeviceStage::resetting || stage_ == DeviceStage::enabling) {
        const auto state = device_state();
        if (!state) {
            return;
        }
        if (*state == spec::DeviceState::dead) {
            handle(DeviceEvent::give_up);
            return;
        }
        done = *state == (stage_ == DeviceStage::resetting ? spec::DeviceState::disabled
                                                           : spec::DeviceState::ready);
    } else if (stage_ == DeviceStage::setting_up) {
        done = true;
        for (Rung& rung : rungs_) {
            const auto state = rung.queue.enabling();
            if (state == QueuePair::Impl::Enabling::gone) {
                lose_device();
                return;
            }
            done = done && state == QueuePair::Impl::Enabling::enabled;
            failed = failed || state == QueuePair::Impl::Enabling::refused;
        }
    } else if (stage_ != DeviceStage::restoring) {
        return;
    }
    if (done) {
        handle(DeviceEvent::done);
    } else if (failed) {
        fail_device_stage();
    }
}

}  // namespace ringside::driver
