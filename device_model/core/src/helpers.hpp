// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Threads that compute what the slices are given, between the simulated start and end of their
// service. The chip starts a computation and collects it when its time has come; the helpers decide
// nothing, so the chip does the same with any number of them.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "session.hpp"

namespace ringside::core {

/// What a slice computes, with everything that it needs: the operation that it is of may move
/// meanwhile, its buffers may not.
struct alignas(64) Computation {
    enum class State : std::uint8_t {
        idle,
        waiting,  ///< whoever makes it `running` computes it
        running,
        done,
    };

    SessionPtr session;
    spec::SubmissionEntry entry;
    std::span<const std::byte> source;
    std::span<std::byte> output;
    Entropy entropy;
    Outcome outcome;
    std::atomic<State> state{State::idle};

    void run(unsigned worker) {
        outcome = execute(*session, {entry, source, output, entropy, worker});
    }
};

class Helpers {
  public:
    explicit Helpers(unsigned count);
    /// Finishes what has begun, and forgets the rest.
    ~Helpers();
    Helpers(const Helpers&) = delete;
    Helpers& operator=(const Helpers&) = delete;

    bool any() const { return !threads_.empty(); }
    /// A helper will compute it, or collect() will. All three the chip's thread alone calls; a
    /// computation that was started lives as long as the helpers.
    void start(Computation& computation);
    /// Waits until it is computed; computes it here if no helper has begun.
    void collect(Computation& computation);
    /// As collect(), but does not compute what nobody has begun.
    void withdraw(Computation& computation);

  private:
    /// What the chip has laid down for a helper, in turns: so that each looks at memory that the
    /// others do not, and only who has nothing to do looks at theirs.
    class Desk {
      public:
        /// The chip's thread. What finds no room is no harm, nor is what nobody waits for any more
        /// when it is taken.
        void lay(Computation& computation);
        /// What was laid first. Null: there is nothing, or somebody else was faster.
        Computation* take();
        bool is_empty() const { return taken_.load() == entered_.load(std::memory_order_acquire); }
        /// Its helper: until lay() has been called, or call().
        void sleep(const std::atomic<bool>& stopping);
        void call();

      private:
        static constexpr std::size_t capacity = 512;

        alignas(64) std::atomic<std::uint64_t> entered_{0};
        std::uint64_t known_taken_ = 0;  ///< the chip's thread
        alignas(64) std::atomic<std::uint64_t> taken_{0};
        alignas(64) std::atomic<bool> is_asleep_{false};
        std::atomic<std::uint32_t> calls_{0};
        alignas(64) std::array<std::atomic<Computation*>, capacity> ring_{};
    };

    void serve(unsigned worker);
    bool compute_one(unsigned worker);
    void await(const Computation& computation);

    std::vector<std::unique_ptr<Desk>> desks_;
    std::size_t next_desk_ = 0;
    std::atomic<bool> stopping_{false};
    const bool may_spin_;
    std::vector<std::thread> threads_;
};

}  // namespace ringside::core
