// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Threads that compute what the slices are given, between the simulated start and end of their
// service, and bring away what came out. The chip hands it out and takes it back when its time has
// come; the helpers decide nothing, so the chip does the same with any number of them.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "computation.hpp"
#include "ringside/core/device.hpp"

namespace ringside::core {

/// A queue from the chip's thread to a helper, and to who helps that one. Its places are written by
/// the chip's thread alone.
class ErrandQueue {
  public:
    struct Errand {
        Computation* computation = nullptr;
        std::byte* target = nullptr;  ///< its output goes there; null: it is to be computed
    };

    /// The chip's thread. False: it is full.
    bool put(const Errand& errand);
    /// What was put first. False: there is nothing, or somebody else was faster.
    bool take(Errand& errand);
    bool is_empty() const { return !has(taken_.load()); }
    /// The helper: everything that is to be computed and has not been looked at is read.
    void read_ahead();

  private:
    static constexpr std::size_t capacity = 512;

    struct Place {
        std::atomic<std::uint64_t> number{0};  ///< of the errand, from 1 on
        std::atomic<Computation*> computation{nullptr};
        std::atomic<std::byte*> target{nullptr};
    };

    bool has(std::uint64_t number) const {
        return places_[number % capacity].number.load(std::memory_order_acquire) == number + 1;
    }

    alignas(Computation::apart) std::uint64_t put_ = 0;  ///< the chip's thread
    std::uint64_t known_taken_ = 0;                      ///< likewise
    alignas(Computation::apart) std::atomic<std::uint64_t> taken_{0};
    std::uint64_t looked_at_ = 0;  ///< the helper
    alignas(Computation::apart) std::array<Place, capacity> places_;
};

class Helpers {
  public:
    explicit Helpers(unsigned count);
    /// Finishes what has begun, and forgets the rest.
    ~Helpers();
    Helpers(const Helpers&) = delete;
    Helpers& operator=(const Helpers&) = delete;

    unsigned count() const { return static_cast<unsigned>(desks_.size()); }

    // ---- the chip's thread; what was started lives as long as the helpers ----

    /// The helper of its desk will work on it, or collect() will.
    void start(Computation& computation);
    /// Waits until it is done; does it here if no helper has begun, and others rather than wait.
    void collect(Computation& computation);
    /// Waits until nobody works on it; nobody will, if no helper has begun.
    void withdraw(Computation& computation);
    /// Somebody has begun: waits until the source need not stay.
    void await_read(const Computation& computation) const;
    /// The helper of its desk will bring its output to `target`, or finish_deliveries() will;
    /// nothing of it stays.
    void deliver(Computation& computation, std::byte* target);
    /// Waits until all have been brought away.
    void finish_deliveries();

  private:
    /// What the chip has laid down for a helper, so that each looks at memory that the others do
    /// not, and only who has nothing to do looks at theirs.
    struct Desk {
        ErrandQueue computations;
        ErrandQueue deliveries;        ///< go first: the chip waits for all of them at one time
        std::uint64_t to_deliver = 0;  ///< so far; the chip's thread
        alignas(Computation::apart) std::atomic<std::uint64_t> delivered{0};
        alignas(Computation::apart) std::atomic<bool> is_asleep{false};
        std::atomic<std::uint32_t> calls{0};

        bool is_empty() const { return computations.is_empty() && deliveries.is_empty(); }
        bool has_delivered() const {
            return delivered.load(std::memory_order_acquire) == to_deliver;
        }
        bool deliver_one();
        /// Its helper: until somebody calls.
        void sleep(const std::atomic<bool>& stopping);
        void call_if_asleep();
        void call();
    };

    void serve(unsigned worker);
    bool do_one(unsigned worker);
    bool claim(Computation& computation) const;
    template <typename Reached>
    bool spin_until(Reached&& reached) const;

    std::vector<std::unique_ptr<Desk>> desks_;
    std::atomic<bool> stopping_{false};
    const bool may_spin_;
    std::vector<std::thread> threads_;
};

}  // namespace ringside::core
