// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Chrome's trace event format ("Trace Event Format", Google, 2016), as Perfetto opens it: an
// operation is an async event from its submission to its callback, with the chip's stages inside; a
// flow leads from the submission over the interrupt to the callback.

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdarg>
#include <cstdio>
#include <map>
#include <optional>
#include <utility>

#include "ringside/spec/faults.hpp"
#include "ringside/spec/registers.hpp"
#include "trace_writer.hpp"

namespace ringside::sim {
namespace {

// Perfetto groups by process and thread; ours are places.
constexpr int host = 1;
constexpr int device = 2;
constexpr int chip_track = 1;
int submit_track(std::uint16_t queue) {
    return 10 + 2 * queue;
}
int callback_track(std::uint16_t queue) {
    return 11 + 2 * queue;
}
int vector_track(std::uint16_t vector) {
    return 10 + vector;
}

/// What an operation goes through. Each begins where the one before ends.
enum class Step : std::uint8_t { submit, fetch, read, service, slice, write, complete, callback };
constexpr std::size_t steps = 8;
constexpr std::array<const char*, steps> step_names = {
    "",      "wait for fetch",    "read source", "wait for slice",
    "slice", "write destination", "complete",    "wait for callback"};

std::optional<Step> step_of(TraceKind kind) {
    switch (kind) {
        case TraceKind::submit:
            return Step::submit;
        case TraceKind::fetch:
            return Step::fetch;
        case TraceKind::dma_read:
            return Step::read;
        case TraceKind::slices:
            return Step::service;
        case TraceKind::slice:
            return Step::slice;
        case TraceKind::dma_write:
            return Step::write;
        case TraceKind::completion:
            return Step::complete;
        case TraceKind::callback:
            return Step::callback;
        default:
            return std::nullopt;
    }
}

struct Operation {
    std::uint64_t id = 0;  ///< in the file
    std::array<std::optional<Time>, steps> at;
    std::optional<Time> interrupt;
    std::uint16_t vector = 0;

    std::optional<Time>& time_of(Step step) { return at[static_cast<std::size_t>(step)]; }
};

/// A line of the file at its time.
struct Line {
    Time time;
    std::string text;
};

std::string error_name(std::uint64_t bit) {
    for (const spec::Field& field : spec::reg("ERR_SRC").fields) {
        if (field.lsb == bit) {
            return std::string(field.name);
        }
    }
    return "unknown";
}

std::string fault_name(std::uint64_t number) {
    const spec::FaultInfo* info = spec::find_fault(static_cast<std::uint32_t>(number));
    return info != nullptr ? std::string(info->name) : "unknown";
}

std::string state_name(std::uint64_t state) {
    constexpr std::array<const char*, 7> names = {"RESET",    "DISABLED", "ENABLING", "READY",
                                                  "DRAINING", "ERROR",    "DEAD"};
    return state < names.size() ? names[state] : "unknown";
}

/// From the events of a run, in order, to the lines of the file, in the order of time.
class Story {
  public:
    /// `complete`: no event is missing before the first one.
    explicit Story(bool complete) : complete_(complete) {}

    void add(const TraceEvent& event) {
        const auto step = step_of(event.kind);
        if (step == Step::submit) {
            begin(event);
        } else if (step) {
            note(*step, event);
        }
        switch (event.kind) {
            case TraceKind::reap:
                count(event, -1);
                break;
            case TraceKind::interrupt:
                interrupt(event);
                break;
            case TraceKind::eagain:
                instant(event, host, submit_track(event.queue), "EAGAIN");
                break;
            case TraceKind::stale:
                instant(event, host, callback_track(event.queue), "stale completion");
                break;
            case TraceKind::device_state:
                instant(event, device, chip_track, state_name(event.id));
                break;
            case TraceKind::error:
                instant(event, device, chip_track, "error " + error_name(event.id));
                break;
            case TraceKind::fault:
                instant(event, device, chip_track, "fault " + fault_name(event.id));
                break;
            default:
                break;
        }
    }

    std::vector<Line> lines() {
        std::stable_sort(lines_.begin(), lines_.end(),
                         [](const Line& a, const Line& b) { return a.time < b.time; });
        return std::exchange(lines_, {});
    }
    /// Tracks that the lines are on, and their names.
    const std::map<std::pair<int, int>, std::string>& tracks() const { return tracks_; }

  private:
    using Key = std::pair<std::uint16_t, std::uint64_t>;

