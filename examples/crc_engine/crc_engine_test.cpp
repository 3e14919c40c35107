// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The CRC engine and its driver on ringside's machines: in virtual time, where an order of events
// that a seed has found is found again, and in live time, with threads.

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cstring>
#include <map>
#include <ringside/sim/live_platform.hpp>
#include <ringside/sim/virtual_platform.hpp>
#include <set>
#include <string_view>

#include "crc_driver.hpp"
#include "crc_engine.hpp"

namespace crc {
namespace {

namespace errc = boost::system::errc;
using ringside::driver::DmaDirection;
using ringside::driver::Iova;

constexpr std::string_view check = "123456789";  // of every catalogue of CRCs
constexpr std::uint32_t crc_of_check = 0xE3069283;

/// Memory that the engine reaches.
class Buffer {
  public:
    Buffer(Link& link, std::size_t size)
        : bytes_(size),
          link_(link),
          iova_(link.dma_map(bytes_, DmaDirection::bidirectional).value()) {}
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { link_.dma_unmap(iova_); }

    void put(std::string_view text) { std::memcpy(bytes_.data(), text.data(), text.size()); }
    const std::vector<std::byte>& bytes() const { return bytes_; }
    std::uint64_t address() const { return iova_.value; }

  private:
    std::vector<std::byte> bytes_;
    Link& link_;
    Iova iova_;
};

class CrcEngine : public ::testing::TestWithParam<std::uint64_t> {
  protected:
    static constexpr std::uint32_t entries = 8;

    CrcEngine() { source.put(check); }

    Descriptor of_check(Command command = Command::crc32c) const {
        return {.src = source.address(),
                .dst = target.address(),
                .length = check.size(),
                .command = command};
    }
    /// Counts what comes of an operation.
    Driver::Callback count() {
        return [this](result<std::uint32_t> outcome) {
            ++outcomes[outcome ? *outcome : -std::int64_t{outcome.error().value()}];
            times.insert(machine->environment().now());
        };
    }
    result<void> submit(const Descriptor& descriptor) {
        return driver->submit(descriptor, count());
    }

