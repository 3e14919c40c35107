// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What a slice computes, made so that a helper can do it: with everything that it needs, because
// the operation that it is of may move meanwhile. The chip's thread fills an errand in and hands it
// out; whoever claims it works on it; the chip's thread takes what came out, and uses it again.
//
// What the two sides tell each other costs what cache lines cost that go from core to core. So an
// errand is two lines that the chip's thread writes, its result half a line that who works on it
// writes, and what only the chip's thread looks at is a third thing. They lie in different pages,
// because a processor that reads some lines in a row asks for the next ones of the page, too.

#include <string.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "chains.hpp"
#include "ringside/base/prefetch.hpp"
#include "ringside/base/trace.hpp"
#include "scratch.hpp"
#include "session.hpp"

namespace ringside::core {

inline constexpr std::size_t page = 4096;

/// What came of an errand.
class alignas(32) Result {
  public:
    /// Whether the caller is the one to work on the offer, or to take it back.
    bool claim(std::uint64_t offer) {
        std::uint64_t progress = progress_.load(std::memory_order_relaxed);
        return progress < claimed(offer) &&
               progress_.compare_exchange_strong(progress, claimed(offer));
    }
    bool is_done(std::uint64_t offer) const {
        return progress_.load(std::memory_order_acquire) >= done(offer);
    }
    /// Who has claimed it: it is done.
    void give(std::uint64_t offer, const Outcome& outcome, std::uint64_t digest,
              bool somebody_may_sleep) {
        status_ = outcome.status;
        written_ = static_cast<std::uint32_t>(outcome.written);
        digest_ = digest;
        if (somebody_may_sleep) {
            progress_.store(done(offer));
            progress_.notify_one();
        } else {
            progress_.store(done(offer), std::memory_order_release);
        }
    }
    /// Sleeps until it is done. Of an errand that is_long().
    void wait(std::uint64_t offer) const {
        for (std::uint64_t progress = progress_.load(); progress < done(offer);
             progress = progress_.load()) {
            progress_.wait(progress);
        }
    }

    // ---- when it is done ----

    Outcome outcome() const { return {status_, written_}; }
    std::uint64_t digest() const { return digest_; }  ///< payload_digest()

  private:
    /// An offer that nobody has claimed has the progress of an earlier one.
    static constexpr std::uint64_t claimed(std::uint64_t offer) { return 2 * offer; }
    static constexpr std::uint64_t done(std::uint64_t offer) { return 2 * offer + 1; }

    std::atomic<std::uint64_t> progress_{0};
    std::uint64_t digest_ = 0;
    std::uint32_t written_ = 0;
    spec::Status status_;
};

/// What is to be computed.
struct alignas(apart) Errand {
    std::uint64_t offer = 0;  ///< its number: 1 and up, each greater than the one before
    Result* result = nullptr;
    Session* session = nullptr;
    const std::byte* source = nullptr;
    /// Of the source, to compute on; may be the output. Null: the source stays as it is.
    std::byte* copy = nullptr;
    std::byte* output = nullptr;
    const Entropy* entropy = nullptr;
    std::uint32_t source_size = 0;
    std::uint32_t output_size = 0;
    spec::SubmissionEntry entry;

    /// It will be filled in soon: a helper has looked at it.
    void expect() const {
        prefetch_to_write(this);
        prefetch_to_write(&entry);
    }
    /// Who waits for it may want to sleep. Given its job's nature.
    bool is_long(JobNature nature) const {
        return nature.is_asymmetric || source_size > std::size_t{64} * 1024;
    }

    // ---- by one at a time, before it is claimed ----

    /// Copies the source, so that it need not stay.
    void read() const {
        prefetch_to_write(result);
        std::memcpy(copy, source, source_size);
    }

    // ---- by who has claimed it ----

    void perform(unsigned worker) const;
    /// Of two that are chains, in turns: in little more time than one takes. Calls `between` now
    /// and then.
    template <typename Between>
    static void perform_both(const Errand& one, const Errand& other, unsigned worker,
                             Between&& between);
    /// Nobody wants it any more.
    void take_back() const;

  private:
    Job job(unsigned place) const {
        return {entry,
                {copy != nullptr ? copy : source, source_size},
                {output, output_size},
                *entropy,
                place};
    }
    void conclude(const Job& job, const Outcome& outcome) const;
    void end(const Outcome& outcome, std::uint64_t digest) const;
};

template <typename Between>
void Errand::perform_both(const Errand& one, const Errand& other, unsigned worker,
                          Between&& between) {
    const Job first = one.job(work_place_of(worker));
    const Job second = other.job(work_place_of(worker) + 1);
    execute_both({*one.session, first}, {*other.session, second}, between);
    one.conclude(first, {{}, one.output_size});
    other.conclude(second, {{}, other.output_size});
}

/// What the chip's thread knows of an errand; it does not look at it once it is handed out.
struct Computation {
    Errand* errand = nullptr;
    Result* result = nullptr;
    unsigned desk = 0;  ///< of the helper that it is for
    JobNature nature;
    bool is_long = false;  ///< the errand's
    bool has_entropy = false;
    bool is_uncleansed = false;    ///< HelpedDma knows that its output was left, if it still is
    std::uint64_t offer = 0;       ///< the errand's
    std::uint64_t read_since = 0;  ///< settle() so many times before; 0: not from host memory
    std::uint64_t address = 0;     ///< there
    std::size_t read_size = 0;     ///< bytes from there
    Scratch source;                ///< for Errand::copy
    Scratch output;
    Entropy entropy{};

    bool is_done() const { return result->is_done(offer); }
    void keep_entropy(const Entropy& given) {
        entropy = given;
        has_entropy = true;
    }
    void cleanse_entropy() {
        if (has_entropy) {
            explicit_bzero(entropy.data(), entropy.size());
            has_entropy = false;
        }
    }
};

}  // namespace ringside::core
