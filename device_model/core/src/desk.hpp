// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What the chip's thread has laid down for one helper: computations, and outputs to be brought
// away. Each helper has a desk to itself, so that it looks at memory that the others do not, and
// only who has nothing to do looks at theirs. What is laid down is announced several at a time,
// and what has been copied is told as a number, because a cache line that goes from core to core
// costs as much as a hundred instructions.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "computation.hpp"

namespace ringside::core {

class Desk {
  public:
    // ---- the chip's thread ----

    /// Whether one more computation can be laid down.
    bool has_room();
    /// Gives it the number of its offer. A chain may be taken together with another.
    void put(Computation& computation);
    /// The output of one is to be copied to `target`, and may stay or not. False: it does not fit,
    /// now.
    bool put_delivery(std::span<std::byte> output, std::byte* target, bool may_stay);
    /// What has been laid down can be seen.
    void announce();
    std::uint64_t unannounced() const { return put_ - announced_; }
    /// Bytes of sources and outputs.
    std::size_t unannounced_to_read() const { return bytes_to_read_; }
    std::size_t unannounced_to_deliver() const { return bytes_to_deliver_; }
    /// Whether all that was announced has been copied, both ways.
    bool has_copied() const;
    /// Whether this one's source need not stay.
    bool has_read(const Computation& computation) const {
        return read_.load(std::memory_order_acquire) >= computation.offer;
    }

    // ---- anybody ----

    /// Copies what was announced: outputs first, then sources. False: there was nothing, or
    /// somebody else is at it.
    bool copy();
    struct Taken {
        const Errand* first = nullptr;  ///< null: there is nothing
        const Errand* second = nullptr;
    };
    /// What was laid down first and has been read: one that is now the caller's to perform, or two
    /// chains.
    Taken take();
    /// Whether nothing is to be copied or taken.
    bool is_empty() const;

    // ---- its helper, and who calls it ----

    /// Until somebody calls.
    void sleep(const std::atomic<bool>& stopping);
    void call();
    void call_if_asleep();

  private:
    static constexpr std::size_t capacity = 1024;  ///< for each kind
    /// So that who looks at one line after another does not ask for the next side's, too.
    static constexpr std::size_t far_apart = 512;

    /// An errand, and what must be known of it before it is one's own: in one word, as a pointer to
    /// one of its first bytes.
    class Place {
      public:
        Place() = default;
        Place(const Errand& errand, bool is_chain)
            : byte_(
                  reinterpret_cast<const std::byte*>(&errand) +
                  ((errand.copy != nullptr ? must_be_read_bit : 0) | (is_chain ? chain_bit : 0))) {}

        const Errand& errand() const { return *reinterpret_cast<const Errand*>(byte_ - bits()); }
        bool must_be_read() const { return (bits() & must_be_read_bit) != 0; }
        bool is_chain() const { return (bits() & chain_bit) != 0; }

      private:
        static constexpr unsigned must_be_read_bit = 1;
        static constexpr unsigned chain_bit = 2;

        unsigned bits() const { return reinterpret_cast<std::uintptr_t>(byte_) % alignof(Errand); }

        const std::byte* byte_ = nullptr;
    };
    /// Nobody changes it between announce() and copy().
    struct Delivery {
        std::span<std::byte> output;
        std::byte* target;
        bool may_stay;
    };

    Place place(std::uint64_t number) const {
        return places_[number % capacity].load(std::memory_order_relaxed);
    }
    void read_up_to(std::uint64_t announced);
    void deliver_up_to(std::uint64_t announced);

    // numbers of computations and deliveries, so far

    alignas(far_apart) std::uint64_t put_ = 0;  ///< the chip's thread
    std::uint64_t announced_ = 0;               ///< likewise
    std::uint64_t known_taken_ = 0;             ///< likewise
    std::uint64_t deliveries_put_ = 0;          ///< likewise
    std::uint64_t announced_deliveries_ = 0;    ///< likewise
    std::uint64_t known_delivered_ = 0;         ///< likewise
    std::size_t bytes_to_read_ = 0;             ///< bytes since announce(); likewise
    std::size_t bytes_to_deliver_ = 0;          ///< likewise

    alignas(far_apart) std::atomic<std::uint64_t> to_take_{0};
    std::atomic<std::uint64_t> to_deliver_{0};

    alignas(far_apart) std::atomic<std::uint64_t> taken_{0};

    alignas(far_apart) std::atomic<bool> is_copying_{false};  ///< one at a time does
    std::atomic<std::uint64_t> read_{0};
    std::atomic<std::uint64_t> delivered_{0};

    alignas(far_apart) std::atomic<bool> is_asleep_{false};
    std::atomic<std::uint32_t> calls_{0};

    alignas(far_apart) std::array<std::atomic<Place>, capacity> places_{};
    alignas(far_apart) std::array<Delivery, capacity> deliveries_{};
};

}  // namespace ringside::core
