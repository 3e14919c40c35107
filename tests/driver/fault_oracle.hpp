// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What must hold whatever fault is injected, as one checker for all fault tests: every operation
// ends once and after its submit; what the driver makes up ends in the order of submission; the
// ledger is balanced at every completion; whoever was told to wait is woken and gets through; and
// after the faults the device works or is dead, and says which.

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <filesystem>
#include <iterator>
#include <map>
#include <vector>

#include "ringside/driver/device.hpp"

namespace ringside::testing {

class FaultOracle {
  public:
    explicit FaultOracle(driver::Device& device) : device_(device), open_fds_(count_open_fds()) {
        device.environment().trace().listen([this](const TraceEvent& event) { on_event(event); });
    }
    ~FaultOracle() { device_.environment().trace().listen({}); }
    FaultOracle(const FaultOracle&) = delete;
    FaultOracle& operator=(const FaultOracle&) = delete;

    /// One request of an application that waits its turn when it has to.
    class Tracked final : public driver::Operation, public driver::SlotWaiter {
      public:
        Tracked(FaultOracle& oracle, driver::QueuePair& queue, const spec::SubmissionEntry& request,
                std::uint64_t serial)
            : SlotWaiter(Kind::reserving),
              oracle_(oracle),
              queue_(queue),
              request_(request),
              serial_(serial) {}

        void complete(const driver::Completion& completion) noexcept override {
            EXPECT_TRUE(accepted_ || submitting_) << "completed before it was accepted";
            EXPECT_FALSE(ended) << "operation " << serial_ << " completed twice";
            ended = true;
            last = completion;
            oracle_.on_end(*this);
        }
        void slot_ready() noexcept override { submit(); }

        bool ended = false;  ///< completed, or refused for good
        driver::Completion last;
        boost::system::error_code refusal;
        bool waits() const { return !ended && !accepted_; }

      private:
        friend class FaultOracle;
        void submit() {
            submitting_ = true;
            const auto outcome = queue_.submit(request_, *this, this);
            submitting_ = false;
            accepted_ = outcome.has_value();
            if (!outcome) {
                refusal = outcome.error();
                ended = !driver::is_transient(refusal);
                last.status = ended ? refusal : last.status;
            }
        }
        FaultOracle& oracle_;
        driver::QueuePair& queue_;
        const spec::SubmissionEntry request_;
        const std::uint64_t serial_;
        bool accepted_ = false;
        bool submitting_ = false;
    };

    Tracked& submit(driver::QueuePair& queue, const spec::SubmissionEntry& request = {}) {
        Tracked& tracked = tracked_.emplace_back(*this, queue, request, tracked_.size());
        tracked.submit();
        return tracked;
    }

    /// Holds at every moment.
    static void check_ledger(const driver::QueuePair& queue) {
        const driver::QueueCounters c = queue.counters();
        EXPECT_EQ(c.accepted, c.ok + c.failed + c.cancelled + c.in_flight);
        EXPECT_EQ(c.submit_calls, c.accepted + c.eagain + c.refused);
        EXPECT_LE(c.in_flight + c.reserved, queue.capacity());
    }

    /// The faults have stopped and the time that recovery may take is over: nobody waits, nothing
    /// is in flight, no memory is kept aside.
    void expect_settled() {
        for (const Tracked& each : tracked_) {
            EXPECT_TRUE(each.ended)
                << "operation " << each.serial_
                << " hangs: " << (each.waits() ? "never woken" : "never completed");
        }
        for (std::uint32_t i = 0; i < device_.queue_pair_count(); ++i) {
            expect_idle(device_.queue_pair(i));
        }
        expect_idle(device_.admin());
        EXPECT_EQ(device_.dma().quarantined(), 0u);
        EXPECT_NE(device_.health(), driver::DeviceHealth::resetting);
        EXPECT_EQ(count_open_fds(), open_fds_) << "a file descriptor leaked";
    }

    /// How many of the tracked requests ended so; a default error_code: well.
    std::size_t ended_with(boost::system::error_code status) const {
        std::size_t count = 0;
        for (const Tracked& each : tracked_) {
            count += each.ended && each.last.status == status ? 1 : 0;
        }
        return count;
    }
    std::size_t size() const { return tracked_.size(); }

  private:
    static std::ptrdiff_t count_open_fds() {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
    }
    void on_end(const Tracked& ended) { check_ledger(ended.queue_); }
    /// Tags count up in the order of acceptance. What the driver makes up has its own error in the
    /// place of the device's status word, which has no such values.
    void on_event(const TraceEvent& event) {
        const bool made_up = event.digest == static_cast<std::uint64_t>(driver::Errc::aborted) ||
                             event.digest == static_cast<std::uint64_t>(driver::Errc::dead);
        if (event.kind == TraceKind::reap && made_up) {
            std::uint64_t& last = last_made_up_[event.queue];
            EXPECT_LT(last, event.id) << "made to end out of order on queue " << event.queue;
            last = event.id;
        }
    }
    void expect_idle(const driver::QueuePair& queue) const {
        check_ledger(queue);
        const driver::QueueCounters c = queue.counters();
        EXPECT_EQ(c.in_flight, 0u);
        EXPECT_EQ(c.waiting, 0u);
        EXPECT_EQ(c.reserved, 0u);
    }

    driver::Device& device_;
    const std::ptrdiff_t open_fds_;
    std::deque<Tracked> tracked_;
    std::map<std::uint16_t, std::uint64_t> last_made_up_;  ///< tags by queue
};

}  // namespace ringside::testing
