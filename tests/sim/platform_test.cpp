// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// What both platforms promise the driver, checked on both: registers answer, time passes, timers
// fire, interrupts arrive once armed, waits end. And what each promises alone.

#include "ringside/sim/platform.hpp"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <thread>

#include "ringside/sim/live_platform.hpp"
#include "ringside/sim/virtual_platform.hpp"
#include "ringside/spec/registers.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::sim {
namespace {

using namespace std::chrono_literals;

struct Virtual {
    static std::unique_ptr<Platform> make() {
        VirtualPlatformConfig config;
        config.seed = testing::seed();
        return VirtualPlatform::create(config).value();
    }
};

struct Live {
    static std::unique_ptr<Platform> make() {
        LivePlatformConfig config;
        config.seed = testing::seed();
        return LivePlatform::create(config).value();
    }
};

template <typename Kind>
class PlatformTest : public ::testing::Test {
  protected:
    std::uint32_t read_state() {
        return static_cast<std::uint32_t>(
            spec::field("CSTS", "STATE").get(platform->link().mmio_read32(spec::at("CSTS").of())));
    }
    /// Looks now and then, for a posted write may be late in live time.
    void await_state(spec::DeviceState wanted) {
        for (int looks = 0; looks < 1000 && read_state() != static_cast<std::uint32_t>(wanted);
             ++looks) {
            sleep_for(platform->environment(), 1ms);
        }
        EXPECT_EQ(read_state(), static_cast<std::uint32_t>(wanted));
    }

    std::unique_ptr<Platform> platform = Kind::make();
};

using Kinds = ::testing::Types<Virtual, Live>;
TYPED_TEST_SUITE(PlatformTest, Kinds);

TYPED_TEST(PlatformTest, RegistersAnswerThroughTheLink) {
    EXPECT_EQ(this->platform->link().mmio_read32(spec::at("ID").of()), spec::device_id);
    EXPECT_EQ(this->platform->peek32(spec::at("ID").of()), spec::device_id);
}

TYPED_TEST(PlatformTest, AReadFlushesPostedWrites) {
    auto& link = this->platform->link();
    for (std::uint32_t value = 0; value < 100; ++value) {
        link.mmio_write32(spec::at("ERR_MASK").of(), (value & 1) << 3);
        ASSERT_EQ(link.mmio_read32(spec::at("ERR_MASK").of()), (value & 1) << 3);
    }
}

TYPED_TEST(PlatformTest, TimePassesAndTheDeviceGoesOn) {
    auto& machine = *this->platform;
    sleep_for(machine.environment(), 1ms);
    this->await_state(spec::DeviceState::disabled);  // out of the power-on reset
    machine.link().mmio_write32(spec::at("CC").of(), 1);
    sleep_for(machine.environment(), 1ms);
    this->await_state(spec::DeviceState::ready);
    EXPECT_GE(to_ns(machine.device_time()), 2'000'000);
}

TYPED_TEST(PlatformTest, ATimerFiresOnTheInterruptExecutorAndNotAfterCancel) {
    auto& environment = this->platform->environment();
    const auto parker = environment.make_parker();
    std::atomic<bool> on_executor{false};
    std::atomic<int> cancelled_fired{0};
    const auto cancelled = environment.make_timer([&] { ++cancelled_fired; });
    cancelled->arm(environment.now() + 1us);
    cancelled->cancel();
    const auto timer = environment.make_timer([&] {
        on_executor = environment.on_interrupt_executor();
        parker->unpark();
    });
    const Time start = environment.now();
    timer->arm(start + 10us);
    parker->park();
    EXPECT_TRUE(on_executor);
    EXPECT_FALSE(environment.on_interrupt_executor());
    EXPECT_GE(environment.now() - start, 10us);
    EXPECT_EQ(cancelled_fired, 0);
}

TYPED_TEST(PlatformTest, AnUnparkBeforeTheParkIsRemembered) {
    const auto parker = this->platform->environment().make_parker();
    parker->unpark();
    parker->park();
}

TYPED_TEST(PlatformTest, WaitReadableReturnsWhenTheInterruptExecutorWrites) {
    auto& machine = *this->platform;
    const int fd = eventfd(0, EFD_CLOEXEC);
    ASSERT_GE(fd, 0);
    const auto timer = machine.environment().make_timer([fd] { eventfd_write(fd, 1); });
    timer->arm(machine.environment().now() + 10us);
    machine.wait_readable(fd);
    eventfd_t count = 0;
    EXPECT_EQ(eventfd_read(fd, &count), 0);
    close(fd);
}

TYPED_TEST(PlatformTest, ACancelledVectorWaitIsAborted) {
    auto& machine = *this->platform;
    const auto parker = machine.environment().make_parker();
    driver::error_code seen;
    machine.link().async_wait_vector(5, [&](driver::error_code error) {
        seen = error;
        parker->unpark();
    });
    machine.link().cancel_vector_wait(5);
    parker->park();
    EXPECT_EQ(seen, boost::asio::error::operation_aborted);
}

TYPED_TEST(PlatformTest, AnErrorInterruptArrivesOnceArmed) {
    auto& machine = *this->platform;
    const auto parker = machine.environment().make_parker();
    // A doorbell of a queue that does not run is an error, and errors have vector 0. Unarmed, the
    // interrupt is kept.
    sleep_for(machine.environment(), 1ms);
    machine.link().mmio_write32(spec::at("SQ_DB").of(1), 1);
    EXPECT_NE(machine.link().mmio_read32(spec::at("ERR_SRC").of()), 0u);
    sleep_for(machine.environment(), 1ms);
    driver::error_code seen = boost::asio::error::eof;
    machine.link().async_wait_vector(spec::error_vector, [&](driver::error_code error) {
        seen = error;
        parker->unpark();
    });
    parker->park();
    EXPECT_FALSE(seen);
}

TYPED_TEST(PlatformTest, AFunctionLevelResetLeavesAFunctionThatADriverCanUse) {
    auto& machine = *this->platform;
    auto& link = machine.link();
    this->await_state(spec::DeviceState::disabled);
    link.mmio_write32(spec::at("ERR_MASK").of(), 8);
    link.mmio_write32(spec::at("CC").of(), 1);
    this->await_state(spec::DeviceState::ready);
    machine.reset_function();
    EXPECT_EQ(link.mmio_read32(spec::at("ERR_MASK").of()), 0u);
    this->await_state(spec::DeviceState::disabled);
    // The vectors are there again: an error still interrupts.
    const auto parker = machine.environment().make_parker();
    driver::error_code seen = boost::asio::error::eof;
    machine.link().async_wait_vector(spec::error_vector, [&](driver::error_code error) {
        seen = error;
        parker->unpark();
    });
    link.mmio_write32(spec::at("SQ_DB").of(1), 1);
    parker->park();
    EXPECT_FALSE(seen);
}

TYPED_TEST(PlatformTest, AFunctionLevelResetKeepsAVectorMasked) {
    auto& machine = *this->platform;
    sleep_for(machine.environment(), 1ms);
    machine.link().mask_vector(spec::error_vector, true);
    machine.reset_function();
    sleep_for(machine.environment(), 1ms);
    machine.link().mmio_write32(spec::at("SQ_DB").of(1), 1);
    sleep_for(machine.environment(), 1ms);
    machine.link().mmio_write32(spec::at("STAT_SNAP").of(), 1);
    EXPECT_EQ(machine.link().mmio_read32(spec::at("STAT_MSIX").of()), 0u);
    machine.link().mask_vector(spec::error_vector, false);
    machine.link().mmio_write32(spec::at("STAT_SNAP").of(), 1);
    EXPECT_EQ(machine.link().mmio_read32(spec::at("STAT_MSIX").of()), 1u) << "it was pending";
}

TYPED_TEST(PlatformTest, ManyPlatformsFollowOneAnother) {
    for (int i = 0; i < 50; ++i) {
        this->platform.reset();
        this->platform = TypeParam::make();
        ASSERT_EQ(this->platform->link().mmio_read32(spec::at("ID").of()), spec::device_id);
    }
}

TYPED_TEST(PlatformTest, ASecondKernelIsAClearError) {
    const auto second = VirtualPlatform::create({});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error(), Errc::kernel_in_use);
    const auto live = LivePlatform::create({});
    ASSERT_FALSE(live);
    EXPECT_EQ(live.error(), Errc::kernel_in_use);
}

