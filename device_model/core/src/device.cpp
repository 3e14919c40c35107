// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The register port: what reads give, what writes do, the states of the chip and of its queues.

#include "ringside/core/device.hpp"

#include <bit>
#include <cstring>

#include "device_impl.hpp"
#include "ringside/base/assert.hpp"

namespace ringside::core {
namespace {

constexpr std::uint32_t bar_size(Bar bar) {
    return bar == Bar::registers ? spec::bar0_size : spec::bar2_size;
}

bool fits(Bar bar, std::uint32_t offset, std::size_t length) {
    return length <= bar_size(bar) && offset <= bar_size(bar) - length;
}

bool is_word(std::uint32_t offset, std::size_t length) {
    return length == 4 && offset % 4 == 0;
}

}  // namespace

Device::Impl::Impl(const DeviceConfig& config, DmaPort& dma, MsiPort& msi, Trace& trace)
    : config_(config),
      dma_(dma, pci_),
      trace_(trace),
      registers_(config),
      msix_(msi),
      sessions_(library_, config.max_sessions),
      queues_(config.queue_pairs),
      state_writer_(trace.add_state_writer("device", [this](std::FILE* out) { dump(out); })) {
    RINGSIDE_ASSERT(trace_, config.queue_pairs >= 2 && config.queue_pairs <= spec::max_queue_pairs,
                    "%u queue pairs", config.queue_pairs);
    begin_reset();
}

bool Device::Impl::read(Bar bar, Time now, std::uint32_t offset, std::span<std::byte> into) {
    advance(now);
    if (bar == Bar::config) {
        return peek_config(offset, into);
    }
    if (!pci_.decodes_memory() || !fits(bar, offset, into.size())) {
        pci_.log_unsupported_request(false);
        return false;
    }
    const bool known =
        bar == Bar::registers ? is_register(offset, into.size()) : is_word(offset, into.size());
    if (!known) {
        raise_error(spec::ErrorSource::bad_access, offset, nobody, nobody);
    }
    const bool answered = peek(bar, now, offset, into);
    if (bar == Bar::registers && known) {
        std::uint32_t value = 0;
        std::memcpy(&value, into.data(), sizeof value);
        record(TraceKind::mmio_read, nobody, offset, value);
    }
    return answered;
}

bool Device::Impl::peek(Bar bar, Time /*now*/, std::uint32_t offset,
                        std::span<std::byte> into) const {
    if (bar == Bar::config) {
        return peek_config(offset, into);
    }
    if (!fits(bar, offset, into.size())) {
        return false;
    }
    std::fill(into.begin(), into.end(), std::byte{0});
    std::uint32_t value = 0;
    if (bar == Bar::registers && is_register(offset, into.size())) {
        value = register_value(offset);
    } else if (bar == Bar::msix && is_word(offset, into.size())) {
        value = msix_.read(offset);
    } else {
        return true;
    }
    std::memcpy(into.data(), &value, sizeof value);
    return true;
}

bool Device::Impl::write(Bar bar, Time now, std::uint32_t offset, std::span<const std::byte> from) {
    advance(now);
    if (bar == Bar::config) {
        return write_config(offset, from);
    }
    if (!pci_.decodes_memory() || !fits(bar, offset, from.size())) {
        pci_.log_unsupported_request(true);
        return false;
    }
    const bool known =
        bar == Bar::registers ? is_register(offset, from.size()) : is_word(offset, from.size());
    if (!known) {
        raise_error(spec::ErrorSource::bad_access, offset, nobody, nobody);
        return true;
    }
    std::uint32_t value = 0;
    std::memcpy(&value, from.data(), sizeof value);
    if (bar == Bar::registers) {
        record(TraceKind::mmio_write, nobody, offset, value);
        write_register(spec::locate(offset), offset, value);
    } else if (msix_.write(offset, value)) {
        ++statistics_.messages;
    }
    return true;
}

/// Whether an access is an aligned word of a register that this chip has.
bool Device::Impl::is_register(std::uint32_t offset, std::size_t length) const {
    if (!is_word(offset, length)) {
        return false;
    }
    const spec::Location location = spec::locate(offset);
    return location.reg != nullptr &&
           (location.block->count == 1 || location.instance < config_.queue_pairs);
}

std::uint32_t Device::Impl::register_value(std::uint32_t offset) const {
    const spec::Location location = spec::locate(offset);
    if (offset == spec::at("CSTS").of()) {
        const auto drained = spec::field("CSTS", "DRAINED").set(in_pipeline_ == 0 ? 1 : 0);
        return registers_.get32(offset) | static_cast<std::uint32_t>(drained);
    }
    if (location.block->count > 1) {
        return live_queue_register(location);
    }
    return registers_.read(location, offset);
}

/// Registers that show a queue's inside are computed when they are read.
std::uint32_t Device::Impl::live_queue_register(const spec::Location& location) const {
    const Queue& queue = queues_[location.instance];
    const std::uint32_t offset =
        location.block->base + location.block->stride * location.instance + location.reg->offset;
    const auto is = [&](spec::Address address) { return offset == address.of(location.instance); };
    if (is(spec::at("Q_STS"))) {
        return static_cast<std::uint32_t>(queue.state);
    }
    if (is(spec::at("SQ_HEAD"))) {
        return queue.sq_head;
    }
    if (is(spec::at("SQ_TAIL"))) {
        return queue.sq_tail;
    }
    if (is(spec::at("CQ_HEAD"))) {
        return queue.cq_head;
    }
    if (is(spec::at("CQ_TAIL"))) {
        return queue.cq_tail;
    }
    if (is(spec::at("INFLIGHT"))) {
        return queue.credits_in_use;
    }
    return registers_.read(location, location.upper_half ? offset + 4 : offset);
}

void Device::Impl::write_register(const spec::Location& location, std::uint32_t offset,
                                  std::uint32_t value) {
    const std::uint32_t queue = location.instance;
    if (offset == spec::at("SQ_DB").of(queue)) {
        submission_doorbell(queue, value);
        return;
    }
    if (offset == spec::at("CQ_DB").of(queue)) {
        completion_doorbell(queue, value);
        return;
    }
    const std::uint32_t old = registers_.get32(offset);
    registers_.write(location, offset, value);
    if (location.block->count > 1) {
        write_queue(location, queue, old, value);
    } else {
        write_global(offset, old, value);
    }
}

void Device::Impl::write_global(std::uint32_t offset, std::uint32_t old, std::uint32_t value) {
    if (offset == spec::at("CC").of()) {
        control(old, registers_.get32(offset));
    } else if (offset == spec::at("RESET").of() && value == spec::reset_key) {
        begin_reset();
    } else if (offset == spec::at("STAT_SNAP").of()) {
        snapshot();
    } else if (offset == spec::at("ERR_SRC").of() && registers_.get32(offset) == 0) {
        registers_.set64(spec::at("ERR_ADDR").of(), 0);
        registers_.set32(spec::at("ERR_INFO").of(), 0xFFFFFFFFu);
        registers_.set32(spec::at("ERR_CODE").of(), 0);
    }
}

void Device::Impl::write_queue(const spec::Location& location, std::uint32_t queue,
                               std::uint32_t old, std::uint32_t value) {
    const std::uint32_t offset =
        location.block->base + location.block->stride * queue + location.reg->offset;
    if (offset == spec::at("Q_CTRL").of(queue)) {
        const spec::Field enable = spec::field("Q_CTRL", "EN");
        if (enable.get(value) > enable.get(old)) {
            enable_queue(queue);
        } else if (enable.get(value) < enable.get(old)) {
            reset_queue(queue);
        }
    } else if (offset == spec::at("Q_RESET").of(queue) && (value & 1) != 0) {
        reset_queue(queue);
    }
}

spec::DeviceState Device::Impl::state() const {
    return static_cast<spec::DeviceState>(
        spec::field("CSTS", "STATE").get(registers_.get32(spec::at("CSTS").of())));
}

void Device::Impl::change_state(spec::DeviceState next) {
    const bool busy = next == spec::DeviceState::reset;
    registers_.set32(spec::at("CSTS").of(),
                     static_cast<std::uint32_t>(
                         spec::field("CSTS", "STATE").set(static_cast<std::uint64_t>(next)) |
                         spec::field("CSTS", "RESET_BUSY").set(busy ? 1 : 0)));
    record(TraceKind::device_state, nobody, static_cast<std::uint64_t>(next));
}

void Device::Impl::control(std::uint32_t old, std::uint32_t value) {
    const spec::Field enable = spec::field("CC", "EN");
    const spec::Field drain = spec::field("CC", "DRAIN");
    if (enable.get(value) < enable.get(old) && state() != spec::DeviceState::reset) {
        change_state(spec::DeviceState::disabled);
    } else if (enable.get(value) != 0 && state() == spec::DeviceState::disabled) {
        change_state(spec::DeviceState::enabling);
        calendar_.add(now_ + config_.enable, {Stage::enabled, nobody, reset_epoch_, 0});
    } else if (drain.get(value) != 0 && state() == spec::DeviceState::ready) {
        change_state(spec::DeviceState::draining);
    } else if (drain.get(value) == 0 && state() == spec::DeviceState::draining) {
        change_state(spec::DeviceState::ready);
        for (std::uint32_t index = 0; index < queues_.size(); ++index) {
            start_fetching(index);
        }
    }
}

/// Nothing survives: no operation, no session, no pending interrupt, and no DMA from now on.
void Device::Impl::begin_reset() {
    ++reset_epoch_;
    for (std::uint32_t slot = 0; slot < operations_.size(); ++slot) {
        if (operations_[slot].serial != 0) {
            release(slot);
        }
    }
    waiting_for_slice_.clear();  // a slice that works on what is gone stays busy until it is done
    for (Queue& queue : queues_) {
        const std::uint32_t epoch = queue.epoch + 1;
        queue = Queue{};
        queue.epoch = epoch;
    }
    sessions_.forget_all();
    msix_.clear_pending();
    registers_.reset(spec::ResetDomain::device);
    statistics_ = {};
    change_state(spec::DeviceState::reset);
    calendar_.add(now_ + config_.reset, {Stage::reset_done, nobody, reset_epoch_, 0});
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

void Device::Impl::enable_queue(std::uint32_t index) {
    Queue& queue = queues_[index];
    if (queue.state != spec::QueueState::disabled) {
        return;
    }
    const std::uint32_t size = registers_.get32(spec::at("Q_SIZE").of(index));
    const std::uint64_t sq_entries = spec::field("Q_SIZE", "SQ").get(size) + 1;
    const std::uint64_t cq_entries = spec::field("Q_SIZE", "CQ").get(size) + 1;
    const std::uint32_t vec = registers_.get32(spec::at("CQ_VEC").of(index));
    const auto good_size = [this](std::uint64_t entries) {
        return std::has_single_bit(entries) && entries >= spec::min_ring_entries &&
               entries <= std::uint64_t{1} << config_.log2_max_entries;
    };
    Queue fresh;
    fresh.epoch = queue.epoch + 1;
    fresh.sq_base = registers_.get64(spec::at("SQ_BASE").of(index));
    fresh.cq_base = registers_.get64(spec::at("CQ_BASE").of(index));
    fresh.vector = static_cast<std::uint32_t>(spec::field("CQ_VEC", "VECTOR").get(vec));
    fresh.interrupts_enabled = spec::field("CQ_VEC", "IEN").get(vec) != 0;
    const bool good = good_size(sq_entries) && good_size(cq_entries) &&
                      fresh.sq_base % (sq_entries * sizeof(spec::SubmissionEntry)) == 0 &&
                      fresh.cq_base % (cq_entries * sizeof(spec::CompletionEntry)) == 0 &&
                      fresh.vector < spec::max_vectors;
    if (!good) {
        queue.state = spec::QueueState::error;
        raise_error(spec::ErrorSource::bad_config, 0, static_cast<std::uint16_t>(index), nobody);
        return;
    }
    fresh.state = spec::QueueState::enabled;
    fresh.sq_mask = static_cast<std::uint32_t>(sq_entries - 1);
    fresh.cq_mask = static_cast<std::uint32_t>(cq_entries - 1);
    fresh.doorbell_times.resize(sq_entries);
    queue = std::move(fresh);
}

void Device::Impl::submission_doorbell(std::uint32_t index, std::uint32_t value) {
    Queue& queue = queues_[index];
    const std::uint32_t tail = value & 0xFFFF;
    const std::uint32_t announced = (tail - queue.sq_tail) & queue.sq_mask;
    const bool good = queue.state == spec::QueueState::enabled && tail <= queue.sq_mask &&
                      value >> 16 == 0 && queue.unfetched() + announced <= queue.sq_mask;
    if (!good) {
        raise_error(spec::ErrorSource::bad_doorbell, spec::at("SQ_DB").of(index),
                    static_cast<std::uint16_t>(index), nobody);
        return;
    }
    record(TraceKind::doorbell, static_cast<std::uint16_t>(index), tail);
    for (; queue.sq_tail != tail; queue.sq_tail = (queue.sq_tail + 1) & queue.sq_mask) {
        queue.doorbell_times[queue.sq_tail] = now_;
        ++queue.credits_in_use;
    }
    start_fetching(index);
}

void Device::Impl::completion_doorbell(std::uint32_t index, std::uint32_t value) {
    Queue& queue = queues_[index];
    const auto head = static_cast<std::uint32_t>(spec::field("CQ_DB", "HEAD").get(value));
    const std::uint32_t consumed = (head - queue.cq_head) & queue.cq_mask;
    if (queue.state == spec::QueueState::disabled || head > queue.cq_mask ||
        consumed > queue.unconsumed()) {
        raise_error(spec::ErrorSource::bad_doorbell, spec::at("CQ_DB").of(index),
                    static_cast<std::uint16_t>(index), nobody);
        return;
    }
    queue.cq_head = head;
    queue.credits_in_use -= std::min(consumed, queue.credits_in_use);
    if (spec::field("CQ_DB", "ARM").get(value) != 0) {
        queue.armed = true;
        queue.unannounced = queue.unconsumed();
        if (queue.unannounced != 0) {
            fire(static_cast<std::uint16_t>(index));
        }
    }
}

void Device::Impl::raise_error(spec::ErrorSource source, std::uint64_t address, std::uint16_t queue,
                               std::uint16_t cid) {
    const auto bit = static_cast<std::uint32_t>(source);
    const std::uint32_t sources = registers_.get32(spec::at("ERR_SRC").of());
    if (sources == 0) {
        registers_.set64(spec::at("ERR_ADDR").of(), address);
        registers_.set32(spec::at("ERR_INFO").of(), std::uint32_t{queue} << 16 | cid);
        registers_.set32(spec::at("ERR_CODE").of(), bit);
    }
    registers_.set32(spec::at("ERR_SRC").of(), sources | 1u << bit);
    registers_.set32(spec::at("N_ERR").of(), registers_.get32(spec::at("N_ERR").of()) + 1);
    record(TraceKind::error, queue, bit, address);
    const bool masked = (registers_.get32(spec::at("ERR_MASK").of()) >> bit & 1) != 0;
    if (!masked) {
        calendar_.add(now_ + config_.interrupt,
                      {Stage::interrupt, spec::error_vector, reset_epoch_, 0});
    }
}

void Device::Impl::record(TraceKind kind, std::uint16_t queue, std::uint64_t id,
                          std::uint64_t digest) {
    trace_.record({now_, kind, queue, id, digest});
}

void Device::Impl::dump(std::FILE* out) const {
    for (const auto& reg : spec::blocks[0].registers) {
        std::fprintf(out, "%s=%x ", reg.name.data(), register_value(reg.offset));
    }
    std::fputc('\n', out);
    for (std::size_t index = 0; index < queues_.size(); ++index) {
        const Queue& queue = queues_[index];
        if (queue.state != spec::QueueState::disabled) {
            std::fprintf(out,
                         "queue %zu: state %u, SQ head %u tail %u, CQ head %u tail %u, %u in use\n",
                         index, static_cast<unsigned>(queue.state), queue.sq_head, queue.sq_tail,
                         queue.cq_head, queue.cq_tail, queue.credits_in_use);
        }
    }
}

// ---- the public face ----

Device::Device(const DeviceConfig& config, DmaPort& dma, MsiPort& msi, Trace& trace)
    : impl_(std::make_unique<Impl>(config, dma, msi, trace)) {}
Device::~Device() = default;

bool Device::read(Bar bar, Time now, std::uint32_t offset, std::span<std::byte> into) {
    return impl_->read(bar, now, offset, into);
}
bool Device::write(Bar bar, Time now, std::uint32_t offset, std::span<const std::byte> from) {
    return impl_->write(bar, now, offset, from);
}
bool Device::peek(Bar bar, Time now, std::uint32_t offset, std::span<std::byte> into) const {
    return impl_->peek(bar, now, offset, into);
}
void Device::advance(Time now) {
    impl_->advance(now);
}
std::optional<Time> Device::next_event() const {
    return impl_->next_event();
}

}  // namespace ringside::core
