// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Offload in live time: device, interrupts and callers are threads. A small set; what depends on
// the order of things is tested in virtual time.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <ctime>
#include <latch>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "offload_application.hpp"
#include "ringside/driver/requests_asymmetric.hpp"
#include "ringside/offload/cipher_session.hpp"
#include "ringside/offload/device_session.hpp"
#include "ringside/sim/live_platform.hpp"

namespace ringside {
namespace {

using testing::Application;
using testing::TestJob;

using Block = std::array<std::byte, 64>;

struct LiveMachine {
    LiveMachine(const sim::LivePlatformConfig& config, std::uint32_t ring_entries)
        : platform(sim::LivePlatform::create(config).value()),
          device(driver::Device::open(platform->link(), platform->environment(),
                                      {.ring_entries = ring_entries})
                     .value()),
          offload(*device, {}),
          session(offload::CipherSession::create(offload, spec::Algorithm::aes_cbc,
                                                 std::array<std::byte, 16>{})
                      .value()),
          expected(encrypt()) {}
    ~LiveMachine() {
        device->close();
        const auto counters = device->queue_pair(0).counters();
        EXPECT_EQ(counters.accepted, counters.ok);
        EXPECT_EQ(counters.waiting, 0u);
    }

    Block encrypt() {
        Block block{};
        std::array<std::byte, 16> iv{};
        EXPECT_TRUE(session.cbc(driver::Direction::encrypt, iv, block, block).has_value());
        return block;
    }
    void work(int times) {
        for (int i = 0; i < times; ++i) {
            EXPECT_EQ(encrypt(), expected);
        }
    }

    std::unique_ptr<sim::LivePlatform> platform;
    std::unique_ptr<driver::Device> device;
    offload::Offload offload;
    offload::CipherSession session;
    Block expected;
};

class OffloadLive : public ::testing::TestWithParam<bool> {};

/// Slow enough for the ring to be full, whoever has the CPUs.
TEST_P(OffloadLive, JobsAndAThreadThatKnowsOfNoneShareASmallRing) {
    using namespace std::chrono_literals;
    LiveMachine machine({.device = {.interrupt = 100us}, .pace = sim::Pace::paced}, 4);
    Application application(*machine.platform, {.callbacks = GetParam()});
    for (int i = 0; i < 16; ++i) {
        application.add([&] { machine.work(50); });
    }
    std::thread other([&] { machine.work(200); });
    application.run();
    other.join();
    const auto counters = machine.device->queue_pair(0).counters();
    EXPECT_EQ(counters.ok, 1u + 16 * 50 + 200);
    EXPECT_GT(counters.eagain, 0u);
}

INSTANTIATE_TEST_SUITE_P(Told, OffloadLive, ::testing::Values(false, true), [](const auto& each) {
    return std::string(each.param ? "by_callback" : "by_descriptor");
});

/// Where a callback ran, for an application that waits for nothing else.
struct CallbackPlace {
    explicit CallbackPlace(driver::Environment& world) : environment(world) {}
    static int note(void* argument) {
        auto& self = *static_cast<CallbackPlace*>(argument);
        self.in_interrupt_context = self.environment.on_interrupt_executor();
        self.thread = std::this_thread::get_id();
        self.called.count_down();
        return 1;
    }

