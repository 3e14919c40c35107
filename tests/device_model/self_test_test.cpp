// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// A chip with a slice that computes wrongly never gets READY, after whatever reset; a healthy one
// takes exactly the time of reset and self-test.

#include <ostream>

#include "chip_bench.hpp"

namespace ringside::testing {
namespace {

struct BrokenSlice {
    const char* what;
    core::SliceKind kind;
};

std::ostream& operator<<(std::ostream& out, const BrokenSlice& broken) {
    return out << broken.what;
}

class SelfTest : public ::testing::TestWithParam<BrokenSlice> {
  protected:
    SelfTest() : bench({.broken_slices = static_cast<std::uint8_t>(GetParam().kind)}) {}

    void expect_failure(std::uint32_t fatal_errors) {
        EXPECT_EQ(bench.state(), spec::DeviceState::error);
        EXPECT_TRUE(bench.has_error(spec::ErrorSource::self_test));
        EXPECT_EQ(bench.read(spec::at("ERR_CODE").of()), 13u);
        EXPECT_EQ(bench.read(spec::at("ERR_INFO").of()), 0xFFFFFFFFu);
        EXPECT_EQ(bench.read(spec::at("N_FATAL").of()), fatal_errors);
    }

    Bench bench;  ///< has tried to enable the chip
};

TEST_P(SelfTest, FindsABrokenSliceAtPowerOn) {
    expect_failure(1);
}

TEST_P(SelfTest, FindsItAgainAfterAReset) {
    bench.write(spec::at("RESET").of(), spec::reset_key);
    EXPECT_EQ(bench.state(), spec::DeviceState::reset);
    bench.run();
    expect_failure(1);
    bench.write(spec::at("CC").of(), 1);
    bench.run();
    EXPECT_EQ(bench.state(), spec::DeviceState::error);
}

TEST_P(SelfTest, FindsItAgainAfterAFunctionLevelReset) {
    const auto control = spec::pci::device_control::initiate_reset;
    ASSERT_TRUE(bench.device.write(core::Bar::config, bench.now, spec::pci::at("DEVCTL"),
                                   std::as_bytes(std::span(&control, 1))));
    enable_function(bench.device, bench.now);
    bench.run();
    expect_failure(1);
}

// What a driver may write while the reset is under way does not make it less fatal.
TEST_P(SelfTest, IsFatalWhateverTheSeveritySays) {
    bench.write(spec::at("RESET").of(), spec::reset_key);
    bench.write(spec::at("ERR_SEV").of(), 0);
    bench.run();
    EXPECT_EQ(bench.state(), spec::DeviceState::error);
    EXPECT_TRUE(bench.has_error(spec::ErrorSource::self_test));
}

INSTANTIATE_TEST_SUITE_P(Slices, SelfTest,
                         ::testing::Values(BrokenSlice{"cipher", core::SliceKind::cipher},
                                           BrokenSlice{"record", core::SliceKind::record},
                                           BrokenSlice{"hash", core::SliceKind::hash},
                                           BrokenSlice{"derive", core::SliceKind::derive},
                                           BrokenSlice{"random", core::SliceKind::random},
                                           BrokenSlice{"rsa", core::SliceKind::rsa},
                                           BrokenSlice{"curve", core::SliceKind::curve}));

TEST(HealthySlices, PassInTheTimeOfResetAndSelfTest) {
    const core::DeviceConfig config;
    Bench bench(config);
    bench.write(spec::at("RESET").of(), spec::reset_key);
    bench.run_for(config.reset + config.self_test - Duration(1));
    EXPECT_EQ(bench.state(), spec::DeviceState::reset);
    bench.run_for(Duration(1));
    EXPECT_EQ(bench.state(), spec::DeviceState::disabled);
    EXPECT_EQ(bench.read(spec::at("ERR_SRC").of()), 0u);
}

}  // namespace
}  // namespace ringside::testing