TEST(VirtualPlatform, AnIdleDeviceHasNoEvents) {
    const auto platform = Virtual::make();
    auto& virtual_platform = dynamic_cast<VirtualPlatform&>(*platform);
    virtual_platform.run_until_idle();
    const Time settled = platform->device_time();
    virtual_platform.run_until_idle();
    EXPECT_EQ(platform->device_time(), settled);
}

TEST(LivePlatform, PacedLatenciesAreFeltInWallTime) {
    LivePlatformConfig config;
    config.pace = Pace::paced;
    config.device.enable = 20ms;
    const auto platform = LivePlatform::create(config).value();
    auto& link = platform->link();
    const auto state = [&] {
        return spec::field("CSTS", "STATE").get(link.mmio_read32(spec::at("CSTS").of()));
    };
    while (state() != static_cast<std::uint64_t>(spec::DeviceState::disabled)) {
    }
    const Time start = platform->environment().now();
    link.mmio_write32(spec::at("CC").of(), 1);
    while (state() != static_cast<std::uint64_t>(spec::DeviceState::ready)) {
    }
    EXPECT_GE(platform->environment().now() - start, 20ms);
    EXPECT_GT(platform->lateness().events, 0u);
}

TEST(LivePlatform, DeviceTimeIsNeverBehindTheWall) {
    const auto platform = Live::make();
    for (int i = 0; i < 100; ++i) {
        const Time wall = platform->environment().now();
        platform->link().mmio_read32(spec::at("ID").of());
        ASSERT_GE(platform->device_time(), wall);
    }
}

}  // namespace
}  // namespace ringside::sim
