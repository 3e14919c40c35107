// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/base/trace.hpp"

#include <algorithm>
#include <cinttypes>
#include <functional>
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
    Tail() = default;
    Tail(std::span<const TraceEvent> ring, std::uint64_t count, std::size_t kept)
        : ring_(ring),
          first_(count - std::min<std::uint64_t>(count, kept)),
          place_(count),
          end_(count) {}
    bool has_before() const { return place_ != first_; }
    const TraceEvent& next() const { return at(place_); }
    void go_back() { --place_; }
    void go_on() { ++place_; }

    /// Whether what stands before this place is earlier than what stands before `other`.
    bool was_before(const Tail& other) const {
        return other.has_before() &&
               (!has_before() || at(place_ - 1).time < other.at(other.place_ - 1).time);
    }
    /// Whether what comes here is earlier than what comes at `other`.
    bool comes_before(const Tail& other) const {
        return place_ != end_ && (other.place_ == other.end_ || next().time < other.next().time);
    }

  private:
    const TraceEvent& at(std::uint64_t number) const { return ring_[number % ring_.size()]; }

    std::span<const TraceEvent> ring_;
    std::uint64_t first_ = 0;
    std::uint64_t place_ = 0;
    std::uint64_t end_ = 0;
};

}  // namespace

/// The last_events of all rings: what several threads recorded has no other order.
class Trace::LatestByTime {
  public:
    enum class Collected { all, flushed };

    LatestByTime(const Trace& trace, Collected collected) {
        const Latest& ring = trace.latest_;
        const auto place = static_cast<std::size_t>(trace.next_ - ring.data());
        tails_[0] = Tail(ring, trace.laps_ * ring.size() + place, ring.size());
        for (std::size_t i = 0; trace.streams_ != nullptr && i < trace.streams_->size(); ++i) {
            const Stream& stream = (*trace.streams_)[i];
            // Who collects may write over the oldest ones, but flushes before there are more.
            const bool goes_on = &stream == &trace.collector() && collected == Collected::flushed;
            tails_[i + 1] = goes_on
                                ? Tail(stream.ring, stream.hashed, stream.ring.size() - usual_delay)
                                : Tail(stream.ring, stream.count, stream.ring.size());
        }
        for (; size_ < last_events; ++size_) {
            Tail& latest =
                *std::max_element(tails_.begin(), tails_.end(), std::mem_fn(&Tail::was_before));
            if (!latest.has_before()) {
                break;
            }
            latest.go_back();
        }
    }
    std::size_t size() const { return size_; }
    /// From the earliest on, `size` times.
    const TraceEvent& next() {
        Tail& earliest =
            *std::min_element(tails_.begin(), tails_.end(), std::mem_fn(&Tail::comes_before));
        const TraceEvent& event = earliest.next();
        earliest.go_on();
        return event;
    }

  private:
    std::array<Tail, 1 + std::tuple_size_v<Streams>> tails_;
    std::size_t size_ = 0;
};

std::string_view to_string(TraceKind kind) {
    const auto index = static_cast<std::size_t>(kind);
    return index < kind_names.size() ? kind_names[index] : "unknown";
}

std::unique_lock<SpinningMutex> Trace::guard() const {
    return streams_ != nullptr ? std::unique_lock(mutex_) : std::unique_lock<SpinningMutex>();
}

void Trace::flush() {
    Stream& stream = collector();
    if (stream.hashed != stream.count) {
        const std::lock_guard lock(stream.mutex);
        stream.add_up();
    }
}

/// The events that are not in the hash yet.
void Trace::Stream::add_to(TraceHash& sum) const {
    const std::size_t begin = hashed % ring.size();
    const std::size_t in_a_row = std::min<std::uint64_t>(count - hashed, ring.size() - begin);
    sum.add(std::span(ring).subspan(begin, in_a_row));
    sum.add(std::span(ring).first(count - hashed - in_a_row));
}

/// By where the thread has its variables, which is nobody else's place.
Trace::Stream& Trace::stream_of_this_thread() const {
    const auto place = reinterpret_cast<std::uintptr_t>(&collected_here);
    const std::uint64_t mixed = (place >> 6) * 0x9E3779B97F4A7C15u;
    return (*streams_)[1 + (mixed >> 32) % (streams_->size() - 1)];
}

void Trace::record_in_stream(std::span<const TraceEvent> events) {
    if (listens_.load(std::memory_order_relaxed)) {
        record_for_listener(events);
        return;
    }
    Stream& stream = stream_of_this_thread();
    const std::lock_guard lock(stream.mutex);
    for (const TraceEvent& event : events) {
        put(event, stream.ring[stream.count++ % stream.ring.size()]);
    }
    if (stream.count - stream.hashed >= usual_delay) {
        stream.add_up();
    }
}

void Trace::record_for_listener(std::span<const TraceEvent> events) {
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
    hash_.add(events);
    added_up_ += events.size();
    for (auto event = events.begin(); listener_ && event != events.end(); ++event) {
        listener_(*event);
    }
}

/// Of one stream alone it is that stream's hash, so that who listened to all can recompute it.
Trace::Sum Trace::add_all() const {
    TraceHash own = hash_;
    own.add(to_add_up());
    Sum sum{own.value(), own_count()};
    for (std::size_t i = 0; streams_ != nullptr && i < streams_->size(); ++i) {
        const Stream& stream = (*streams_)[i];
        TraceHash hash = stream.hash;
        std::uint64_t events = stream.hashed;
        if (&stream != &collector()) {  // whose thread takes no lock for what it has not added up
            stream.add_to(hash);
            events = stream.count;
        }
        if (events != 0) {
            sum.hash = sum.events == 0 ? hash.value() : trace_mix(sum.hash, hash.value());
            sum.events += events;
        }
    }
    return sum;
}

Trace::Locks Trace::lock_all() const {
    Locks locks{guard(), {}};
    for (std::size_t i = 0; streams_ != nullptr && i < locks.of_streams.size(); ++i) {
        locks.of_streams[i] = std::unique_lock((*streams_)[i].mutex);
    }
    return locks;
}

Trace::Sum Trace::add_all_locked() const {
    const auto locks = lock_all();
    return add_all();
}

std::uint64_t Trace::hash() const {
    return add_all_locked().hash;
}

std::uint64_t Trace::event_count() const {
    return add_all_locked().events;
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
    const Sum sum = add_all();
    std::fprintf(out, "seed %" PRIu64 ", trace hash %016" PRIx64 ", %" PRIu64 " events\n", seed_,
                 sum.hash, sum.events);
    for (const auto& writer : writers_) {
        std::fprintf(out, "-- %s\n", writer.name.c_str());
        writer.write(out);
    }
    LatestByTime latest(*this, LatestByTime::Collected::all);
    std::fprintf(out, "-- last %zu events: time_ps kind queue id digest\n", latest.size());
    for (std::size_t left = latest.size(); left != 0; --left) {
        const TraceEvent& event = latest.next();
        std::fprintf(out, "%" PRId64 " %s %u %" PRIx64 " %016" PRIx64 "\n", to_ps(event.time),
                     to_string(event.kind).data(), event.queue, event.id, event.digest);
    }
}

std::vector<TraceEvent> Trace::recent() const {
    std::vector<TraceEvent> events;
    events.reserve(last_events);
    const auto locks = lock_all();
    LatestByTime latest(*this, LatestByTime::Collected::flushed);
    while (events.size() != latest.size()) {
        events.push_back(latest.next());
    }
    return events;
}

}  // namespace ringside
