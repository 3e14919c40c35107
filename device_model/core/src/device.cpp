// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The register port: what reads give, what writes do, the states of the chip and of its queues.

#include "ringside/core/device.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <limits>

#include "device_impl.hpp"
#include "ringside/base/assert.hpp"

namespace ringside::core {
namespace {

// Everything below the doorbells is storage.
constexpr std::uint32_t storage_size =
    spec::blocks[3].base + spec::blocks[3].stride * spec::fault_rules;
static_assert(storage_size <= spec::at("SQ_DB").of());

/// At least so much of TO, however fast the chip is.
constexpr std::int64_t usual_state_change_ms = 100;

/// Milliseconds, rounded up, that the slowest change of state takes: a reset with its self-test, or
/// ENABLING.
std::uint32_t state_change_ms(const DeviceConfig& config) {
    const Duration slowest = std::max(config.reset + config.self_test, config.enable);
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(slowest).count();
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(
        ms, usual_state_change_ms, std::numeric_limits<std::uint32_t>::max()));
}

bool is_fault_block(const spec::Block& block) {
    return block.base == spec::blocks[3].base;
}

}  // namespace

Device::Impl::Impl(const DeviceConfig& config, DmaPort& dma, MsiPort& msi, Trace& trace)
    : Impl(config, dma,
           config.helpers != 0 ? std::make_unique<HelpedDma>(dma, config.helpers) : nullptr, msi,
           trace) {}

Device::Impl::Impl(const DeviceConfig& config, DmaPort& dma, std::unique_ptr<HelpedDma> helped,
                   MsiPort& msi, Trace& trace)
    : Endpoint({.link = config.link}, spec::blocks, storage_size, helped != nullptr ? *helped : dma,
               msi),
      config_(config),
      trace_(trace),
      sessions_(library_, config.max_sessions),
      queues_(config.queue_pairs),
      helped_(std::move(helped)),
      entropy_(trace.seed(), "device entropy"),
      slices_{{{config.slices}, {config.asymmetric_slices}}},
      downstream_({config.link_per_byte, config.max_payload, config.packet_overhead,
                   config.max_read_request, config.read_tags, config.dma_read}),
      upstream_({config.link_per_byte, config.max_payload, config.packet_overhead,
                 config.max_payload, config.posted_credits, config.credit_return}),
      faults_(trace.seed()),
      broken_slices_(config.broken_slices),
      state_writer_(trace.add_state_writer("device", [this](std::FILE* out) { dump(out); })) {
    RINGSIDE_ASSERT(trace_, config.queue_pairs >= 2 && config.queue_pairs <= spec::max_queue_pairs,
                    "%u queue pairs", config.queue_pairs);
    fill_capabilities();
    begin_reset();
    program_faults();
}

void Device::Impl::fill_capabilities() {
    const auto put = [this](spec::Address address, std::uint64_t value) {
        registers_.set32(address.of(), static_cast<std::uint32_t>(value));
    };
    put(spec::at("CAP"),
        spec::field("CAP", "MAX_QP").set(config_.queue_pairs) |
            spec::field("CAP", "LOG2_ENTRIES").set(config_.log2_max_entries) |
            spec::field("CAP", "SGL").set(1) | spec::field("CAP", "RATE_LIMIT").set(1) |
            spec::field("CAP", "FAULT_INJECT").set(config_.fault_injection ? 1 : 0) |
            spec::field("CAP", "FENCE").set(1));
    put(spec::at("LIMITS"), spec::field("LIMITS", "MAX_SGE").set(config_.max_list_entries) |
                                spec::field("LIMITS", "MAX_VECTORS").set(spec::max_vectors));
    put(spec::at("MAX_SESS"), config_.max_sessions);
    put(spec::at("MAX_LEN"), config_.max_length);
    put(spec::at("TO"), state_change_ms(config_));
}

bool Device::Impl::has_register(std::uint32_t offset) const {
    const spec::Location location = spec::locate(offset);
    if (location.reg == nullptr) {
        return false;
    }
    if (is_fault_block(*location.block)) {
        return config_.fault_injection;
    }
    return !spec::is_per_queue(*location.block) || location.instance < config_.queue_pairs;
}

std::optional<std::uint32_t> Device::Impl::read_register(std::uint32_t offset, Time now) {
    if (strike(spec::FaultKind::all_ones, nobody)) {
        return std::nullopt;
    }
    const std::uint32_t value = register_value(offset, now);
    record(TraceKind::mmio_read, nobody, offset, value);
    return value;
}

void Device::Impl::refuse_access(std::uint32_t offset) {
    raise_error(spec::ErrorSource::bad_access, offset, nobody, nobody);
}

/// What is fetched or on its way through the stages counts as one that still reads.
bool Device::Impl::transactions_pending() const {
    return in_pipeline_ != 0 || fetching_ || !late_writes_.empty();
}

