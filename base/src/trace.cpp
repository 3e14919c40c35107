// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/base/trace.hpp"

#include <algorithm>
#include <bit>
#include <cinttypes>
#include <cstring>
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

/// One round of a multiply-rotate mixer: cheap, and every input bit reaches every output bit
/// within two rounds.
std::uint64_t mix(std::uint64_t state, std::uint64_t word) {
    state = (state ^ word) * 0x9FB21C651E98DF25u;
    return state ^ (state >> 29);
}

}  // namespace

std::string_view to_string(TraceKind kind) {
    const auto index = static_cast<std::size_t>(kind);
    return index < kind_names.size() ? kind_names[index] : "unknown";
}

std::uint64_t digest_of(std::span<const std::byte> bytes) {
    // Two lanes, so that the multiplications of one hide the latency of the other.
    std::uint64_t a = 0x243F6A8885A308D3u ^ bytes.size();
    std::uint64_t b = 0x13198A2E03707344u;
    while (bytes.size() >= 16) {
        std::uint64_t words[2];
        std::memcpy(words, bytes.data(), sizeof words);
        a = mix(a, words[0]);
        b = mix(b, words[1]);
        bytes = bytes.subspan(16);
    }
    if (!bytes.empty()) {
        std::uint64_t words[2] = {};
        std::memcpy(words, bytes.data(), bytes.size());
        a = mix(a, words[0]);
        b = mix(b, words[1]);
    }
    return mix(std::rotl(a, 32), b);
}

void TraceHash::add(const TraceEvent& event) {
    state_ = mix(state_, static_cast<std::uint64_t>(to_ps(event.time)));
    state_ = mix(state_, static_cast<std::uint64_t>(event.kind) << 16 | event.queue);
    state_ = mix(state_, event.id);
    state_ = mix(state_, event.digest);
}

std::unique_lock<std::mutex> Trace::guard() const {
    return threads_ == Threads::many ? std::unique_lock(mutex_) : std::unique_lock<std::mutex>();
}

void Trace::record(const TraceEvent& event) {
    const auto lock = guard();
    hash_.add(event);
    latest_[count_ % last_events] = event;
    ++count_;
    if (listener_) {
        listener_(event);
    }
}

std::uint64_t Trace::hash() const {
    const auto lock = guard();
    return hash_.value();
}

std::uint64_t Trace::event_count() const {
    const auto lock = guard();
    return count_;
}

void Trace::listen(std::function<void(const TraceEvent&)> listener) {
    const auto lock = guard();
    listener_ = std::move(listener);
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
                 hash_.value(), count_);
    for (const auto& writer : writers_) {
        std::fprintf(out, "-- %s\n", writer.name.c_str());
        writer.write(out);
    }
    const std::uint64_t shown = std::min<std::uint64_t>(count_, last_events);
    std::fprintf(out, "-- last %" PRIu64 " events: time_ps kind queue id digest\n", shown);
    for (std::uint64_t i = count_ - shown; i < count_; ++i) {
        const TraceEvent& event = latest_[i % last_events];
        std::fprintf(out, "%" PRId64 " %s %u %" PRIx64 " %016" PRIx64 "\n", to_ps(event.time),
                     to_string(event.kind).data(), event.queue, event.id, event.digest);
    }
}

}  // namespace ringside