    [[gnu::format(printf, 3, 4)]] void put(Time time, const char* format, ...) {
        std::array<char, 384> text;
        va_list arguments;
        va_start(arguments, format);
        std::vsnprintf(text.data(), text.size(), format, arguments);
        va_end(arguments);
        const std::int64_t ps = to_ps(time);
        std::array<char, 48> stamp;
        std::snprintf(stamp.data(), stamp.size(), "{\"ts\":%" PRId64 ".%06" PRId64 ",",
                      ps / 1'000'000, ps % 1'000'000);
        lines_.push_back({time, std::string(stamp.data()) + text.data() + "}"});
    }

    void begin(const TraceEvent& event) {
        Operation& operation = open_[{event.queue, event.id}];
        operation = {};
        operation.id = ++last_id_;
        operation.time_of(Step::submit) = event.time;
        count(event, 1);
    }

    void note(Step step, const TraceEvent& event) {
        // The event of a slice that begins names its operation in the digest.
        const std::uint64_t tag = step == Step::service ? event.digest : event.id;
        const auto found = open_.find(Key{event.queue, tag});
        if (found == open_.end()) {
            return;  // submitted before the first event that is kept
        }
        auto& time = found->second.time_of(step);
        time = time ? time : event.time;
        if (step == Step::complete) {
            unannounced_[event.queue].push_back(found->first);
        } else if (step == Step::callback) {
            tell(found->first, found->second);
            open_.erase(found);
        }
    }

    void interrupt(const TraceEvent& event) {
        const auto fate = static_cast<MessageFate>(event.digest);
        const int track = vector_track(event.queue);
        name(device, track, "vector " + std::to_string(event.queue));
        put(event.time, "\"ph\":\"X\",\"dur\":0.001,\"pid\":%d,\"tid\":%d,\"name\":\"%s\"", device,
            track,
            fate == MessageFate::sent      ? "MSI-X message"
            : fate == MessageFate::pending ? "pending"
                                           : "MSI-X message, late");
        if (event.queue == spec::error_vector || fate == MessageFate::pending) {
            return;
        }
        const auto queue = static_cast<std::uint16_t>(event.queue - spec::queue_vector(0));
        for (const Key& key : std::exchange(unannounced_[queue], {})) {
            const auto found = open_.find(key);
            if (found != open_.end()) {
                found->second.interrupt = event.time;
                found->second.vector = event.queue;
            }
        }
    }

    /// The whole operation. Driver and device have a clock each in live time: nothing is shown
    /// before what came first.
    void tell(const Key& key, Operation& operation) {
        const auto [queue, tag] = key;
        Time before = *operation.time_of(Step::submit);
        const Time begin = before;
        constexpr const char* async = "\"ph\":\"%c\",\"cat\":\"operation\",\"id\":%" PRIu64
                                      ",\"pid\":%d,\"tid\":%d,\"name\":\"%s\"";
        const auto edge = [&](Time time, char phase, const char* what) {
            put(time, async, phase, operation.id, host, submit_track(key.first), what);
        };
        const std::string title = "queue " + std::to_string(queue);
        put(begin,
            "\"ph\":\"b\",\"cat\":\"operation\",\"id\":%" PRIu64
            ",\"pid\":%d,\"tid\":%d,\"name\":\"%s\",\"args\":{\"user_tag\":%" PRIu64 "}",
            operation.id, host, submit_track(queue), title.c_str(), tag);
        mark(begin, host, submit_track(queue), "submit", operation.id, 's');
        for (std::size_t i = 1; i < steps; ++i) {
            if (!operation.at[i]) {
                continue;
            }
            Time end = std::max(before, *operation.at[i]);
            if (static_cast<Step>(i) == Step::callback && operation.interrupt) {
                const Time raised = std::max(before, *operation.interrupt);
                flow(raised, device, vector_track(operation.vector), operation.id, 't');
                end = std::max(end, raised);
            }
            edge(before, 'b', step_names[i]);
            edge(end, 'e', step_names[i]);
            before = end;
        }
        mark(before, host, callback_track(queue), "callback", operation.id, 'f');
        edge(before, 'e', title.c_str());
        name_queue(queue);
    }