    const std::unique_ptr<ringside::sim::VirtualPlatform> machine =
        ringside::sim::VirtualPlatform::create({.other_device = make_engine, .seed = GetParam()})
            .value();
    Link& link = machine->link();
    Buffer source{link, max_length + 1};
    Buffer target{link, max_length};
    std::map<std::int64_t, int> outcomes;  ///< a CRC, or -errno: how often
    std::set<ringside::Time> times;
    std::unique_ptr<Driver> driver =
        Driver::open(link, machine->environment(), entries).value();  // last: first to go
};
INSTANTIATE_TEST_SUITE_P(Seeds, CrcEngine, ::testing::Range<std::uint64_t>(1, 21));

TEST_P(CrcEngine, TellsTheCrcByInterruptAndCopies) {
    ASSERT_TRUE(submit(of_check()));
    ASSERT_TRUE(submit(of_check(Command::copy)));
    EXPECT_TRUE(outcomes.empty());
    machine->run_until_idle();
    EXPECT_EQ(outcomes, (std::map<std::int64_t, int>{{crc_of_check, 2}}));
    EXPECT_TRUE(std::equal(target.bytes().begin(), target.bytes().begin() + check.size(),
                           source.bytes().begin()));
}

TEST_P(CrcEngine, FullRingIsEagainAndLosesNothing) {
    constexpr int wanted = 100;
    int refusals = 0;
    for (int accepted = 0; accepted < wanted;) {
        const auto submitted = submit(of_check());
        if (submitted) {
            ++accepted;
            continue;
        }
        ASSERT_EQ(submitted.error(), errc::resource_unavailable_try_again);
        ++refusals;
        machine->run_until_idle();
    }
    machine->run_until_idle();
    EXPECT_GE(refusals, wanted / static_cast<int>(entries) - 1);
    EXPECT_EQ(outcomes, (std::map<std::int64_t, int>{{crc_of_check, wanted}}));
}

TEST_P(CrcEngine, WrongDescriptorsAreTypedErrorsAndHurtNobodyElse) {
    Descriptor bad_command = of_check();
    bad_command.command = static_cast<Command>(3);
    Descriptor empty = of_check();
    empty.length = 0;
    Descriptor too_long = of_check();
    too_long.length = max_length + 1;
    Descriptor nowhere = of_check();
    nowhere.src = 0x10;
    Descriptor into_nothing = of_check(Command::copy);
    into_nothing.dst = 0x10;
    for (const Descriptor& bad : {bad_command, empty, too_long, nowhere, into_nothing}) {
        ASSERT_TRUE(submit(bad));
    }
    ASSERT_TRUE(submit(of_check()));
    machine->run_until_idle();
    EXPECT_EQ(outcomes,
              (std::map<std::int64_t, int>{
                  {-errc::invalid_argument, 3}, {-errc::bad_address, 2}, {crc_of_check, 1}}));
}

TEST_P(CrcEngine, ResetEndsWhatIsInFlightOnceAndBeginsAnew) {
    constexpr int submitted = entries - 1;
    for (int i = 0; i < submitted; ++i) {
        ASSERT_TRUE(submit(of_check()));
    }
    ASSERT_TRUE(driver->reset());
    EXPECT_EQ(outcomes[crc_of_check] + outcomes[-errc::operation_canceled], submitted);
    EXPECT_GT(outcomes[-errc::operation_canceled], 0);
    outcomes.clear();
    ASSERT_TRUE(submit(of_check()));
    machine->run_until_idle();
    EXPECT_EQ(outcomes, (std::map<std::int64_t, int>{{crc_of_check, 1}}));
}

TEST_P(CrcEngine, BadDoorbellStopsTheEngineUntilItIsReset) {
    link.mmio_write32(at("SQ_DB"), entries);
    machine->run_until_idle();
    EXPECT_EQ(submit(of_check()).error(), errc::io_error);
    ASSERT_TRUE(driver->reset());
    ASSERT_TRUE(submit(of_check()));
    machine->run_until_idle();
    EXPECT_EQ(outcomes, (std::map<std::int64_t, int>{{crc_of_check, 1}}));
}

TEST_P(CrcEngine, ModerationTellsOfSeveralAtOnce) {
    link.mmio_write32(at("INT_MOD"),
                      field("INT_MOD", "TIME_US").set(50) | field("INT_MOD", "COUNT").set(3));
    for (const int operations : {3, 1}) {  // three fire by their number, one by time
        for (int i = 0; i < operations; ++i) {
            ASSERT_TRUE(submit(of_check()));
        }
        machine->run_until_idle();
    }
    EXPECT_EQ(outcomes, (std::map<std::int64_t, int>{{crc_of_check, 4}}));
    ASSERT_EQ(times.size(), 2u);
    EXPECT_GE(*times.rbegin() - *times.begin(), std::chrono::microseconds(50));
}

TEST(CrcEngineLive, TellsTheCrcByInterrupt) {
    const auto machine = ringside::sim::LivePlatform::create({.other_device = make_engine}).value();
    Buffer source(machine->link(), check.size());
    source.put(check);
    const auto told = machine->environment().make_parker();
    result<std::uint32_t> crc = 0u;
    {
        const auto driver = Driver::open(machine->link(), machine->environment(), 2).value();
        ASSERT_TRUE(driver->submit(
            {.src = source.address(), .length = check.size(), .command = Command::crc32c},
            [&](result<std::uint32_t> outcome) {
                crc = outcome;
                told->unpark();
            }));
        told->park();
    }
    EXPECT_EQ(*crc, crc_of_check);
}

TEST(CrcEngineLive, AnotherDeviceIsNotTaken) {
    const auto machine = ringside::sim::LivePlatform::create({}).value();
    EXPECT_EQ(Driver::open(machine->link(), machine->environment(), 2).error(),
              errc::no_such_device);
}

}  // namespace
}  // namespace crc
