// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Submission, waiters and the ledger. The interrupt side is in queue_pair_interrupt.cpp, going up
// and down in queue_pair_life.cpp.

#include "ringside/driver/queue_pair.hpp"

#include <boost/asio/strand.hpp>
#include <cinttypes>
#include <mutex>
#include <string>
#include <utility>

#include "queue_pair_impl.hpp"
#include "ringside/base/assert.hpp"
#include "rules_in_use.hpp"

namespace ringside::driver {

QueuePair::Impl::Impl(Link& link, Environment& environment, const QueuePairConfig& config,
                      QueueWatcher& watcher, SessionTable& sessions, Rings rings)
    : link_(link),
      environment_(environment),
      trace_(environment.trace()),
      config_(config),
      watcher_(watcher),
      sessions_(sessions),
      capacity_(config.entries - 1),
      vector_(spec::queue_vector(config.index)),
      sq_doorbell_(spec::at("SQ_DB").of(config.index)),
      cq_doorbell_(spec::at("CQ_DB").of(config.index)),
      callbacks_(config.callback_executor ? boost::asio::any_io_executor(
                                                boost::asio::make_strand(config.callback_executor))
                                          : boost::asio::any_io_executor()),
      mutex_(environment.make_mutex()),
      submission_ring_(link, std::move(rings.submission), config.entries),
      slots_(config.entries),
      completion_ring_(link, std::move(rings.completion), config.entries),
      storm_(config.recovery),
      state_writer_(environment.trace().add_state_writer(
          "queue pair " + std::to_string(config.index), [this](std::FILE* out) { dump(out); })),
      timer_(environment.make_timer([this] { on_timer(); })) {}

QueuePair::Impl::~Impl() {
    stop_interrupts();
    RINGSIDE_ASSERT(environment_.trace(), counters_.in_flight == 0,
                    "queue %u is destroyed with operations in flight", config_.index);
}

result<void> QueuePair::Impl::submit(const spec::SubmissionEntry& request, Operation& operation,
                                     SlotWaiter* waiter) {
    const Item item{&request, &operation};
    const Batch batch = submit_batch({&item, 1}, waiter);
    if (batch.refusal) {
        return batch.refusal;
    }
    return {};
}

QueuePair::Batch QueuePair::Impl::submit_batch(std::span<const Item> items, SlotWaiter* waiter) {
    environment_.schedule_point("queue_pair.submit.entry");
    const error_code planned = environment_.planned_refusal(config_.index);
    const std::lock_guard lock(*mutex_);
    if (waiter != nullptr) {
        waiters_.come(*waiter);  // its reservation, if it has one, is the credit taken below
    }
    Batch batch;
    submission_ring_.expect(std::min<std::size_t>(items.size(), capacity_ - counters_.in_flight));
    Trace::Burst events(trace_);
    const Time now = environment_.now();
    for (const Item& item : items) {
        const error_code refusal =
            planned ? refused(planned)
                    : take_or_refuse(*item.request, *item.operation, now, events);
        ++counters_.submit_calls;
        if (refusal) {
            batch.refusal = refusal;
            break;
        }
        ++batch.accepted;
    }
    events.flush();  // before the device sees them
    if (Rules::must_ring(batch.accepted, batch.refusal)) {
        announce();
    }
    const bool queues = is_transient(batch.refusal);
    if (waiter != nullptr && !queues) {
        waiters_.leave(*waiter);
    }
    if (hand_out_slots()) {
        arm_timer(environment_.now());
    }
    if (waiter != nullptr && queues) {
        Rules::enqueue(waiters_, *waiter, *mutex_);
    }
    check_ledger();
    return batch;
}

error_code QueuePair::Impl::take_or_refuse(const spec::SubmissionEntry& request,
                                           Operation& operation, Time now, Trace::Burst& events) {
    if (state_ != State::open) {
        return refuse_while_down();
    }
    if (is_invalid(request)) {
        return refused(Errc::invalid_request);
    }
    if (is_full()) {
        give_entries_back();  // so that the device's INFLIGHT says the same
        ++counters_.eagain;
        record(TraceKind::eagain, counters_.eagain, waiters_.reserved());
        environment_.schedule_point("queue_pair.submit.full");
        return Errc::again;
    }
    return accept_for_session(request, operation, now, events);
}

/// Users know sessions by the driver's handles, the device by its own ids.
error_code QueuePair::Impl::accept_for_session(const spec::SubmissionEntry& request,
                                               Operation& operation, Time now,
                                               Trace::Burst& events) {
    const auto opcode = static_cast<spec::Opcode>(request.opcode);
    if (spec::is_io(opcode) || opcode == spec::Opcode::session_destroy) {
        const auto session = sessions_.translate(request.session);
        if (session.is_stale && spec::is_io(opcode)) {
            return refused(Errc::stale_session);
        }
        if (opcode == spec::Opcode::session_destroy) {
            sessions_.forget(request.session);
        }
        accept(request, session.device_id, operation, now, events);
        return {};
    }
    accept(request, request.session, operation, now, events,
           opcode == spec::Opcode::session_create ? sessions_.begin(request) : 0);
    return {};
}

error_code QueuePair::Impl::refuse_while_down() {
    if (state_ != State::stopped) {
        return refused(refusal_);
    }
    environment_.schedule_point("queue_pair.submit.resetting");
    return refused(Errc::resetting);
}

error_code QueuePair::Impl::refused(error_code reason) {
    ++counters_.refused;
    return reason;
}

bool QueuePair::Impl::is_full() const {
    return Rules::is_full(counters_.in_flight, waiters_.reserved(), capacity_);
}

bool QueuePair::Impl::is_invalid(const spec::SubmissionEntry& request) const {
    return request.src_len > config_.max_length || request.dst_len > config_.max_length;
}

/// `session`: as the device knows it.
void QueuePair::Impl::accept(const spec::SubmissionEntry& request, std::uint32_t session,
                             Operation& operation, Time now, Trace::Burst& events,
                             std::uint32_t new_session) {
    if (look_at_ == WaiterQueue::never) {  // first: without memory for a timer nothing has happened
        const Time look_at = now + config_.recovery.late_after;
        arm_timer(look_at);
        look_at_ = look_at;
    }
    spec::SubmissionEntry& entry = submission_ring_.next();
    entry = request;
    entry.session = session;
    slots_.take(entry, operation, now, new_session);
    ++counters_.accepted;
    ++counters_.in_flight;
    events.record(event_at(now, TraceKind::submit, entry.user_tag));
    submission_ring_.step();
}

/// What is submitted inside callbacks waits for the others of its batch; whoever else submits
/// meanwhile announces it too.
void QueuePair::Impl::announce() {
    if (in_callbacks_ && environment_.on_interrupt_executor()) {
        doorbell_due_ = true;
    } else {
        ring_doorbell();
    }
}

void QueuePair::Impl::ring_doorbell() {
    doorbell_due_ = false;
    link_.write_barrier();
    environment_.schedule_point("queue_pair.submit.before_doorbell");
    give_entries_back();  // whose credits are used again
    link_.mmio_write32(sq_doorbell_, submission_ring_.tail());
}

/// The completion head. Not for each batch, as an access stops the simulated device, and costs a
/// write on the bus of a real one: the device has room for all that is in flight until more is
/// submitted, and ARM says it, too.
void QueuePair::Impl::give_entries_back() {
    if (live_ && std::exchange(head_due_, false)) {
        link_.mmio_write32(cq_doorbell_, completion_ring_.head());
    }
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
    if (state_ == State::stopped) {
        return false;
    }
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
        timer_->arm(deadline);
        timer_armed_for_ = deadline;
    }
}

