// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What the parts of the chip hold: a queue pair's ring state, an operation on its way through the
// stages, and the actions that the calendar brings up.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "computation.hpp"
#include "ringside/base/time.hpp"
#include "ringside/blocks/calendar.hpp"
#include "ringside/blocks/fifo.hpp"
#include "ringside/blocks/moderation.hpp"
#include "ringside/blocks/rings.hpp"
#include "ringside/spec/registers.hpp"
#include "ringside/spec/wire.hpp"
#include "scratch.hpp"
#include "sessions.hpp"

namespace ringside::core {

/// An operation between fetch and completion. Recycled, buffers included; see release(). By
/// cache line: what each stage looks at, the descriptor, what the slice gave, and at the end what
/// few operations need.
struct alignas(64) Operation {
    std::uint64_t serial = 0;  ///< order of fetch over all queues; 0: not in use
    Time doorbell{};
    SessionPtr session;
    Computation* computation = nullptr;  ///< with helpers, until they have computed and delivered
    spec::Status status;
    std::uint32_t result = 0;
    std::uint32_t detail = 0;
    std::uint16_t queue = 0;
    bool hung = false;           ///< its slice will be stopped by the watchdog
    bool timed_out = false;      ///< a fault: nobody answers the read of its source
    bool delayed = false;        ///< a fault: its completion has been put off once
    bool has_entropy = false;    ///< its session needed some
    JobNature nature;            ///< once its descriptor has been planned
    bool is_uncleansed = false;  ///< the chip knows that its output was left, if it still is
    spec::SubmissionEntry entry;
    std::optional<Outcome> outcome;       ///< computed already, when its source was read
    std::optional<std::uint64_t> digest;  ///< payload_digest(), unless the output is another by now
    std::vector<spec::ListEntry> source_list;  ///< scatter-gather; empty: src is the data
    std::vector<spec::ListEntry> target_list;
    Scratch output;
    Scratch source;
    Entropy entropy;  ///< for this operation alone

    bool has(spec::SubmissionFlag flag) const {
        return (entry.flags & static_cast<unsigned>(flag)) != 0;
    }
};

/// A chain whose time has come, and that waits for another one to be computed with. What it reads
/// is the host's memory, which must stay as it is until then.
struct WaitingChain {
    static constexpr std::uint32_t nobody = ~std::uint32_t{0};

    std::uint32_t slot = nobody;  ///< of its operation
    std::uint64_t address = 0;
    std::span<const std::byte> source;

    bool is_of(std::uint32_t operation) const { return slot == operation; }
    bool reads(std::uint64_t from, std::size_t length) const {
        return slot != nobody && (from - address < source.size() || address - from < length);
    }
};

/// What RL_RATE and RL_BURST say.
struct RateLimit {
    Duration interval;  ///< between two descriptors at the full rate
    std::uint32_t burst;
};

/// The token bucket of a rate limit, kept as the instant at which it was (or will be) empty: what
/// it holds follows from the time since then, so nothing has to tick.
class TokenBucket {
  public:
    /// One token an interval since it was empty, never more than the burst.
    std::uint32_t tokens(Time now, const RateLimit& limit) const {
        return static_cast<std::uint32_t>(
            std::clamp<std::int64_t>((now - empty_at_) / limit.interval, 0, limit.burst));
    }
    void take(Time now, const RateLimit& limit) {
        empty_at_ = std::max(empty_at_, now - limit.interval * limit.burst) + limit.interval;
    }
    void fill(Time now, const RateLimit& limit) { empty_at_ = now - limit.interval * limit.burst; }
    Time next_token(const RateLimit& limit) const { return empty_at_ + limit.interval; }

  private:
    Time empty_at_{};
};

/// What tells whose a completion entry is.
struct CompletionTag {
    std::uint16_t cid;
    std::uint64_t user_tag;
};

/// What goes into the completion ring, but for the phase.
struct PendingCompletion {
    std::uint16_t queue;
    std::uint16_t opcode;
    spec::CompletionEntry entry;
    spec::Status status;
};

struct Queue {
    spec::QueueState state = spec::QueueState::disabled;
    std::uint32_t epoch = 0;  ///< counts enables and resets: an action of an older one is void
    blocks::SubmissionRing sq;
    blocks::CompletionRing cq;
    std::uint32_t credits_in_use = 0;
    std::optional<CompletionTag> last_tag;  ///< of the entry written last; kept for faults
    bool rang = false;                      ///< a doorbell is on its way to the arbiter
    bool fenced = false;                    ///< the next descriptor waits for all before it
    bool limited = false;                   ///< the next descriptor waits for the rate limit
    std::uint32_t in_chip = 0;              ///< fetched and not completed
    std::uint64_t submitted = 0;            ///< Q_SUBMITTED
    std::uint64_t completed = 0;            ///< Q_COMPLETED
    std::uint64_t errors = 0;               ///< Q_ERRORS
    TokenBucket rate;
    std::uint32_t vector = 0;
    bool interrupts_enabled = false;
    blocks::Moderation moderation;
    std::vector<Time> doorbell_times;  ///< by submission ring index
};

/// An operation by its place and its serial number: the place may be another's by the time that one
/// looks.
struct OperationRef {
    std::uint32_t slot;
    std::uint64_t serial;
};

/// The slices of a class, and the operations that wait for one.
struct SlicePool {
    std::uint32_t count;
    std::uint32_t busy = 0;
    blocks::Fifo<OperationRef> waiting{};
};

enum class Stage : std::uint8_t {
    reset_done,
    fatal,
    enabled,
    doorbell,
    token,
    fetch,
    lists_read,
    source_read,
    slice_done,
    written,
    completed,
    moderation,
    interrupt,
    fault,       ///< a fault that the whole chip feels; slot: its kind
    late_write,  ///< serial: of what a fault has put off
    late_entry,
    storm,  ///< serial: messages to come
};

/// Two words, so that it travels in registers.
class Action {
  public:
    Action() = default;
    Action(Stage stage, std::uint16_t queue, std::uint32_t slot, std::uint64_t serial)
        : what_(static_cast<std::uint64_t>(stage) | std::uint64_t{queue} << 16 |
                std::uint64_t{slot} << 32),
          serial_(serial) {}

    Stage stage() const { return static_cast<Stage>(what_ & 0xFF); }
    /// interrupt, storm: the vector; slice_done: the class.
    std::uint16_t queue() const { return static_cast<std::uint16_t>(what_ >> 16); }
    /// Of the operation, or the epoch that makes the action valid.
    std::uint32_t slot() const { return static_cast<std::uint32_t>(what_ >> 32); }
    /// Of the operation.
    std::uint64_t serial() const { return serial_; }

  private:
    std::uint64_t what_ = 0;
    std::uint64_t serial_ = 0;
};

/// What happens to each operation has a lane of the calendar to itself, what happens to each batch
/// one more.
inline constexpr std::size_t lanes = 5;
inline std::size_t lane_of(const Action& action) {
    switch (action.stage()) {
        case Stage::source_read:
            return 0;
        case Stage::slice_done:
            return 1;
        case Stage::written:
            return 2;
        case Stage::completed:
            return 3;
        case Stage::doorbell:
        case Stage::fetch:
        case Stage::interrupt:
            return 4;
        default:
            return blocks::no_lane;
    }
}

}  // namespace ringside::core
