// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Threads that compute what the slices are given, between the simulated start and end of their
// service. The chip starts a computation and collects it when its time has come; the helpers decide
// nothing, so the chip does the same with any number of them.

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "session.hpp"

namespace ringside::core {

/// What a slice computes, with everything that it needs: the operation that it is of may move
/// meanwhile, its buffers may not.
struct Computation {
    std::shared_ptr<Session> session;
    spec::SubmissionEntry entry;
    std::span<const std::byte> source;
    std::span<std::byte> output;
    Entropy entropy;
    unsigned broken = 0;  ///< slices
    Outcome outcome;
    std::atomic<bool> done{false};

    void run(unsigned worker) {
        outcome = execute(*session, {entry, source, output, entropy, worker}, broken);
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
    /// A helper will compute it, or collect() will. Both the chip's thread alone calls.
    void start(Computation& computation);
    /// Waits until it is computed; computes it here if no helper has begun.
    void collect(Computation& computation);
    /// As collect(), but does not compute what nobody has begun.
    void withdraw(Computation& computation);

  private:
    void serve(unsigned worker);
    bool take_back(Computation& computation);

    std::mutex mutex_;
    std::condition_variable work_;
    std::deque<Computation*> waiting_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace ringside::core
