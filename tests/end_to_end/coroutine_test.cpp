// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Coroutines on the real device: an application's own executor and thread, many more requests than
// slots, some of them cancelled at any moment. Each ends once, and the ledger closes.

#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>

#include "ringside/base/prng.hpp"
#include "ringside/driver/async.hpp"
#include "ringside/driver/device.hpp"
#include "ringside/sim/live_platform.hpp"
#include "ringside/testing/accelerator.hpp"

namespace ringside {
namespace {

namespace asio = boost::asio;

constexpr unsigned workers = 24;
constexpr unsigned rounds = 20;

struct Tally {
    unsigned ok = 0;
    unsigned cancelled = 0;
    unsigned other = 0;
    void add(const boost::system::error_code& error) {
        ++(!error ? ok : error == driver::Errc::cancelled ? cancelled : other);
    }
};

void expect_closed_ledger(driver::QueuePair& queue, const Tally& tally) {
    const auto counters = queue.counters();
    EXPECT_EQ(tally.ok + tally.cancelled, workers * rounds);
    EXPECT_EQ(tally.other, 0u);
    EXPECT_EQ(counters.ok, tally.ok);
    EXPECT_EQ(counters.accepted, tally.ok) << "what was withdrawn was never accepted";
    EXPECT_EQ(counters.in_flight, 0u);
    EXPECT_EQ(counters.waiting, 0u);
    EXPECT_EQ(counters.reserved, 0u);
}

/// Coroutines on `executor`, that now and then cancel one another's requests.
class Workers {
  public:
    Workers(driver::QueuePair& queue, driver::Environment& environment, std::uint64_t seed)
        : queue_(queue, environment), random_(seed, "coroutines") {}
    void spawn_on(const asio::any_io_executor& executor) {
        for (auto& signal : signals_) {
            asio::co_spawn(executor, work(signal), asio::detached);
        }
    }
    const Tally& tally() const { return tally_; }

  private:
    asio::awaitable<void> work(asio::cancellation_signal& own) {
        const spec::SubmissionEntry nop;
        for (unsigned round = 0; round < rounds; ++round) {
            auto token = asio::bind_cancellation_slot(
                own.slot(), asio::experimental::as_tuple(asio::use_awaitable));
            const auto [error, completion] = co_await queue_.async_submit(nop, token);
            tally_.add(error);
            if (random_.chance(1, 4)) {
                signals_[random_.below(workers)].emit(asio::cancellation_type::total);
            }
        }
    }

    driver::AsyncQueue queue_;
    Prng random_;
    Tally tally_;
    std::deque<asio::cancellation_signal> signals_{workers};
};

TEST(Coroutines, ShareASmallRingAndAreCancelledAtAnyMomentInLiveTime) {
    const auto platform = sim::LivePlatform::create({.seed = testing::seed()}).value();
    const auto device =
        driver::Device::open(platform->link(), platform->environment(), {.ring_entries = 4})
            .value();
    asio::io_context application(1);
    Workers all(device->queue_pair(0), platform->environment(), testing::seed());
    all.spawn_on(application.get_executor());
    application.run();
    expect_closed_ledger(device->queue_pair(0), all.tally());
    device->close();
}

TEST(Coroutines, AreCancelledAtAnyMomentInVirtualTime) {
    unsigned cancelled = 0;
    for (std::uint64_t i = 0; i < 40; ++i) {
        const std::uint64_t seed = testing::seed() + i;
        SCOPED_TRACE(seed);
        testing::Accelerator machine({.seed = seed}, {.ring_entries = 4});
        Workers all(machine.queue(), machine.environment(), seed);
        all.spawn_on(machine.environment().interrupt_executor());
        machine.platform->run_until_idle();
        expect_closed_ledger(machine.queue(), all.tally());
        cancelled += all.tally().cancelled;
    }
    EXPECT_GT(cancelled, 0u);
}

TEST(BlockingCallers, ShareASmallRing) {
    for (std::uint64_t i = 0; i < 40; ++i) {
        const std::uint64_t seed = testing::seed() + i;
        SCOPED_TRACE(seed);
        testing::Accelerator machine({.seed = seed}, {.ring_entries = 2});
        Tally tally;
        std::vector<sim::Scheduler::Cpu*> running;
        for (unsigned number = 0; number < workers; ++number) {
            running.push_back(&machine.platform->scheduler().spawn("caller", [&] {
                for (unsigned round = 0; round < rounds; ++round) {
                    tally.add(
                        driver::submit_and_wait(machine.queue(), machine.environment(), {}).status);
                }
            }));
        }
        for (auto* cpu : running) {
            machine.platform->scheduler().join(*cpu);
        }
        expect_closed_ledger(machine.queue(), tally);
    }
}

}  // namespace
}  // namespace ringside
