// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Callbacks on an executor of the application's: one at a time, once each, and all of
// them before close() returns. Live on a pool of threads; in virtual time, where Asio's executors
// do not know one CPU from another, posted to the interrupt executor behind its other work.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <deque>
#include <memory>
#include <vector>

#include "ringside/driver/device.hpp"
#include "ringside/driver/queued_submit.hpp"
#include "ringside/sim/live_platform.hpp"
#include "ringside/sim/virtual_platform.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::testing {
namespace {

constexpr std::uint64_t requests = 200;

/// Requests that wait their turn in a small ring and note how they ended. Nothing here is locked.
struct Log {
    explicit Log(driver::Environment& world) : environment(world) {}

    driver::Environment& environment;
    std::uint64_t ended = 0;
    std::uint64_t in_interrupt = 0;
    std::vector<std::uint64_t> order;  ///< serials
    std::atomic<int> inside{0};
    std::uint64_t together = 0;
};

class Request final : public driver::QueuedSubmit {
  public:
    Request(driver::QueuePair& queue, Log& log, std::uint64_t serial)
        : QueuedSubmit(queue, log.environment, {}), log_(log), serial_(serial) {}

    void done(const driver::Completion& completion) noexcept override {
        log_.together += log_.inside++ != 0 ? 1 : 0;
        ++log_.ended;
        log_.order.push_back(serial_);
        log_.in_interrupt += log_.environment.on_interrupt_executor() ? 1 : 0;
        EXPECT_FALSE(completion.status) << completion.status.message();
        EXPECT_EQ(++endings_, 1);
        --log_.inside;
    }

  private:
    Log& log_;
    const std::uint64_t serial_;
    int endings_ = 0;
};

/// The serials in the order in which they ended. `in_interrupt`: how many callbacks are to run in
/// interrupt context.
std::vector<std::uint64_t> run(sim::Platform& platform,
                               const boost::asio::any_io_executor& executor,
                               std::uint64_t in_interrupt) {
    Log log(platform.environment());
    std::deque<Request> all;
    driver::DeviceConfig config{.io_queue_pairs = 2, .ring_entries = 8};
    config.callback_executors = {{}, executor};
    const auto device =
        driver::Device::open(platform.link(), platform.environment(), config).value();
    driver::QueuePair& queue = device->queue_pair(1);
    for (std::uint64_t serial = 1; serial <= requests; ++serial) {
        all.emplace_back(queue, log, serial).start();
    }
    const driver::Completion completion =
        driver::submit_and_wait(device->queue_pair(0), platform.environment(), {});
    EXPECT_FALSE(completion.status) << "the other queue pair is as ever";
    EXPECT_FALSE(driver::submit_and_wait(queue, platform.environment(), {}).status);
    device->close();
    EXPECT_EQ(log.ended, requests);
    EXPECT_EQ(log.in_interrupt, in_interrupt);
    EXPECT_EQ(log.together, 0u);
    EXPECT_GT(queue.counters().eagain, 0u) << "nobody had to wait";
    return log.order;
}

#if !defined(__SANITIZE_THREAD__)
TEST(CallbackExecutor, CallsEachOnceInVirtualTime) {
    for (std::uint64_t each = seed(); each < seed() + 50; ++each) {
        SCOPED_TRACE("seed " + std::to_string(each));
        auto platform = sim::VirtualPlatform::create({.seed = each}).value();
        auto order = run(*platform, platform->environment().interrupt_executor(), requests);
        std::sort(order.begin(), order.end());
        order.erase(std::unique(order.begin(), order.end()), order.end());
        EXPECT_EQ(order.size(), requests);
    }
}
#endif

TEST(CallbackExecutor, CallsEachOnceAndOneAtATimeOnAPoolOfThreads) {
    const auto platform = sim::LivePlatform::create({.seed = seed()}).value();
    boost::asio::thread_pool pool(2);
    run(*platform, pool.get_executor(), 0);
    pool.join();
}

}  // namespace
}  // namespace ringside::testing
