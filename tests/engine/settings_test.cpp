// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The operator's options: what each takes and refuses, that its default is the built-in one, and
// what the environment says.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "ringside/frontends/settings.hpp"

namespace ringside::frontends {
namespace {

const Option& option(const std::string& name) {
    const auto all = options();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Option& each) { return name == each.name; });
    EXPECT_NE(found, all.end()) << name;
    return *found;
}

bool set(const std::string& name, const std::string& value, Settings& settings) {
    return option(name).read(value, settings);
}

TEST(Settings, EveryDefaultInTheTableIsTheBuiltInOne) {
    for (const Option& each : options()) {
        Settings settings;
        ASSERT_TRUE(each.read(each.fallback, settings)) << each.name;
        EXPECT_EQ(settings.device, DeviceSettings()) << each.name;
        EXPECT_EQ(settings.policy, Policy()) << each.name;
    }
}

struct Values {
    const char* name;
    std::vector<const char*> allowed;
    std::vector<const char*> refused;
};

class OptionTest : public ::testing::TestWithParam<Values> {};

TEST_P(OptionTest, TakesWhatItSaysAndLeavesTheRestUntouched) {
    for (const char* value : GetParam().allowed) {
        Settings settings;
        EXPECT_TRUE(set(GetParam().name, value, settings)) << value;
        EXPECT_FALSE(settings.device == DeviceSettings() && settings.policy == Policy())
            << value << " changes nothing";
    }
    for (const char* value : GetParam().refused) {
        Settings settings;
        EXPECT_FALSE(set(GetParam().name, value, settings)) << value;
        EXPECT_EQ(settings.device, DeviceSettings()) << value;
        EXPECT_EQ(settings.policy, Policy()) << value;
    }
}

INSTANTIATE_TEST_SUITE_P(
    All, OptionTest,
    ::testing::Values(
        Values{"algorithms",
               {"none", "AES-CBC", "AES-GCM", "AES-GCM,AES-CBC"},
               {"", "aes-cbc", "AES-CBC,", ",AES-CBC", "AES-CBC, AES-GCM", "All"}},
        Values{"min_bytes", {"1", "2147483647"}, {"", "-1", "2147483648", "1k", " 1"}},
        Values{"sync_calls", {"software"}, {"", "Software", "on"}},
        Values{"fallback", {"on"}, {"", "yes", "on "}},
        Values{"queue_pairs", {"2", "7"}, {"", "0", "8", "-1"}},
        Values{"ring_entries", {"2", "4096"}, {"", "0", "1", "3", "8192", "-2", "2.0"}},
        Values{"callbacks", {"off"}, {"", "no"}}, Values{"time", {"paced"}, {"", "virtual"}},
        Values{"chip", {"server"}, {}}, Values{"helpers", {"1", "3"}, {"", "4", "-1"}},
        Values{"faults", {"drop_completion"}, {}}, Values{"stats", {"/tmp/stats.%p.json"}, {}},
        Values{"trace", {"trace"}, {}}, Values{"log", {"info"}, {"", "debug"}}),
    [](const auto& parameter) { return std::string(parameter.param.name); });

TEST(Settings, EveryOptionHasATestAbove) {
    EXPECT_EQ(options().size(), 14u);
}

/// A variable of the environment, while it lives.
class Variable {
  public:
    Variable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;
    ~Variable() { unsetenv(name_); }

  private:
    const char* name_;
};

TEST(Settings, TheEnvironmentWins) {
    Settings settings;
    ASSERT_TRUE(set("ring_entries", "8", settings));
    ASSERT_TRUE(set("callbacks", "off", settings));
    const Variable variable("RINGSIDE_RING_ENTRIES", "16");
    EXPECT_TRUE(apply_environment(settings));
    EXPECT_EQ(settings.device.ring_entries, 16u);
    EXPECT_FALSE(settings.device.callbacks) << "which the environment does not name";
}

TEST(Settings, AWrongVariableIsRefusedByNameAndTheRightOnesStillCount) {
    const Variable misspelt("RINGSIDE_RING_SIZE", "16");
    const Variable wrong("RINGSIDE_CALLBACKS", "maybe");
    const Variable right("RINGSIDE_FALLBACK", "on");
    Settings settings;
    ::testing::internal::CaptureStderr();
    EXPECT_FALSE(apply_environment(settings));
    const std::string said = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 2) << said;
    EXPECT_NE(said.find("RINGSIDE_RING_SIZE, which is no option"), std::string::npos) << said;
    EXPECT_NE(said.find("callbacks = 'maybe' (RINGSIDE_CALLBACKS) is not allowed: on or off"),
              std::string::npos)
        << said;
    EXPECT_TRUE(settings.policy.fallback) << "this alone lets a program go on in software";
}

TEST(Settings, TheAsyncLibrarysVariablesAreNotOurs) {
    const Variable foreign("RINGSIDE_ASYNC_CHECK", "report");
    Settings settings;
    EXPECT_TRUE(apply_environment(settings));
}

}  // namespace
}  // namespace ringside::frontends
