// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The load on one queue pair: keeps up to `depth` requests with the driver and submits new ones, a
// burst at a time, from the completion of others. It allocates when it is made and never again. One
// thread at a time: the interrupt executor, or the one that polls.

#include <deque>
#include <functional>
#include <vector>

#include "histogram.hpp"
#include "options.hpp"
#include "ringside/driver/device.hpp"

namespace ringside::tools::bench {

/// DPDK's names.
struct TrafficCounters {
    std::uint64_t enqueued = 0;
    std::uint64_t dequeued = 0;
    std::uint64_t failed_enq = 0;  ///< requests that a full ring refused; they are submitted later
    std::uint64_t failed_deq = 0;  ///< requests that ended with an error
    std::uint64_t wrong = 0;       ///< outputs that are not libcrypto's
};

class Traffic final : private driver::SlotWaiter {
  public:
    struct Work {
        const Point& point;
        std::uint32_t session;
        Memory memory;
        std::uint64_t seed;
        LibcryptoLoop* reference;  ///< null: outputs are not compared
    };
    /// std::runtime_error without DMA memory. `on_end` is called when a round has ended.
    Traffic(driver::Device& device, std::uint32_t queue_pair, const Work& work,
            std::function<void()> on_end);
    ~Traffic() = default;
    Traffic(const Traffic&) = delete;
    Traffic& operator=(const Traffic&) = delete;

    /// A round of so many operations, at least one: submits what there is room for; completions do
    /// the rest. Counters and latencies begin anew. Not before the round before has ended.
    void start(std::uint64_t operations);
    bool has_ended() const { return counters_.dequeued == operations_; }

    const TrafficCounters& counters() const { return counters_; }
    /// Why the driver takes no more; empty: it did.
    driver::error_code refusal() const { return refusal_; }
    const Histogram& latencies() const { return latencies_; }

  private:
    /// One request with its buffers, used again and again.
    class Request final : public driver::Operation {
      public:
        Request(Traffic& traffic, const spec::SubmissionEntry& request)
            : entry(request), traffic_(traffic) {}
        void complete(const driver::Completion& completion) noexcept override {
            traffic_.end(*this, completion);
        }

        spec::SubmissionEntry entry;
        std::span<const std::byte> payload;
        std::span<const std::byte> output;
        std::vector<std::byte> own_memory;  ///< Memory::caller
        driver::DmaBuffer source;
        driver::DmaBuffer target;

      private:
        Traffic& traffic_;
    };

    void add_request(const Work& work);
    /// As many are submitted together; 0: all have been.
    std::uint64_t next_burst() const {
        return std::min<std::uint64_t>(burst_, operations_ - counters_.enqueued);
    }
    void submit();
    void give_up(driver::error_code refusal);
    void slot_ready() noexcept override;
    void end(Request& request, const driver::Completion& completion) noexcept;
    bool is_right(const Request& request);

    driver::Device& device_;
    driver::QueuePair& queue_;
    const std::uint32_t number_;
    const std::uint32_t burst_;
    LibcryptoLoop* const reference_;
    const std::function<void()> on_end_;

    std::deque<Request> requests_;
    std::vector<Request*> idle_;
    std::vector<driver::QueuePair::Item> items_;
    std::vector<std::byte> expected_;
    bool waits_ = false;            ///< for a slot
    std::uint64_t operations_ = 0;  ///< of this round
    std::uint64_t last_iv_ = 0;
    driver::error_code refusal_;
    TrafficCounters counters_;
    Histogram latencies_;
};

}  // namespace ringside::tools::bench
