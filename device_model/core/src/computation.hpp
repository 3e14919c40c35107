// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What a slice computes, made so that a helper can do it: with everything that it needs, because
// the operation that it is of may move meanwhile. The chip's thread fills it in and hands it out;
// whoever claims it works on it; the chip's thread takes it back, and uses it again. What the two
// sides tell each other costs what cache lines cost that go from core to core, so each line is
// written by one side alone.

#include <string.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "ringside/base/prefetch.hpp"
#include "ringside/base/trace.hpp"
#include "scratch.hpp"
#include "session.hpp"

namespace ringside::core {

class Computation {
  public:
    /// Between what different threads write: lines are fetched in pairs.
    static constexpr std::size_t apart = 128;

    enum class Phase : std::uint8_t {
        reading,    ///< somebody copies the source
        read,       ///< it may be claimed again, to compute it
        computing,  ///< nobody looks at the source any more, unless it stays as it is
        done,
    };
    struct Task {
        Session* session = nullptr;
        std::span<const std::byte> source;
        std::span<std::byte> output;
        /// Where the source is copied to while it is computed on; null: it stays as it is.
        std::byte* copy = nullptr;
    };
    struct Result {
        Outcome outcome;
        std::uint64_t digest = 0;  ///< payload_digest()
    };

    // ---- the chip's thread, while nobody works on it ----

    Task& task() { return task_; }
    spec::SubmissionEntry& entry() { return entry_; }
    void keep_entropy(const Entropy& entropy) {
        entropy_ = entropy;
        keeping.has_entropy = true;
    }
    void cleanse_entropy() {
        if (keeping.has_entropy) {
            explicit_bzero(entropy_.data(), entropy_.size());
            keeping.has_entropy = false;
        }
    }
    /// Can be claimed from now on.
    void offer() { ticket_.store(++keeping.offers, std::memory_order_release); }

    /// It will be filled in soon: a helper has looked at it.
    void expect() const {
        prefetch_to_write(&ticket_);
        prefetch_to_write(&entry_);
    }

    // ---- anybody ----

    /// Copies the source if nobody has begun, so that it need not stay.
    void read_ahead() {
        const std::uint64_t offer = ticket();
        if (advance(progress_of(offer - 1, Phase::done), progress_of(offer, Phase::reading))) {
            read();
            come_to(Phase::read);
        }
    }
    /// Whether the caller is the one to perform() it, or to take it back.
    bool claim() {
        const std::uint64_t offer = ticket();
        return advance(progress_of(offer - 1, Phase::done), progress_of(offer, Phase::reading)) ||
               advance(progress_of(offer, Phase::read), progress_of(offer, Phase::computing));
    }
    /// Who has claimed it.
    void take_back() {
        cleanse_copy();
        come_to(Phase::done);
    }
    void perform(unsigned worker) {
        if (progress_.load(std::memory_order_relaxed) != progress_of(ticket(), Phase::computing)) {
            read();
            come_to(Phase::computing);
        }
        const std::span<const std::byte> source =
            task_.copy == nullptr ? task_.source : std::span(task_.copy, task_.source.size());
        const Job job{entry_, source, task_.output, entropy_, worker};
        const Outcome outcome = execute(*task_.session, job);
        result_ = {outcome, payload_digest(job, outcome)};
        cleanse_copy();
        come_to(Phase::done);
        progress_.notify_one();
    }

    // ---- the chip's thread ----

    /// Whether who has claimed it, if anybody has, has come so far.
    bool has_come_to(Phase phase) const {
        return progress_.load(std::memory_order_acquire) >= progress_of(keeping.offers, phase);
    }
    /// It will soon be looked at.
    void fetch_result() const { __builtin_prefetch(&progress_); }
    /// Somebody has claimed it: sleeps until it is done.
    void wait() const {
        for (std::uint64_t progress = progress_.load();
             progress < progress_of(keeping.offers, Phase::done); progress = progress_.load()) {
            progress_.wait(progress);
        }
    }
    /// Valid when it is done.
    const Result& result() const { return result_; }

  private:
    static constexpr std::uint64_t progress_of(std::uint64_t ticket, Phase phase) {
        return ticket * 4 + static_cast<std::uint64_t>(phase);
    }
    std::uint64_t ticket() const { return ticket_.load(std::memory_order_acquire); }
    /// An offer that nobody has begun has the progress of the one before.
    bool advance(std::uint64_t from, std::uint64_t to) {
        return progress_.load(std::memory_order_relaxed) == from &&
               progress_.compare_exchange_strong(from, to);
    }
    void come_to(Phase phase) {
        progress_.store(progress_of(ticket(), phase), std::memory_order_release);
    }
    void read() {
        if (task_.copy != nullptr) {
            std::memcpy(task_.copy, task_.source.data(), task_.source.size());
        }
    }
    void cleanse_copy() {
        if (task_.copy != nullptr) {
            explicit_bzero(task_.copy, task_.source.size());
        }
    }

    alignas(apart) std::atomic<std::uint64_t> ticket_{0};  ///< of the offer
    Task task_;
    alignas(64) spec::SubmissionEntry entry_;  ///< in one line, as expect() wants it
    Entropy entropy_{};

    alignas(apart) std::atomic<std::uint64_t> progress_{progress_of(0, Phase::done)};
    Result result_;

  public:
    /// What only the chip's thread looks at.
    struct Keeping {
        std::uint64_t offers = 0;
        unsigned desk = 0;        ///< of the helper that it is for
        bool reads_host = false;  ///< the source is host memory, from `address` on
        std::uint64_t address = 0;
        bool has_entropy = false;
        SessionPtr session;
        Scratch source;  ///< for Task::copy
        Scratch output;
    };
    alignas(apart) Keeping keeping;
};

}  // namespace ringside::core
