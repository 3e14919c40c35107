// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The run's flight recorder, one per platform, handed to every layer by reference. It hashes each
// event as it happens (two runs are the same run if their hashes are equal), keeps the last few
// hundred for the day something breaks, and knows who can describe the state of what. An exporter
// may listen to all events and recompute the hash from what it wrote.

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "ringside/base/digest.hpp"
#include "ringside/base/spinning_mutex.hpp"
#include "ringside/base/time.hpp"

namespace ringside {

enum class TraceKind : std::uint32_t {
    mmio_write,    ///< id: BAR offset, digest: value
    mmio_read,     ///< id: BAR offset, digest: value
    doorbell,      ///< device saw a new tail; id: tail
    fetch,         ///< device fetched a descriptor; id: user tag, digest: descriptor bytes
    dma_read,      ///< id: user tag
    slice,         ///< a slice finished; id: user tag, digest: status, with the payload if it
                   ///< failed
    dma_write,     ///< id: user tag, digest: the payload that was written or, of an operation that
                   ///< writes none, the one that was read
    completion,    ///< completion entry written; id: user tag, digest: entry bytes
    interrupt,     ///< MSI-X vector raised; queue: vector, digest: MessageFate
    submit,        ///< driver rang the doorbell for; id: user tag
    eagain,        ///< driver refused for want of a credit
    reserve,       ///< freed slot reserved for a waiter
    lapse,         ///< reservation passed on
    reap,          ///< driver consumed a completion; id: user tag, digest: status
    stale,         ///< driver dropped a completion that matches nothing; id: user tag
    job_pause,     ///< id: application's job number
    job_resume,    ///< id: application's job number
    schedule,      ///< the virtual scheduler switched; queue: logical CPU
    device_state,  ///< global state machine; id: new state
    error,         ///< device error source raised; id: error bit, digest: address
    fault,         ///< a rule of fault injection fired; id: the fault's number
    slices,        ///< one took an operation (queue, digest: user tag), also when it came free at
                   ///< this instant, or came free and none waited (no queue); id: BusySlices
    callback,      ///< driver tells who submitted; id: user tag
};

/// What becomes of a message whose vector is raised: digest of TraceKind::interrupt.
enum class MessageFate : std::uint8_t {
    sent,
    pending,    ///< the vector is masked
    sent_late,  ///< it was pending, and the mask went
};

/// The id of TraceKind::slices: how many slices of a class are busy now.
struct BusySlices {
    std::uint32_t slice_class;
    std::uint32_t busy;

    static constexpr BusySlices of(std::uint64_t id) {
        return {static_cast<std::uint32_t>(id >> 32), static_cast<std::uint32_t>(id)};
    }
    constexpr std::uint64_t encode() const { return std::uint64_t{slice_class} << 32 | busy; }
};

std::string_view to_string(TraceKind kind);

struct TraceEvent {
    Time time;
    TraceKind kind;
    std::uint32_t queue;
    std::uint64_t id;
    std::uint64_t digest;
};

/// Two digests become one, in their order.
constexpr std::uint64_t trace_mix(std::uint64_t first, std::uint64_t second) {
    const std::uint64_t mixed = (std::rotl(first, 32) ^ second) * 0x9FB21C651E98DF25u;
    return mixed ^ (mixed >> 29);
}

/// Order-dependent hash over events; the same class serves the recorder and whoever checks an
/// exported trace.
class TraceHash {
  public:
    void add(std::span<const TraceEvent> events) { digest_.add(std::as_bytes(events)); }
    void add(const TraceEvent& event) { add({&event, 1}); }
    std::uint64_t value() const { return digest_.value(); }

  private:
    static_assert(sizeof(TraceEvent) == RecordDigest::record_size &&
                  std::has_unique_object_representations_v<TraceEvent>);

    RecordDigest digest_;
};

class Trace {
  public:
    /// How many of the latest events an assertion prints, and recent() gives.
    static constexpr std::size_t last_events = 200;

    /// Whether several threads record. In virtual time one does, and the lock is left out.
    enum class Threads { one, many };

    explicit Trace(std::uint64_t seed, Threads threads = Threads::one)
        : seed_(seed), streams_(threads == Threads::many ? std::make_unique<Streams>() : nullptr) {}
    Trace(const Trace&) = delete;
    Trace& operator=(const Trace&) = delete;
    ~Trace() {
        if (collected_here == this) {
            collected_here = nullptr;
        }
    }

    void record(const TraceEvent& event) {
        if (streams_ == nullptr) {
            const bool is_due = next_ == add_up_at_;
            add(event);
            if (is_due) [[unlikely]] {
                add_up();
            }
        } else if (collected_here == this) {
            collect(event);
        } else {
            record_in_stream({&event, 1});
        }
    }

    /// With Threads::many: what this thread records from now on, which is more than others do,
    /// takes no lock, and is counted when there are many or at flush(); at once while somebody
    /// listens. One thread of a trace, which ends before it or destroys it.
    void collect_here() { collected_here = this; }
    /// The thread that collects: hash() and event_count() know what it has recorded.
    void flush();

    class Burst;

    /// With Threads::many and events that nobody listened to, whose order among threads is nobody's
    /// to know: of each stream of them in its order.
    std::uint64_t hash() const;
    std::uint64_t event_count() const;
    std::uint64_t seed() const { return seed_; }

    /// The latest events although nobody listened, up to last_events, by time. With Threads::many
    /// others may record meanwhile; of what a thread collects those before the last flush().
    std::vector<TraceEvent> recent() const;

    /// Calls `listener` for every event from now on, in order; empty: stop.
    void listen(std::function<void(const TraceEvent&)> listener);