/// Downwards only. Unless it goes to `closed`, what is in flight goes on.
void QueuePair::Impl::go_down(State state, Errc reason) {
    const std::lock_guard lock(*mutex_);
    if (state > state_) {
        state_ = state;
        refusal_ = reason;
        live_ = live_ && state != State::closed;
    }
}

QueueCounters QueuePair::Impl::counters() const {
    const std::lock_guard lock(*mutex_);
    QueueCounters counters = counters_;
    counters.reserved = waiters_.reserved();
    counters.waiting = waiters_.queued();
    return counters;
}

/// DESIGN's contracts 1 and 2 in numbers.
void QueuePair::Impl::check_ledger() const {
    if (!Rules::checks_ledger) {
        return;
    }
    const QueueCounters& c = counters_;
    Trace& trace = trace_;
    RINGSIDE_ASSERT(trace, c.accepted == c.ok + c.failed + c.cancelled + c.in_flight,
                    "queue %u: an operation was lost or ended twice", config_.index);
    RINGSIDE_ASSERT(trace, c.submit_calls == c.accepted + c.eagain + c.refused,
                    "queue %u: a submit call had two outcomes or none", config_.index);
    RINGSIDE_ASSERT(trace, c.in_flight + waiters_.reserved() <= capacity_,
                    "queue %u: a credit was given twice", config_.index);
    if (state_ == State::stopped) {
        return;  // nobody gets a slot
    }
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
                 static_cast<unsigned>(state_), config_.entries, submission_ring_.tail(),
                 completion_ring_.head(), c.submit_calls, c.accepted, c.eagain, c.refused);
    std::fprintf(out,
                 "accepted = ok %" PRIu64 " + failed %" PRIu64 " + cancelled %" PRIu64
                 " + in flight %" PRIu64 "\n",
                 c.ok, c.failed, c.cancelled, c.in_flight);
    std::fprintf(out,
                 "reserved %u, waiting %u, hints open %u; grants %" PRIu64 ", lapses %" PRIu64
                 ", hints %" PRIu64 "\n",
                 waiters_.reserved(), waiters_.queued(), waiters_.hints(), c.grants, c.lapses,
                 c.hints);
    std::fprintf(out,
                 "interrupts %" PRIu64 ", empty %" PRIu64 ", stale completions %" PRIu64
                 ", polled %" PRIu64 ", resets %" PRIu64 "\n",
                 c.interrupts, c.empty_interrupts, c.stale_completions, c.completions_polled,
                 c.resets);
}

// ---- the public face ----

QueuePair::QueuePair(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
QueuePair::~QueuePair() = default;

result<void> QueuePair::submit(const spec::SubmissionEntry& request, Operation& operation,
                               SlotWaiter* waiter) {
    return impl_->submit(request, operation, waiter);
}

QueuePair::Batch QueuePair::submit_batch(std::span<const Item> items, SlotWaiter* waiter) {
    return impl_->submit_batch(items, waiter);
}

std::uint32_t QueuePair::poll(std::uint32_t most) {
    return impl_->poll_by_application(most);
}

void QueuePair::forget(SlotWaiter& waiter) {
    impl_->forget(waiter);
}

bool QueuePair::holds_reservation(const SlotWaiter& waiter) const {
    return impl_->holds_reservation(waiter);
}

boost::asio::any_io_executor QueuePair::callback_executor() const {
    return impl_->callback_executor();
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
