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

}  // namespace

std::string_view to_string(TraceKind kind) {
    const auto index = static_cast<std::size_t>(kind);
    return index < kind_names.size() ? kind_names[index] : "unknown";
}

std::unique_lock<SpinningMutex> Trace::guard() const {
    return threads_ == Threads::many ? std::unique_lock(mutex_) : std::unique_lock<SpinningMutex>();
}

void Trace::flush() {
    if (collected_count_ != 0) {
        record_locked(std::span(collected_).first(collected_count_));
        collected_count_ = 0;
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
    hash_ = hash_of_all();
    added_up_ += events.size();
    TraceEvent* const end = latest_.data() + latest_.size();
    next_ = next_ == end ? latest_.data() : next_;
    not_added_up_ = next_;
    add_up_at_ = listener_ ? next_ : std::min(next_ + usual_delay, end) - 1;
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
    const auto print = [out](const TraceEvent& event) {
        std::fprintf(out, "%" PRId64 " %s %u %" PRIx64 " %016" PRIx64 "\n", to_ps(event.time),
                     to_string(event.kind).data(), event.queue, event.id, event.digest);
    };
    const std::uint64_t shown = std::min<std::uint64_t>(count(), last_events);
    std::fprintf(out, "-- last %" PRIu64 " events: time_ps kind queue id digest\n", shown);
    for (std::uint64_t i = count() - shown; i < count(); ++i) {
        print(latest_[i % latest_.size()]);
    }
    std::for_each_n(collected_.begin(), collected_count_, print);
}

}  // namespace ringside
