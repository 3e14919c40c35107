// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The chip's way to host memory when helpers go there, too. While the host stands still, a payload
// need not pass through the chip's thread: a helper reads it where it lies, computes, and writes
// what came out where it belongs, some time between the simulated instant and settle(). Whatever
// the chip's thread itself reads or writes meanwhile finds memory as if each had been done at its
// instant: this port knows the addresses under way, and settles first if it must. Chip's thread
// only.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "helpers.hpp"
#include "own_share.hpp"
#include "ringside/blocks/ports.hpp"

namespace ringside::core {

/// How many reads and writes are under way at each address: never too few.
class AccessCounts {
  public:
    /// Larger ones are not for it.
    static constexpr std::size_t largest = std::size_t{64} * 1024;

    void begin_read(std::uint64_t address, std::size_t length) { add(address, length, a_read); }
    void end_read(std::uint64_t address, std::size_t length) { add(address, length, -a_read); }
    void begin_write(std::uint64_t address, std::size_t length) { add(address, length, a_write); }
    bool any_at(std::uint64_t address, std::size_t length) const {
        return at(address, length) != 0;
    }
    bool any_write_at(std::uint64_t address, std::size_t length) const {
        return at(address, length) >= a_write;
    }
    void clear() {
        for (; used_ != 0; used_ &= used_ - 1) {
            const auto group = static_cast<std::size_t>(std::countr_zero(used_));
            std::fill_n(counts_.begin() + group * group_size, group_size, 0);
        }
    }

  private:
    static constexpr std::uint64_t granule = 1024;
    /// Addresses that are farther apart than all of these reach, 4 MiB, share one, and may settle
    /// for nothing: so more than most have under way at one time.
    static constexpr std::size_t places = 4096;
    static constexpr std::size_t group_size = places / 64;
    static constexpr std::uint64_t a_read = 1;
    static constexpr std::uint64_t a_write = std::uint64_t{1} << 32;

    void add(std::uint64_t address, std::size_t length, std::uint64_t what) {
        for_each_place(address, length, [this, what](std::size_t place) {
            counts_[place] += what;
            used_ |= std::uint64_t{1} << (place / group_size);
        });
    }
    std::uint64_t at(std::uint64_t address, std::size_t length) const {
        if (length > largest) {
            return a_write;
        }
        std::uint64_t any = 0;
        for_each_place(address, length, [this, &any](std::size_t place) { any |= counts_[place]; });
        return any;
    }
    template <typename Visit>
    static void for_each_place(std::uint64_t address, std::size_t length, Visit&& visit) {
        if (length != 0) {
            const std::uint64_t last = (address + (length - 1)) / granule;
            for (std::uint64_t place = address / granule; place <= last; ++place) {
                visit(static_cast<std::size_t>(place % places));
            }
        }
    }

    std::array<std::uint64_t, places> counts_{};
    std::uint64_t used_ = 0;  ///< a bit for each group of places in which something is counted
};

/// Computations for one desk, what each side writes in pages of its own.
struct Shelf {
    explicit Shelf(unsigned desk);

    static constexpr std::size_t size = page / sizeof(Errand);
    alignas(page) std::array<Errand, size> errands;
    alignas(page) std::array<Result, size> results;
    alignas(page) std::array<Computation, size> computations;
};

class HelpedDma final : public blocks::DmaPort {
  public:
    /// The port must outlive it.
    HelpedDma(blocks::DmaPort& port, unsigned helpers) : port_(port), helpers_(helpers) {
        vacant_.resize(helpers_.count());
        delivered_.resize(helpers_.count());
    }
    HelpedDma(const HelpedDma&) = delete;
    HelpedDma& operator=(const HelpedDma&) = delete;

    // ---- the chip's own accesses ----

    blocks::DmaResult read(std::uint64_t address, std::span<std::byte> into) override {
        before_read(address, into.size());
        return port_.read(address, into);
    }
    const std::byte* look(std::uint64_t address, std::size_t length) override {
        before_read(address, length);
        return port_.look(address, length);
    }
    blocks::DmaResult write(std::uint64_t address, std::span<const std::byte> from) override {
        before_write(address, from.size());
        return port_.write(address, from);
    }
    blocks::DmaResult write_entry(std::uint64_t address,
                                  std::span<const std::byte> entry) override {
        before_write(address, entry.size());
        return port_.write_entry(address, entry);
    }
    void expect(std::uint64_t address, std::size_t length) override {
        port_.expect(address, length);
    }
    std::byte* look_to_write(std::uint64_t address, std::size_t length) override {
        before_write(address, length);
        return port_.look_to_write(address, length);
    }

    // ---- the helpers' ----

    /// Whether the chip's thread had better compute the next one itself that could
    /// start_in_place().
    bool keeps_next() { return own_share_.keeps_next(); }
    /// One of this nature whose output has so many bytes; the entry is to be filled in, and entropy
    /// if needed.
    Computation& take(JobNature nature, std::size_t output);
    /// Somebody computes it, from now on or when it is collected. The source stays as it is until
    /// then, and the session is there until it is given back.
    void start(Computation& computation, Session& session, std::span<const std::byte> source);
    /// Likewise; the source is what look() gave for `address`, until settle() at the latest.
    void start_in_place(Computation& computation, Session& session,
                        std::span<const std::byte> source, std::uint64_t address);
    /// It will soon be collected.
    static void expect(const Computation& computation) { __builtin_prefetch(computation.result); }
    /// It has been computed.
    void collect(Computation& computation);
    /// Not beyond AccessCounts::largest: brings its output to `target`, which is what
    /// look_to_write() gave for `address`, and gives the computation back.
    void deliver(Computation& computation, std::byte* target, std::uint64_t address);
    /// Nobody works on it any more, and nothing of it stays.
    void give_back(Computation& computation);
    /// No helper works on host memory any more.
    void settle();
    /// Of outputs that were brought away nothing is left (decision 0019). After settle(), with
    /// nothing taken.
    void cleanse_outputs();

  private:
    void before_read(std::uint64_t address, std::size_t length) {
        if (under_way_.any_write_at(address, length)) {
            settle();
        }
    }
    void before_write(std::uint64_t address, std::size_t length) {
        if (under_way_.any_at(address, length)) {
            settle();
        }
    }
    void start(Computation& computation, Session& session, std::span<const std::byte> source,
               std::byte* copy);
    void end_reading(Computation& computation);
    void add_shelf(unsigned desk);
    void vacate(Computation& computation);
    void note_uncleansed(Computation& computation);

    blocks::DmaPort& port_;
    AccessCounts under_way_;
    std::uint64_t settled_ = 0;  ///< so many times
    bool is_settled_ = true;     ///< nothing is under way
    std::vector<std::unique_ptr<Shelf>> shelves_;
    /// By desk: a helper works again in memory that it has at hand.
    std::vector<std::vector<Computation*>> vacant_;
    std::vector<std::vector<Computation*>> delivered_;  ///< since settle()
    std::vector<Computation*> uncleansed_;              ///< whose output was left as it is
    unsigned next_desk_ = 0;
    OwnShare own_share_;
    alignas(apart) Helpers helpers_;  ///< first to go
};

}  // namespace ringside::core
