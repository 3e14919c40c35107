// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/base/trace.hpp"

#include <algorithm>
#include <cinttypes>
#include <utility>

namespace ringside {
namespace {

constexpr std::array<std::string_view, 23> kind_names = {
    "mmio_write",   "mmio_read",  "doorbell",  "fetch",     "dma_read",   "slice",
    "dma_write",    "completion", "interrupt", "submit",    "eagain",     "reserve",
    "lapse",        "reap",       "stale",     "job_pause", "job_resume", "schedule",
    "device_state", "error",      "fault",     "slices",    "callback",
};
static_assert(kind_names.size() == static_cast<std::size_t>(TraceKind::callback) + 1);

/// A place among the events that a ring still has, at first behind the last of `count`.
class Tail {
  public:
    Tail(std::span<const TraceEvent> ring, std::uint64_t count)
        : ring_(ring),
          first_(count - std::min<std::uint64_t>(count, ring.size())),
          place_(count),
          end_(count) {}
    bool has_before() const { return place_ != first_; }
    bool has_next() const { return place_ != end_; }
    const TraceEvent& before() const { return ring_[(place_ - 1) % ring_.size()]; }
    const TraceEvent& next() const { return ring_[place_ % ring_.size()]; }
    void go_back() { --place_; }
    void go_on() { ++place_; }

  private:
    std::span<const TraceEvent> ring_;
    std::uint64_t first_;
    std::uint64_t place_;
    std::uint64_t end_;
};

}  // namespace

std::string_view to_string(TraceKind kind) {
    const auto index = static_cast<std::size_t>(kind);
    return index < kind_names.size() ? kind_names[index] : "unknown";
}

std::unique_lock<SpinningMutex> Trace::guard() const {
    return threads_ == Threads::many ? std::unique_lock(mutex_) : std::unique_lock<SpinningMutex>();
}

void Trace::flush() {
    const std::uint64_t count = collected_count_ - flushed_count_;
    if (count != 0) {
        const std::lock_guard lock(mutex_);
        add_up(std::span(collected_).subspan(flushed_count_ % collected_.size(), count));
        flushed_count_ = collected_count_;
    }
}

void Trace::record_locked(std::span<const TraceEvent> events) {
    const std::lock_guard lock(mutex_);
    for (const TraceEvent& event : events) {
        add(event);
        if (next_ == latest_.data() + latest_.size()) {
            add_up();
        }
    }
    add_up();
}

/// What has been recorded since the last time goes into the hash, and to the listener.
void Trace::add_up() {
    const auto events = to_add_up();
    TraceEvent* const end = latest_.data() + latest_.size();
    if (next_ == end) {
        next_ = latest_.data();
        ++laps_;
    }
    not_added_up_ = next_;
    add_up_at_ = listener_ ? next_ : std::min(next_ + usual_delay, end) - 1;
    add_up(events);
}

void Trace::add_up(std::span<const TraceEvent> events) {
    hash_.add(events);
    added_up_ += events.size();
    for (auto event = events.begin(); listener_ && event != events.end(); ++event) {
        listener_(*event);
    }
}

TraceHash Trace::hash_of_all() const {
    TraceHash hash = hash_;
    hash.add(to_add_up());
    return hash;
}

std::uint64_t Trace::hash() const {
    const auto lock = guard();
    return hash_of_all().value();
}

std::uint64_t Trace::event_count() const {
    const auto lock = guard();
    return count();
}

void Trace::listen(std::function<void(const TraceEvent&)> listener) {
    const auto lock = guard();
    add_up();
    listener_ = std::move(listener);
    listens_.store(static_cast<bool>(listener_));
    add_up_at_ = next_;
}

Trace::StateWriter Trace::add_state_writer(std::string name,
                                           std::function<void(std::FILE*)> writer) {
    const auto lock = guard();
    writers_.push_back({std::move(name), std::move(writer)});
    return {*this, std::prev(writers_.end())};
}

Trace::StateWriter::~StateWriter() {
    if (trace_ != nullptr) {
        const auto lock = trace_->guard();
        trace_->writers_.erase(position_);
    }
}

void Trace::dump(std::FILE* out) const {
    std::fprintf(out, "seed %" PRIu64 ", trace hash %016" PRIx64 ", %" PRIu64 " events\n", seed_,
                 hash_of_all().value(), count());
    for (const auto& writer : writers_) {
        std::fprintf(out, "-- %s\n", writer.name.c_str());
        writer.write(out);
    }
    // Of both rings, by time: what a thread collects has no other place among what others record.
    Tail recorded(latest_,
                  laps_ * latest_.size() + static_cast<std::size_t>(next_ - latest_.data()));
    Tail collected(collected_, collected_count_);
    std::uint64_t shown = 0;
    for (; shown < last_events && (recorded.has_before() || collected.has_before()); ++shown) {
        const bool is_collected =
            !recorded.has_before() ||
            (collected.has_before() && recorded.before().time <= collected.before().time);
        (is_collected ? collected : recorded).go_back();
    }
    std::fprintf(out, "-- last %" PRIu64 " events: time_ps kind queue id digest\n", shown);
    for (; shown != 0; --shown) {
        const bool is_recorded =
            !collected.has_next() ||
            (recorded.has_next() && recorded.next().time <= collected.next().time);
        Tail& tail = is_recorded ? recorded : collected;
        const TraceEvent& event = tail.next();
        std::fprintf(out, "%" PRId64 " %s %u %" PRIx64 " %016" PRIx64 "\n", to_ps(event.time),
                     to_string(event.kind).data(), event.queue, event.id, event.digest);
        tail.go_on();
    }
}

}  // namespace ringside