    driver::Environment& environment;
    bool in_interrupt_context = false;
    std::thread::id thread;
    std::latch called{1};
};

TEST(OffloadLiveCallback, ComesOnTheInterruptThreadToAnApplicationThatNeverCallsUs) {
    using namespace std::chrono_literals;
    LiveMachine machine({.device = {.interrupt = 25ms}, .pace = sim::Pace::paced}, 4);
    CallbackPlace place(machine.platform->environment());
    TestJob job([&] { machine.work(1); });
    job.set_callback(&CallbackPlace::note, &place);
    ASSERT_FALSE(job.enter()) << "paused";
    place.called.wait();  // of the standard library's: nothing here runs any code of ours
    EXPECT_TRUE(place.in_interrupt_context);
    EXPECT_NE(place.thread, std::this_thread::get_id());
    EXPECT_EQ(job.pauses(), 1);
    EXPECT_EQ(machine.device->queue_pair(0).counters().in_flight, 0u);
    EXPECT_TRUE(job.enter()) << "its result is there";
}

struct CountedOperation final : driver::Operation {
    explicit CountedOperation(std::latch& all) : ended(all) {}
    void complete(const driver::Completion& completion) noexcept override {
        EXPECT_FALSE(completion.status) << completion.status.message();
        ended.count_down();
    }
    std::latch& ended;
};

// A chip whose helpers compute longer than it simulates is behind the wall clock. Who reads a
// register meanwhile sees it at work, and does not wait until it has done everything.
TEST(OffloadLiveHelpers, LetAccessesThroughWhileTheChipIsBehind) {
    constexpr std::size_t operations = 128;
    constexpr std::size_t seen_at_work = 8;
    LiveMachine machine({.device = {.helpers = 1}}, 2 * operations);
    const std::array<std::byte, 48> scalar{std::byte{7}};  // P-384: 1.4 ms that pass for 0.1
    const auto session =
        offload::DeviceSession::create(
            machine.offload, {.algorithm = spec::Algorithm::ec_p384, .second_key = scalar})
            .value();
    const auto digest = machine.device->dma().allocate(48).value();
    const auto signature = machine.device->dma().allocate(96).value();
    const spec::SubmissionEntry request =
        driver::sign(session.id(), {digest.iova(), 48, signature.iova(), 96});
    std::latch all(operations);
    CountedOperation operation(all);
    const std::vector<driver::QueuePair::Item> items(operations, {&request, &operation});
    driver::Link& link = machine.platform->link();
    const auto completed = [&link] {
        link.mmio_write32(spec::at("STAT_SNAP").of(), 1);
        return link.mmio_read32(spec::at("STAT_OPS").of());
    };
    std::set<std::uint32_t> seen{completed()};
    ASSERT_EQ(machine.device->queue_pair(0).submit_batch(items).accepted, operations);
    while (*seen.rbegin() - *seen.begin() < operations) {
        seen.insert(completed());
    }
    all.wait();
    EXPECT_GT(seen.size(), seen_at_work);
}

/// A caller that cannot pause: `call` runs the work as such a caller would.
struct Caller {
    const char* name;
    void (*call)(LiveMachine& machine, int times);
};
void PrintTo(const Caller& caller, std::ostream* out) {  // NOLINT(readability-identifier-naming)
    *out << caller.name;
}

void call_with_pauses_blocked(LiveMachine& machine, int times, ASYNC_callback_fn callback) {
    int calls = 0;
    TestJob job([&] {
        ASYNC_block_pause();
        machine.work(times);
        ASYNC_unblock_pause();
    });
    if (callback != nullptr) {
        job.set_callback(callback, &calls);
    }
    EXPECT_TRUE(job.enter());
}

class OffloadLiveCaller : public ::testing::TestWithParam<Caller> {};

TEST_P(OffloadLiveCaller, WaitsForItsSlotAndItsResultWithoutBurningACpu) {
    using namespace std::chrono_literals;
    constexpr int times = 3;
    constexpr std::clock_t longest_ns = 20'000'000;  // in the whole of 150 ms
    LiveMachine machine({.device = {.interrupt = 25ms}, .pace = sim::Pace::paced}, 2);
    std::latch both(2);
    const auto call_and_measure = [&] {
        timespec before{};
        timespec after{};
        both.arrive_and_wait();
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
        GetParam().call(machine, times);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
        EXPECT_LT((after.tv_sec - before.tv_sec) * 1'000'000'000 + after.tv_nsec - before.tv_nsec,
                  longest_ns);
    };
    std::thread other(call_and_measure);  // one of the two always finds the ring full
    call_and_measure();
    other.join();
    EXPECT_GT(machine.device->queue_pair(0).counters().eagain, 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Who, OffloadLiveCaller,
    ::testing::Values(Caller{"outside_any_job",
                             [](LiveMachine& machine, int times) { machine.work(times); }},
                      Caller{"pauses_blocked",
                             [](LiveMachine& machine, int times) {
                                 call_with_pauses_blocked(machine, times, nullptr);
                             }},
                      Caller{"pauses_blocked_and_a_callback",
                             [](LiveMachine& machine, int times) {
                                 call_with_pauses_blocked(machine, times, &testing::count_call);
                             }}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace ringside