    /// Registers a writer that describes some part of the state (registers, a ring) in a dump.
    /// The writer may run while locks are held and must take none. Remove it by destroying the
    /// returned registration.
    class StateWriter;
    [[nodiscard]] StateWriter add_state_writer(std::string name,
                                               std::function<void(std::FILE*)> writer);

    /// Seed, state of every registered part, last events. Takes no lock: it is called when the
    /// process is about to abort.
    void dump(std::FILE* out) const;

  private:
    struct NamedWriter {
        std::string name;
        std::function<void(std::FILE*)> write;
    };
    /// Kept at least as long as a dump may want them, in a ring.
    using Latest = std::array<TraceEvent, 256>;
    /// Events from one time that they are hashed to the next, unless somebody listens.
    static constexpr std::size_t usual_delay = 64;
    static_assert(last_events <= std::tuple_size_v<Latest> &&
                  std::tuple_size_v<Latest> % usual_delay == 0);

    /// What some of many threads record while nobody listens. That they share next to nothing with
    /// the others is what makes it cheap: a line of memory goes from core to core in the time of
    /// a hundred instructions.
    struct alignas(64) Stream {
        SpinningMutex mutex;
        TraceHash hash;
        std::uint64_t hashed = 0;  ///< events
        std::uint64_t count = 0;
        Latest ring{};  ///< event n in place n % size

        void add_to(TraceHash& sum) const;
        void add_up() {
            add_to(hash);
            hashed = count;
        }
    };
    /// The first one of the thread that collects.
    using Streams = std::array<Stream, 9>;

    std::unique_lock<SpinningMutex> guard() const;
    Stream& collector() const { return streams_->front(); }
    Stream& stream_of_this_thread() const;
    void record_in_stream(std::span<const TraceEvent> events);
    void record_for_listener(std::span<const TraceEvent> events);
    void collect(const TraceEvent& event) {
        if (listens_.load(std::memory_order_relaxed)) [[unlikely]] {
            flush();
            record_for_listener({&event, 1});
            return;
        }
        Stream& stream = collector();
        put(event, stream.ring[stream.count++ % stream.ring.size()]);
        if (stream.count % usual_delay == 0) [[unlikely]] {
            flush();
        }
    }
    void add(const TraceEvent& event) { put(event, *next_++); }
    /// By field: what was just written in pieces would have to wait to be read as a whole.
    static void put(const TraceEvent& event, TraceEvent& place) {
        place.time = event.time;
        place.kind = event.kind;
        place.queue = event.queue;
        place.id = event.id;
        place.digest = event.digest;
    }
    void add_up();
    std::span<const TraceEvent> to_add_up() const { return {not_added_up_, next_}; }
    std::uint64_t own_count() const { return added_up_ + to_add_up().size(); }
    struct Sum {
        std::uint64_t hash;
        std::uint64_t events;
    };
    Sum add_all() const;
    Sum add_all_locked() const;
    struct Locks {
        std::unique_lock<SpinningMutex> own;
        std::array<std::unique_lock<SpinningMutex>, std::tuple_size_v<Streams>> of_streams;
    };
    Locks lock_all() const;
    class LatestByTime;

    std::uint64_t seed_;
    const std::unique_ptr<Streams> streams_;  ///< null: Threads::one
    /// The trace for which this thread collects. Asked at each event, hence without a call: a few
    /// bytes of each thread for who loads a module of ours.
    [[gnu::tls_model(
        "initial-exec")]] static inline constinit thread_local const Trace* collected_here =
        nullptr;
    std::atomic<bool> listens_{false};

    alignas(64) mutable SpinningMutex mutex_;
    Latest latest_{};
    std::uint64_t laps_ = 0;                  ///< of this ring
    TraceEvent* next_ = latest_.data();       ///< where the next event goes; never the end
    const TraceEvent* add_up_at_ = next_;     ///< after the event in this place
    const TraceEvent* not_added_up_ = next_;  ///< the first that is not in the hash
    TraceHash hash_;                          ///< of the first `added_up_` events
    std::uint64_t added_up_ = 0;
    std::function<void(const TraceEvent&)> listener_;
    std::list<NamedWriter> writers_;
};

/// Events of one thread that follow each other: with Threads::many they are recorded together, for
/// the price of one, when this ends at the latest.
class Trace::Burst {
  public:
    explicit Burst(Trace& trace) : trace_(trace) {}
    Burst(const Burst&) = delete;
    Burst& operator=(const Burst&) = delete;
    ~Burst() { flush(); }
    void record(const TraceEvent& event) {
        if (trace_.streams_ == nullptr) {
            trace_.record(event);
            return;
        }
        if (count_ == events_.size()) {
            flush();
        }
        events_[count_++] = event;
    }
    void flush() {
        if (count_ != 0) {
            trace_.record_in_stream(std::span(events_).first(count_));
            count_ = 0;
        }
    }

  private:
    Trace& trace_;
    std::array<TraceEvent, 32> events_;
    std::size_t count_ = 0;
};

/// Keeps a state writer registered for as long as it lives; must not outlive the Trace.
class Trace::StateWriter {
  public:
    StateWriter() = default;
    StateWriter(StateWriter&& other) noexcept { swap(other); }
    StateWriter& operator=(StateWriter&& other) noexcept {
        swap(other);
        return *this;
    }
    StateWriter(const StateWriter&) = delete;
    StateWriter& operator=(const StateWriter&) = delete;
    ~StateWriter();

  private:
    friend class Trace;
    StateWriter(Trace& trace, std::list<NamedWriter>::iterator position)
        : trace_(&trace), position_(position) {}
    void swap(StateWriter& other) noexcept {
        std::swap(trace_, other.trace_);
        std::swap(position_, other.position_);
    }

    Trace* trace_ = nullptr;
    std::list<NamedWriter>::iterator position_;
};

}  // namespace ringside
