// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Interrupts as a driver's author counts them, in both kinds of time: each message that the device
// says it sent is one run of the handler; a masked vector keeps its message back, and one is
// enough; moderation sends one for each full count and one when the timer fires.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "ringside/driver/device.hpp"
#include "ringside/sim/live_platform.hpp"
#include "ringside/sim/virtual_platform.hpp"
#include "ringside/spec/registers.hpp"
#include "ringside/testing/accelerator.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t queue_number = 1;
constexpr std::uint32_t vector = spec::queue_vector(queue_number);

struct Virtual {
    static std::unique_ptr<sim::Platform> make() {
        return sim::VirtualPlatform::create({.seed = seed()}).value();
    }
};

struct Live {
    static std::unique_ptr<sim::Platform> make() {
        return sim::LivePlatform::create({.seed = seed()}).value();
    }
};

template <typename Time>
class Interrupts : public ::testing::Test {
  protected:
    /// What has happened on the queue pair since the last look.
    struct Count {
        std::uint64_t messages;  ///< by the device's own statistics
        std::uint64_t handled;   ///< by the driver's
    };

    Interrupts() {
        platform->environment().trace().listen([this](const TraceEvent& event) { note(event); });
    }
    ~Interrupts() override {
        platform->environment().trace().listen({});
        device.reset();
    }

    void open(const driver::DeviceConfig& config) {
        device = driver::Device::open(platform->link(), platform->environment(), config).value();
        look();
    }
    driver::QueuePair& queue() { return device->queue_pair(0); }

    /// One doorbell for all; no other may be in flight.
    void submit(std::size_t count) {
        const spec::SubmissionEntry nop;
        std::vector<driver::QueuePair::Item> items;
        for (std::size_t i = 0; i < count; ++i) {
            items.push_back({&nop, &in_flight.emplace_back(platform->environment())});
        }
        ASSERT_EQ(queue().submit_batch(items).accepted, count);
    }
    /// Until what was submitted has ended, and the handler is ready for the next interrupt.
    void finish() {
        for (RecordedOperation& operation : in_flight) {
            EXPECT_FALSE(operation.wait().status);
        }
        const auto parker = platform->environment().make_parker();
        boost::asio::post(platform->environment().interrupt_executor(), [&] { parker->unpark(); });
        parker->park();
        in_flight.clear();
    }
    /// Until the device has written so many completions since it was opened, though it tells
    /// nobody.
    void await_completions(std::uint64_t count) {
        await([&] { return completions == count; });
    }
    template <typename Condition>
    void await(Condition&& condition) {
        while (!condition()) {
            news->park();
        }
    }
    Count look() {
        const auto statistics = device->read_statistics();
        const std::uint64_t handled =
            queue().counters().interrupts + device->admin().counters().interrupts;
        return {statistics.msix_messages - std::exchange(messages_seen, statistics.msix_messages),
                handled - std::exchange(handled_seen, handled)};
    }

    std::unique_ptr<sim::Platform> platform = Time::make();
    std::unique_ptr<driver::Parker> news = platform->environment().make_parker();
    std::unique_ptr<driver::Device> device;
    std::deque<RecordedOperation> in_flight;
    std::uint64_t messages_seen = 0;
    std::uint64_t handled_seen = 0;
    // of the queue pair, since it was opened
    std::atomic<std::uint64_t> completions{0};
    std::atomic<int> pending{0};
    std::atomic<int> sent_late{0};

  private:
    /// Any thread.
    void note(const TraceEvent& event) {
        if (event.kind == TraceKind::completion && event.queue == queue_number) {
            ++completions;
        } else if (event.kind == TraceKind::interrupt && event.queue == vector) {
            const auto fate = static_cast<MessageFate>(event.digest);
            pending += fate == MessageFate::pending ? 1 : 0;
            sent_late += fate == MessageFate::sent_late ? 1 : 0;
        } else {
            return;
        }
        news->unpark();
    }
};

using Kinds = ::testing::Types<Virtual, Live>;
TYPED_TEST_SUITE(Interrupts, Kinds);

TYPED_TEST(Interrupts, EachMessageOfTheDeviceIsOneRunOfTheHandler) {
    this->open({.recovery = {.late_after = 1h}});
    for (int i = 0; i < 300; ++i) {
        this->submit(1 + i % 5);
        this->finish();
    }
    const auto count = this->look();
    EXPECT_GE(count.messages, 300u);
    EXPECT_EQ(count.handled, count.messages);
    EXPECT_EQ(this->queue().counters().empty_interrupts, 0u);
}

TYPED_TEST(Interrupts, AMaskedVectorIsPendingAndItsUnmaskingDeliversOne) {
    this->open({.recovery = {.late_after = 1h}});  // else the driver unmasks what stays away
    driver::Link& link = this->platform->link();
    link.mask_vector(vector, true);
    this->submit(3);
    this->await_completions(3);
    this->await([this] { return this->pending != 0; });
    auto count = this->look();
    EXPECT_EQ(count.messages, 0u);
    EXPECT_EQ(count.handled, 0u);
    EXPECT_EQ(this->queue().counters().in_flight, 3u) << "nobody told the driver";
    EXPECT_EQ(this->pending, 1);
    EXPECT_EQ(this->sent_late, 0);

    link.mask_vector(vector, false);
    this->finish();
    count = this->look();
    EXPECT_EQ(count.messages, 1u);
    EXPECT_EQ(count.handled, 1u);
    EXPECT_EQ(this->pending, 1);
    EXPECT_EQ(this->sent_late, 1);

    link.mask_vector(vector, true);
    link.mask_vector(vector, false);
    this->submit(1);
    this->finish();
    EXPECT_EQ(this->look().messages, 1u) << "what was pending is sent once";
}

TYPED_TEST(Interrupts, ACountOfEightIsAnEighthOfTheOperations) {
    this->open({.moderation_count = 8, .recovery = {.late_after = 1h}});
    for (int operations = 1; operations <= 64; ++operations) {
        SCOPED_TRACE(operations);
        const bool full = operations % 8 == 0;
        this->submit(1);
        this->await_completions(static_cast<std::uint64_t>(operations));
        if (full) {
            this->finish();
        }
        const auto seen = this->look();
        EXPECT_EQ(seen.messages, full ? 1u : 0u);
        EXPECT_EQ(seen.handled, seen.messages);
    }
}

// Eight with one doorbell: a device in live time need not wait for the wall clock, and so neither
// does its timer.
TYPED_TEST(Interrupts, TheTimerFiresOnceForWhatIsLessThanTheCount) {
    this->open({.moderation_count = 8, .moderation_us = 500, .recovery = {.late_after = 1h}});
    for (const std::uint64_t operations : {1u, 7u, 8u, 9u, 16u, 43u, 64u, 100u}) {
        SCOPED_TRACE(operations);
        for (std::uint64_t left = operations; left != 0; left -= std::min<std::uint64_t>(left, 8)) {
            this->submit(std::min<std::uint64_t>(left, 8));
            this->finish();
        }
        const std::uint64_t timer_fires = operations % 8 != 0 ? 1 : 0;
        const auto seen = this->look();
        EXPECT_EQ(seen.messages, operations / 8 + timer_fires);
        EXPECT_EQ(seen.handled, seen.messages);
    }
}

}  // namespace
}  // namespace ringside::testing