    /// A point on a track, with an end of a flow on it.
    void mark(Time time, int place, int track, const char* what, std::uint64_t id, char phase) {
        put(time, "\"ph\":\"X\",\"dur\":0.001,\"pid\":%d,\"tid\":%d,\"name\":\"%s\"", place, track,
            what);
        flow(time, place, track, id, phase);
    }
    void flow(Time time, int place, int track, std::uint64_t id, char phase) {
        put(time,
            "\"ph\":\"%c\",\"cat\":\"flow\",\"name\":\"operation\",\"id\":%" PRIu64
            ",\"pid\":%d,\"tid\":%d,\"bp\":\"e\"",
            phase, id, place, track);
    }

    void instant(const TraceEvent& event, int place, int track, const std::string& what) {
        put(event.time, "\"ph\":\"i\",\"s\":\"t\",\"pid\":%d,\"tid\":%d,\"name\":\"%s\"", place,
            track, what.c_str());
        if (place == device) {
            name(device, chip_track, "chip");
        } else {
            name_queue(event.queue);
        }
    }

    void count(const TraceEvent& event, int change) {
        if (complete_) {
            put(event.time,
                "\"ph\":\"C\",\"pid\":%d,\"name\":\"queue %u in "
                "flight\",\"args\":{\"operations\":%d}",
                host, static_cast<unsigned>(event.queue), in_flight_[event.queue] += change);
        }
    }

    void name_queue(std::uint16_t queue) {
        const std::string title = "queue " + std::to_string(queue);
        name(host, submit_track(queue), title + ": submit");
        name(host, callback_track(queue), title + ": callback");
    }
    void name(int place, int track, const std::string& what) {
        tracks_.emplace(std::pair(place, track), what);
    }

    const bool complete_;
    std::map<Key, Operation> open_;
    std::map<std::uint16_t, std::vector<Key>> unannounced_;
    std::map<std::uint16_t, int> in_flight_;
    std::map<std::pair<int, int>, std::string> tracks_;
    std::uint64_t last_id_ = 0;
    std::vector<Line> lines_;
};

/// Keeps the last events, and writes them in the end.
class ChromeWriter final : public TraceWriter {
  public:
    ChromeWriter(std::unique_ptr<OutputFile> file, const Trace& trace, std::uint64_t missing)
        : file_(std::move(file)), seed_(trace.seed()), missing_(missing) {}

    void add(const TraceEvent& event) override {
        if (kept_.size() < most_events) {
            kept_.push_back(event);
        } else {
            kept_[count_ % most_events] = event;
        }
        ++count_;
    }

    bool finish() override {
        const std::size_t kept = kept_.size();
        const std::uint64_t dropped = missing_ + count_ - kept;
        Story story(dropped == 0);
        for (std::uint64_t i = count_ - kept; i < count_; ++i) {
            story.add(kept_[i % most_events]);
        }
        file_->print("{\"displayTimeUnit\":\"ns\",\"otherData\":{\"seed\":\"%" PRIu64
                     "\",\"events\":\"%" PRIu64 "\",\"dropped\":\"%" PRIu64
                     "\"},\"traceEvents\":[\n",
                     seed_, missing_ + count_, dropped);
        file_->print(
            "{\"ph\":\"M\",\"pid\":%d,\"name\":\"process_name\",\"args\":{\"name\":"
            "\"driver and application\"}},\n",
            host);
        file_->print(
            "{\"ph\":\"M\",\"pid\":%d,\"name\":\"process_name\",\"args\":{\"name\":\"device\"}}",
            device);
        const auto lines = story.lines();
        for (const auto& [where, name] : story.tracks()) {
            file_->print(
                ",\n{\"ph\":\"M\",\"pid\":%d,\"tid\":%d,\"name\":\"thread_name\",\"args\":{"
                "\"name\":\"%s\"}}",
                where.first, where.second, name.c_str());
        }
        for (const Line& line : lines) {
            file_->print(",\n%s", line.text.c_str());
        }
        file_->print("\n]}\n");
        return file_->flush();
    }

  private:
    std::unique_ptr<OutputFile> file_;
    const std::uint64_t seed_;
    const std::uint64_t missing_;
    std::uint64_t count_ = 0;
    std::vector<TraceEvent> kept_;  ///< by number, modulo most_events
};

}  // namespace

std::unique_ptr<TraceWriter> make_chrome_writer(std::unique_ptr<OutputFile> file,
                                                const Trace& trace, std::uint64_t missing) {
    return std::make_unique<ChromeWriter>(std::move(file), trace, missing);
}

}  // namespace ringside::sim
