// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Life cycle, submission, waiters and the ledger; the interrupt side is in
// queue_pair_interrupt.cpp.

#include "ringside/driver/queue_pair.hpp"

#include <bit>
#include <cinttypes>
#include <cstring>
#include <mutex>
#include <string>
#include <utility>

#include "mmio.hpp"
#include "queue_pair_impl.hpp"
#include "ringside/base/assert.hpp"
#include "waiting.hpp"

namespace ringside::driver {

QueuePair::Impl::Impl(Link& link, Environment& environment, const QueuePairConfig& config,
                      const DeviceLimits& limits, RingMemory submission_ring,
                      RingMemory completion_ring)
    : link_(link),
      environment_(environment),
      config_(config),
      limits_(limits),
      capacity_(config.entries - 1),
      vector_(spec::queue_vector(config.index)),
      sq_doorbell_(spec::at("SQ_DB").of(config.index)),
      cq_doorbell_(spec::at("CQ_DB").of(config.index)),
      mutex_(environment.make_mutex()),
      submission_ring_(std::move(submission_ring)),
      slots_(config.entries),
      completion_ring_(link, std::move(completion_ring), config.entries),
      state_writer_(environment.trace().add_state_writer(
          "queue pair " + std::to_string(config.index), [this](std::FILE* out) { dump(out); })),
      timer_(environment.make_timer([this] { on_timer(); })) {}

QueuePair::Impl::~Impl() {
    stop_interrupts();
    RINGSIDE_ASSERT(environment_.trace(), counters_.in_flight == 0,
                    "queue %u is destroyed with operations in flight", config_.index);
}

error_code QueuePair::Impl::start() {
    const std::uint32_t queue = config_.index;
    const std::uint32_t last_entry = config_.entries - 1;
    const auto size =
        spec::field("Q_SIZE", "SQ").set(last_entry) | spec::field("Q_SIZE", "CQ").set(last_entry);
    const auto moderation = spec::field("INT_MOD", "TIME_US").set(config_.moderation_us) |
                            spec::field("INT_MOD", "COUNT").set(config_.moderation_count);
    const auto vector =
        spec::field("CQ_VEC", "VECTOR").set(vector_) | spec::field("CQ_VEC", "IEN").set(1);
    write_register64(link_, spec::at("SQ_BASE").of(queue), submission_ring_.iova().value);
    write_register64(link_, spec::at("CQ_BASE").of(queue), completion_ring_.iova().value);
    link_.mmio_write32(spec::at("Q_SIZE").of(queue), static_cast<std::uint32_t>(size));
    link_.mmio_write32(spec::at("CQ_VEC").of(queue), static_cast<std::uint32_t>(vector));
    link_.mmio_write32(spec::at("INT_MOD").of(queue), static_cast<std::uint32_t>(moderation));
    link_.mmio_write32(spec::at("Q_CTRL").of(queue),
                       static_cast<std::uint32_t>(spec::field("Q_CTRL", "EN").set(1)));

    const auto refused = static_cast<std::uint64_t>(spec::QueueState::error);
    const auto enabled = static_cast<std::uint64_t>(spec::QueueState::enabled);
    error_code failure;
    const bool decided = poll_until(environment_, limits_.state_change, [&] {
        const auto status = read_register(link_, spec::at("Q_STS").of(queue));
        const auto now = status ? spec::field("Q_STS", "STATE").get(*status) : refused;
        if (!status) {
            failure = status.error();
        } else if (now == refused) {
            failure = Errc::unsupported_config;
        }
        return failure.failed() || now == enabled;
    });
    if (!decided || failure.failed()) {
        return decided ? failure : make_error_code(Errc::timed_out);
    }
    run_in_interrupt_context(environment_, [this] { wait_for_interrupt(); });
    return {};
}

result<void> QueuePair::Impl::submit(const spec::SubmissionEntry& request, Operation& operation,
                                     SlotWaiter* waiter) {
    environment_.schedule_point("queue_pair.submit.entry");
    const std::lock_guard lock(*mutex_);
    ++counters_.submit_calls;
    if (waiter != nullptr && !waiters_.is_queued(*waiter)) {
        waiters_.leave(*waiter);  // its reservation, if it has one, is the credit taken below
    }
    const error_code refusal = take_or_refuse(request, operation, waiter);
    if (waiter != nullptr && refusal != Errc::again) {
        waiters_.leave(*waiter);
    }
    if (hand_out_slots()) {
        arm_timer(environment_.now());
    }
    check_ledger();
    if (refusal) {
        return refusal;
    }
    return {};
}

error_code QueuePair::Impl::take_or_refuse(const spec::SubmissionEntry& request,
                                           Operation& operation, SlotWaiter* waiter) {
    if (state_ != State::open || is_invalid(request)) {
        ++counters_.refused;
        return state_ != State::open ? refusal_ : Errc::invalid_request;
    }
    if (counters_.in_flight + waiters_.reserved() == capacity_) {
        ++counters_.eagain;
        record(TraceKind::eagain, counters_.eagain, waiters_.reserved());
        environment_.schedule_point("queue_pair.submit.full");
        if (waiter != nullptr) {
            waiters_.enqueue(*waiter);
        }
        return Errc::again;
    }
    accept(request, operation);
    return {};
}

bool QueuePair::Impl::is_invalid(const spec::SubmissionEntry& request) const {
    return request.src_len > limits_.max_length || request.dst_len > limits_.max_length;
}

void QueuePair::Impl::accept(const spec::SubmissionEntry& request, Operation& operation) {
    spec::SubmissionEntry entry = request;
    slots_.take(entry, operation);
    ++counters_.accepted;
    ++counters_.in_flight;
    record(TraceKind::submit, entry.user_tag);

    const std::size_t offset = sq_tail_ * sizeof entry;
    std::memcpy(submission_ring_.data() + offset, &entry, sizeof entry);
    sq_tail_ = (sq_tail_ + 1) & (config_.entries - 1);
    link_.dma_sync_for_device(submission_ring_.iova() + offset, sizeof entry);
    link_.write_barrier();
    environment_.schedule_point("queue_pair.submit.before_doorbell");
    link_.mmio_write32(sq_doorbell_, sq_tail_);
}

void QueuePair::Impl::forget(SlotWaiter& waiter) {
    environment_.schedule_point("queue_pair.forget.entry");
    const std::lock_guard lock(*mutex_);
    count_lapses(waiters_.leave(waiter) ? 1 : 0);
    if (hand_out_slots()) {
        arm_timer(environment_.now());
    }
    check_ledger();
}

bool QueuePair::Impl::holds_reservation(const SlotWaiter& waiter) const {
    const std::lock_guard lock(*mutex_);
    return waiters_.holds_reservation(waiter);
}

/// Gives free slots to waiters; true: somebody is to be told, on the interrupt executor.
bool QueuePair::Impl::hand_out_slots() {
    const auto unused = capacity_ - static_cast<std::uint32_t>(counters_.in_flight);
    const auto out = waiters_.hand_out(unused);
    for (std::uint32_t i = 0; i < out.reservations; ++i) {
        ++counters_.grants;
        record(TraceKind::reserve, counters_.grants);
    }
    counters_.hints += out.hints;
    return out.any();
}

void QueuePair::Impl::count_lapses(std::uint32_t lapses) {
    for (std::uint32_t i = 0; i < lapses; ++i) {
        ++counters_.lapses;
        record(TraceKind::lapse, counters_.lapses);
    }
}

/// The timer may fire too early, never too late: on_timer() arms it again for what is left.
void QueuePair::Impl::arm_timer(Time deadline) {
    if (deadline < timer_armed_for_) {
        timer_armed_for_ = deadline;
        timer_->arm(deadline);
    }
}

/// Downwards only. Unless it goes to `closed`, what is in flight goes on.
void QueuePair::Impl::go_down(State state, Errc reason) {
    const std::lock_guard lock(*mutex_);
    if (state > state_) {
        state_ = state;
        refusal_ = reason;
    }
}

QueuePair::Impl::State QueuePair::Impl::state() const {
    const std::lock_guard lock(*mutex_);
    return state_;
}

QueueCounters QueuePair::Impl::counters() const {
    const std::lock_guard lock(*mutex_);
    QueueCounters counters = counters_;
    counters.reserved = waiters_.reserved();
    counters.waiting = waiters_.queued();
    return counters;
}

void QueuePair::Impl::record(TraceKind kind, std::uint64_t id, std::uint64_t digest) {
    environment_.trace().record(
        {environment_.now(), kind, static_cast<std::uint16_t>(config_.index), id, digest});
}

/// DESIGN's contracts 1 and 2 in numbers.
void QueuePair::Impl::check_ledger() const {
    const QueueCounters& c = counters_;
    Trace& trace = environment_.trace();
    RINGSIDE_ASSERT(trace, c.accepted == c.ok + c.failed + c.cancelled + c.in_flight,
                    "queue %u: an operation was lost or ended twice", config_.index);
    RINGSIDE_ASSERT(trace, c.submit_calls == c.accepted + c.eagain + c.refused,
                    "queue %u: a submit call had two outcomes or none", config_.index);
    RINGSIDE_ASSERT(trace, c.in_flight + waiters_.reserved() <= capacity_,
                    "queue %u: a credit was given twice", config_.index);
    const auto free_slots = capacity_ - c.in_flight - waiters_.reserved();
    RINGSIDE_ASSERT(trace, waiters_.queued_reserving() == 0 || free_slots == 0,
                    "queue %u: a waiter sleeps while a slot is free", config_.index);
    RINGSIDE_ASSERT(trace, waiters_.queued_notify_only() == 0 || free_slots == waiters_.hints(),
                    "queue %u: a slot is free and nobody was told", config_.index);
}

void QueuePair::Impl::dump(std::FILE* out) const {
    const QueueCounters& c = counters_;
    std::fprintf(out,
                 "state %u, %u entries, SQ tail %u, CQ head %u\n"
                 "submit calls %" PRIu64 " = accepted %" PRIu64 " + eagain %" PRIu64
                 " + refused %" PRIu64 "\n",
                 static_cast<unsigned>(state_), config_.entries, sq_tail_, completion_ring_.head(),
                 c.submit_calls, c.accepted, c.eagain, c.refused);
    std::fprintf(out,
                 "accepted = ok %" PRIu64 " + failed %" PRIu64 " + cancelled %" PRIu64
                 " + in flight %" PRIu64 "\n",
                 c.ok, c.failed, c.cancelled, c.in_flight);
    std::fprintf(out,
                 "reserved %u, waiting %u, hints open %u; grants %" PRIu64 ", lapses %" PRIu64
                 ", hints %" PRIu64 "\n",
                 waiters_.reserved(), waiters_.queued(), waiters_.hints(), c.grants, c.lapses,
                 c.hints);
    std::fprintf(out, "interrupts %" PRIu64 ", empty %" PRIu64 ", stale completions %" PRIu64 "\n",
                 c.interrupts, c.empty_interrupts, c.stale_completions);
}

// ---- the public face ----

result<std::unique_ptr<QueuePair>> QueuePair::create(Link& link, Environment& environment,
                                                     const QueuePairConfig& config) {
    if (config.index >= spec::max_queue_pairs || !std::has_single_bit(config.entries) ||
        config.entries < spec::min_ring_entries || config.entries > spec::max_ring_entries) {
        return Errc::unsupported_config;
    }
    const auto max_length = read_register(link, spec::at("MAX_LEN").of());
    const auto timeout_ms = read_register(link, spec::at("TO").of());
    if (!max_length || !timeout_ms) {
        return Errc::dead;
    }
    auto submission_ring = RingMemory::create(link, config.entries * sizeof(spec::SubmissionEntry),
                                              DmaDirection::to_device);
    if (!submission_ring) {
        return submission_ring.error();
    }
    auto completion_ring = RingMemory::create(link, config.entries * sizeof(spec::CompletionEntry),
                                              DmaDirection::from_device);
    if (!completion_ring) {
        return completion_ring.error();
    }
    auto impl = std::make_unique<Impl>(
        link, environment, config,
        Impl::DeviceLimits{*max_length, std::chrono::milliseconds(*timeout_ms)},
        std::move(*submission_ring), std::move(*completion_ring));
    if (const error_code failure = impl->start()) {
        return failure;
    }
    return std::unique_ptr<QueuePair>(new QueuePair(std::move(impl)));
}

QueuePair::QueuePair(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
QueuePair::~QueuePair() = default;

result<void> QueuePair::submit(const spec::SubmissionEntry& request, Operation& operation,
                               SlotWaiter* waiter) {
    return impl_->submit(request, operation, waiter);
}

void QueuePair::forget(SlotWaiter& waiter) {
    impl_->forget(waiter);
}

bool QueuePair::holds_reservation(const SlotWaiter& waiter) const {
    return impl_->holds_reservation(waiter);
}

void QueuePair::fail_all(Errc reason) {
    impl_->fail_all(reason);
}

void QueuePair::refuse(Errc reason) {
    impl_->go_down(Impl::State::refusing, reason);
}

void QueuePair::cut_off(Errc reason) {
    impl_->go_down(Impl::State::closed, reason);
}

void QueuePair::stop_interrupts() {
    impl_->stop_interrupts();
}

std::uint32_t QueuePair::index() const {
    return impl_->config().index;
}

std::uint32_t QueuePair::capacity() const {
    return impl_->capacity();
}

QueueCounters QueuePair::counters() const {
    return impl_->counters();
}

}  // namespace ringside::driver
