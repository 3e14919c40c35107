// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The states of the chip, its resets, its errors, and what tells that it lives.

#include <algorithm>

#include "device_impl.hpp"
#include "self_test.hpp"

namespace ringside::core {

spec::DeviceState Device::Impl::state() const {
    return static_cast<spec::DeviceState>(
        spec::field("CSTS", "STATE").get(registers_.get32(spec::at("CSTS").of())));
}

void Device::Impl::change_state(spec::DeviceState next) {
    if (state() == spec::DeviceState::ready) {
        heartbeats_before_ = heartbeats(now_);
    }
    if (next == spec::DeviceState::ready) {
        ready_since_ = now_;
    }
    const bool busy = next == spec::DeviceState::reset;
    const bool fatal = next == spec::DeviceState::error || next == spec::DeviceState::dead;
    registers_.set32(spec::at("CSTS").of(),
                     static_cast<std::uint32_t>(
                         spec::field("CSTS", "STATE").set(static_cast<std::uint64_t>(next)) |
                         spec::field("CSTS", "FATAL").set(fatal ? 1 : 0) |
                         spec::field("CSTS", "RESET_BUSY").set(busy ? 1 : 0)));
    record(TraceKind::device_state, nobody, static_cast<std::uint64_t>(next));
}

void Device::Impl::control(std::uint32_t old, std::uint32_t value) {
    const spec::Field enable = spec::field("CC", "EN");
    const spec::Field drain = spec::field("CC", "DRAIN");
    if (state() == spec::DeviceState::reset || state() == spec::DeviceState::error ||
        state() == spec::DeviceState::dead) {
        return;  // RESET alone leads out of ERROR, and nothing out of DEAD
    }
    if (enable.get(value) < enable.get(old)) {
        change_state(spec::DeviceState::disabled);
    } else if (enable.get(value) != 0 && state() == spec::DeviceState::disabled) {
        change_state(spec::DeviceState::enabling);
        calendar_.add(now_ + config_.enable, {Stage::enabled, nobody, ++enable_epoch_, 0});
    } else if (drain.get(value) != 0 && state() == spec::DeviceState::ready) {
        change_state(spec::DeviceState::draining);
    } else if (drain.get(value) == 0 && state() == spec::DeviceState::draining) {
        change_state(spec::DeviceState::ready);
        arbitrate();
    }
}

/// Nothing survives: no operation, no session, no pending interrupt, and no DMA from now on.
void Device::Impl::begin_reset() {
    if (state() == spec::DeviceState::dead) {
        return;
    }
    ++reset_epoch_;
    drop_operations();
    free_all_slices();
    downstream_.forget(now_);
    upstream_.forget(now_);
    for (Queue& queue : queues_) {
        const std::uint32_t epoch = queue.epoch + 1;
        queue = Queue{};
        queue.epoch = epoch;
    }
    eligible_ = 0;
    fetching_ = false;
    fetched_in_turn_ = 0;
    sessions_.forget_all();
    msix_.clear_pending();
    registers_.reset(spec::ResetDomain::device);
    statistics_ = {};
    change_state(spec::DeviceState::reset);
    heartbeats_before_ = 0;
    is_frozen_ = false;
    const auto slow = strike(spec::FaultKind::slow_reset, nobody);
    const bool fails = strike(spec::FaultKind::fail_reset, nobody).has_value();
    calendar_.add(now_ + config_.reset + config_.self_test + (slow ? slow->us() : Duration{}),
                  {Stage::reset_done, nobody, reset_epoch_, fails ? 1u : 0u});
}

/// The self-test decides: a slice that computes wrongly is fatal whatever ERR_SEV says. So does
/// what was fatal since the reset began, which had to wait for its end.
void Device::Impl::finish_reset() {
    const bool passes = passes_self_test(library_, config_.self_test_scope, broken_slices_);
    const bool had_fatal_error = registers_.get32(spec::at("N_FATAL").of()) != 0;
    if (passes && !had_fatal_error) {
        change_state(spec::DeviceState::disabled);
        return;
    }
    change_state(spec::DeviceState::error);
    if (!passes) {
        raise_error(spec::ErrorSource::self_test, 0, nobody, nobody);
    }
}

/// What is under way ends without a completion, and without any DMA from now on.
void Device::Impl::drop_operations() {
    for (std::uint32_t slot = 0; slot < operations_.size(); ++slot) {
        if (operations_[slot].serial != 0) {
            release(operations_[slot], slot);
        }
    }
    for (SlicePool& pool : slices_) {
        pool.waiting.clear();  // a slice that works on what is gone stays busy: see begin_reset()
    }
}

/// The state changes at once; what is under way is dropped by an action of its own at the same
/// instant, since the stage that met the error still works on its operation.
void Device::Impl::go_to_error() {
    if (state() != spec::DeviceState::error && state() != spec::DeviceState::reset &&
        state() != spec::DeviceState::dead) {
        change_state(spec::DeviceState::error);
        calendar_.add(now_, {Stage::fatal, nobody, reset_epoch_, 0});
    }
}

void Device::Impl::snapshot() {
    registers_.set64(spec::at("STAT_OPS").of(), statistics_.operations);
    registers_.set64(spec::at("STAT_BYTES").of(), statistics_.bytes);
    registers_.set64(spec::at("STAT_ERRS").of(), statistics_.errors);
    registers_.set64(spec::at("STAT_BUSY_NS").of(),
                     static_cast<std::uint64_t>(to_ns(statistics_.busy)));
    registers_.set64(spec::at("STAT_DMA_RD").of(), statistics_.dma_read);
    registers_.set64(spec::at("STAT_DMA_WR").of(), statistics_.dma_written);
    registers_.set64(spec::at("STAT_MSIX").of(), statistics_.messages);
}

std::uint32_t Device::Impl::heartbeats(Time now) const {
    if (state() != spec::DeviceState::ready || is_frozen_) {
        return heartbeats_before_;
    }
    const std::uint32_t period_us = registers_.get32(spec::at("HB_PERIOD_US").of());
    return heartbeats_before_ +
           static_cast<std::uint32_t>((now - ready_since_) /
                                      Duration(std::chrono::microseconds(std::max(period_us, 1u))));
}

/// HB_PERIOD_US has been written: the beats so far were the old period's.
void Device::Impl::set_heartbeat_period(std::uint32_t old_us) {
    const std::uint32_t new_us = registers_.get32(spec::at("HB_PERIOD_US").of());
    registers_.set32(spec::at("HB_PERIOD_US").of(), old_us);
    heartbeats_before_ = heartbeats(now_);
    ready_since_ = now_;
    registers_.set32(spec::at("HB_PERIOD_US").of(), new_us);
}

void Device::Impl::raise_error(spec::ErrorSource source, std::uint64_t address, std::uint16_t queue,
                               std::uint16_t cid) {
    latch_error(source, address, queue, cid);
    const std::uint32_t bit = spec::bit_of(source);
    const bool corrected = source == spec::ErrorSource::correctable;
    const bool fatal = (registers_.get32(spec::at("ERR_SEV").of()) & bit) != 0;
    const auto counter = fatal       ? spec::at("N_FATAL").of()
                         : corrected ? spec::at("N_CORR").of()
                                     : spec::at("N_NONFATAL").of();
    registers_.set32(counter, registers_.get32(counter) + 1);
    record(TraceKind::error, queue, static_cast<std::uint64_t>(source), address);
    if (fatal) {
        go_to_error();
    }
    if ((registers_.get32(spec::at("ERR_MASK").of()) & bit) == 0) {
        calendar_.add(now_ + config_.interrupt,
                      {Stage::interrupt, spec::error_vector, reset_epoch_, 0});
    }
}

/// Sets the source's bit, keeps the first error's origin, and writes the log.
void Device::Impl::latch_error(spec::ErrorSource source, std::uint64_t address, std::uint16_t queue,
                               std::uint16_t cid) {
    const auto bit = static_cast<std::uint32_t>(source);
    const std::uint32_t sources = registers_.get32(spec::at("ERR_SRC").of());
    if (sources == 0) {
        registers_.set64(spec::at("ERR_ADDR").of(), address);
        registers_.set32(spec::at("ERR_INFO").of(), std::uint32_t{queue} << 16 | cid);
        registers_.set32(spec::at("ERR_CODE").of(), bit);
    }
    registers_.set32(spec::at("ERR_SRC").of(), sources | 1u << bit);
    log_.push_front({.time_ns = static_cast<std::uint64_t>(to_ns(now_)),
                     .address = address,
                     .source = bit,
                     .queue = queue,
                     .cid = cid,
                     .serial = ++errors_logged_});
    if (log_.size() > spec::log_entries) {
        log_.pop_back();
    }
}

}  // namespace ringside::core