std::uint32_t Device::Impl::register_value(std::uint32_t offset, Time now) const {
    const spec::Location location = spec::locate(offset);
    if (offset == spec::at("CSTS").of()) {
        const auto drained = spec::field("CSTS", "DRAINED").set(in_pipeline_ == 0 ? 1 : 0);
        return registers_.get32(offset) | static_cast<std::uint32_t>(drained);
    }
    if (offset == spec::at("HB_COUNT").of()) {
        return heartbeats(now);
    }
    if (spec::is_per_queue(*location.block)) {
        return live_queue_register(location, now);
    }
    if (is_fault_block(*location.block)) {
        return fault_register(location, offset);
    }
    return registers_.read(location, offset);
}

/// Registers that show a queue's inside are computed when they are read.
std::uint32_t Device::Impl::live_queue_register(const spec::Location& location, Time now) const {
    const Queue& queue = queues_[location.instance];
    const std::uint32_t offset =
        location.block->base + location.block->stride * location.instance + location.reg->offset;
    const auto is = [&](spec::Address address) { return offset == address.of(location.instance); };
    if (is(spec::at("Q_STS"))) {
        return static_cast<std::uint32_t>(queue.state);
    }
    if (is(spec::at("Q_RESET"))) {
        return queue.state == spec::QueueState::resetting ? 1 : 0;
    }
    if (is(spec::at("SQ_HEAD"))) {
        return queue.sq.head;
    }
    if (is(spec::at("SQ_TAIL"))) {
        return queue.sq.tail;
    }
    if (is(spec::at("CQ_HEAD"))) {
        return queue.cq.head;
    }
    if (is(spec::at("CQ_TAIL"))) {
        return queue.cq.tail;
    }
    const auto half_of = [&](std::uint64_t value) {
        return static_cast<std::uint32_t>(location.upper_half ? value >> 32 : value);
    };
    if (is(spec::at("Q_SUBMITTED"))) {
        return half_of(queue.submitted);
    }
    if (is(spec::at("Q_COMPLETED"))) {
        return half_of(queue.completed);
    }
    if (is(spec::at("Q_ERRORS"))) {
        return half_of(queue.errors);
    }
    if (is(spec::at("INFLIGHT"))) {
        return queue.credits_in_use;
    }
    if (is(spec::at("RL_STS"))) {
        const auto limit = rate_limit(location.instance);
        return static_cast<std::uint32_t>(
            spec::field("RL_STS", "LIMITED").set(queue.limited ? 1 : 0) |
            spec::field("RL_STS", "TOKENS").set(limit ? queue.rate.tokens(now, *limit) : 0));
    }
    return registers_.read(location, location.upper_half ? offset + 4 : offset);
}

void Device::Impl::write_register(std::uint32_t offset, std::uint32_t value) {
    record(TraceKind::mmio_write, nobody, offset, value);
    apply_write(offset, value);
}

void Device::Impl::apply_write(std::uint32_t offset, std::uint32_t value) {
    if (state() == spec::DeviceState::dead) {
        return;
    }
    const spec::Location location = spec::locate(offset);
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
    if (spec::is_per_queue(*location.block)) {
        write_queue(location, queue, old, value);
    } else if (is_fault_block(*location.block)) {
        write_fault(location, value);
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
    } else if (offset == spec::at("HB_PERIOD_US").of()) {
        set_heartbeat_period(old);
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
    } else if (offset == spec::at("RL_RATE").of(queue) ||
               offset == spec::at("RL_BURST").of(queue)) {
        refill(queue);
    }
}

void Device::Impl::dump(std::FILE* out) const {
    for (const auto& reg : spec::blocks[0].registers) {
        std::fprintf(out, "%s=%x ", reg.name.data(), register_value(reg.offset, now_));
    }
    std::fputc('\n', out);
    for (std::size_t index = 0; index < queues_.size(); ++index) {
        const Queue& queue = queues_[index];
        if (queue.state != spec::QueueState::disabled) {
            std::fprintf(out,
                         "queue %zu: state %u, SQ head %u tail %u, CQ head %u tail %u, %u in use\n",
                         index, static_cast<unsigned>(queue.state), queue.sq.head, queue.sq.tail,
                         queue.cq.head, queue.cq.tail, queue.credits_in_use);
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
std::optional<std::uint32_t> Device::inject(const FaultRule& rule) {
    return impl_->inject(rule);
}
void Device::advance(Time now) {
    impl_->advance(now);
}
void Device::run(Time limit, Time& clock, const blocks::RunTerms& terms) {
    impl_->run(limit, clock, terms);
}
std::optional<Time> Device::next_event() const {
    return impl_->next_event();
}

blocks::MakeFunction make_device(const DeviceConfig& config) {
    return [config](DmaPort& dma, MsiPort& msi, Trace& trace) {
        return std::make_unique<Device>(config, dma, msi, trace);
    };
}

}  // namespace ringside::core
