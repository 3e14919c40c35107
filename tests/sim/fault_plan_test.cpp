// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Fault plans: what their words become, how wrong ones are answered, and that a plan reaches the
// device of either platform.

#include "ringside/sim/fault_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "ringside/sim/live_platform.hpp"
#include "ringside/sim/virtual_platform.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::sim {
namespace {

using core::FaultRule;
using spec::FaultKind;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::vector<FaultRule> rules_of(std::string_view text) {
    const auto parsed = parse_fault_plan(text);
    EXPECT_TRUE(parsed.has_value()) << (parsed ? "" : parsed.error().message);
    return parsed ? *parsed : std::vector<FaultRule>{};
}

TEST(FaultPlan, ANameAloneIsTheFirstEventOnce) {
    const auto rules = rules_of("drop_completion");
    ASSERT_EQ(rules.size(), 1u);
    EXPECT_EQ(rules[0].kind, FaultKind::drop_completion);
    EXPECT_EQ(rules[0].queue, FaultRule::any);
    EXPECT_EQ(rules[0].opcode, FaultRule::any);
    EXPECT_EQ(rules[0].after, 0u);
    EXPECT_EQ(rules[0].every, 1u);
    EXPECT_EQ(rules[0].count, 1u);
    EXPECT_EQ(rules[0].chance_denominator, 0u);
    EXPECT_FALSE(rules[0].value.has_value());
}

TEST(FaultPlan, EveryWordHasItsPlace) {
    const auto rules = rules_of(
        " flip_output , queue=2,opcode=cipher,from_us=3,after=4,every=5,count=6,chance=7/8,"
        "offset=0x09,value=-0xA");
    ASSERT_EQ(rules.size(), 1u);
    const FaultRule& rule = rules[0];
    EXPECT_EQ(rule.kind, FaultKind::flip_output);
    EXPECT_EQ(rule.queue, 2u);
    EXPECT_EQ(rule.opcode, 0x10u);
    EXPECT_EQ(rule.from_us, 3u);
    EXPECT_EQ(rule.after, 4u);
    EXPECT_EQ(rule.every, 5u);
    EXPECT_EQ(rule.count, 6u);
    EXPECT_EQ(rule.chance_numerator, 7u);
    EXPECT_EQ(rule.chance_denominator, 8u);
    EXPECT_EQ(rule.offset, 9u);
    EXPECT_EQ(rule.value, -10);
}

TEST(FaultPlan, EveryFaultHasItsName) {
    for (const auto& info : spec::fault_kinds) {
        const auto rules = rules_of(info.name);
        ASSERT_EQ(rules.size(), 1u) << info.name;
        EXPECT_EQ(rules[0].kind, info.kind);
        EXPECT_EQ(rules[0].value_or_usual(), info.usual_value);
    }
}

TEST(FaultPlan, RulesAreSeparatedBySemicolonsAndLineEnds) {
    const auto rules = rules_of("remove;;\n freeze,after=1\n\nremove,queue=1;");
    ASSERT_EQ(rules.size(), 3u);
    EXPECT_EQ(rules[0].kind, FaultKind::remove);
    EXPECT_EQ(rules[1].kind, FaultKind::freeze);
    EXPECT_EQ(rules[1].after, 1u);
    EXPECT_EQ(rules[2].queue, 1u);
}

TEST(FaultPlan, TextOfARuleIsReadAsTheSameRule) {
    for (const char* text :
         {"remove", "drop_completion,queue=1,after=100,every=10,count=3",
          "slow_slice,opcode=16,from_us=7,count=0,chance=1/8,value=50", "flip_output,offset=3"}) {
        EXPECT_EQ(to_text(rules_of(text).at(0)), text);
    }
    EXPECT_EQ(to_text(rules_of("slow_slice,value=10,every=1,opcode=nop").at(0)),
              "slow_slice,opcode=0");
}

struct Wrong {
    std::string text;
    const char* word;
    const char* allowed;
};

class WrongFaultPlan : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongFaultPlan, IsAnsweredWithTheWordAndWhatIsAllowed) {
    const auto parsed = parse_fault_plan(GetParam().text);
    ASSERT_FALSE(parsed.has_value());
    const std::string message = parsed.error().message;
    EXPECT_THAT(message, StartsWith("'" + std::string(GetParam().word) + "' is not allowed: "));
    EXPECT_THAT(message, HasSubstr(GetParam().allowed));
    EXPECT_EQ(message.find('\n'), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    Plans, WrongFaultPlan,
    ::testing::Values(Wrong{"", "", "a plan has a rule"}, Wrong{" ; ", " ; ", "a plan has a rule"},
                      Wrong{"drop_compltion", "drop_compltion",
                            "never_complete, drop_completion, "},
                      Wrong{"none", "none", "one of never_complete"},
                      Wrong{"remove;broken,after=1", "broken", "one of never_complete"},
                      Wrong{"remove,,after=1", "", "one of queue"},
                      Wrong{"remove,afer=1", "afer=1", "one of queue, opcode"},
                      Wrong{"remove,after", "after", "a number from 0 to 4294967295"},
                      Wrong{"remove,after=", "after=", "a number from 0"},
                      Wrong{"remove,after=1x", "after=1x", "a number from 0"},
                      Wrong{"remove,after=-1", "after=-1", "a number from 0"},
                      Wrong{"remove,after=4294967296", "after=4294967296", "to 4294967295"},
                      Wrong{"remove,every=0", "every=0", "a number from 1"},
                      Wrong{"remove,count=0x", "count=0x", "a number from 0"},
                      Wrong{"remove,queue=63", "queue=63", "a number from 0 to 62"},
                      Wrong{"remove,opcode=cypher", "opcode=cypher", "one of nop, session_create"},
                      Wrong{"remove,opcode=256", "opcode=256", "or a number from 0 to 255"},
                      Wrong{"remove,chance=1", "chance=1", "a fraction like 1/8"},
                      Wrong{"remove,chance=3/2", "chance=3/2", "a fraction"},
                      Wrong{"remove,chance=0/0", "chance=0/0", "a fraction"},
                      Wrong{"remove,value=1", "value=1", "remove takes none"},
                      Wrong{"slow_slice,value=much", "value=much", "(factor)"},
                      Wrong{"slow_slice,value=2147483648", "value=2147483648", "to 2147483647"},
                      Wrong{"all_ones,queue=1", "queue=1", "what all_ones strikes has no queue"},
                      Wrong{"drop_doorbell,opcode=nop", "opcode=nop", "has no opcode"},
                      Wrong{"remove,after=1,after=2", "after=2", "each word once"}));

TEST(FaultPlan, HasAsManyRulesAsTheChipHasSlots) {
    std::string text = "remove";
    for (std::uint32_t i = 1; i < spec::fault_rules; ++i) {
        text += ";freeze";
    }
    EXPECT_EQ(rules_of(text).size(), spec::fault_rules);
    const auto parsed = parse_fault_plan(text + ";freeze,after=9");
    ASSERT_FALSE(parsed.has_value());
    EXPECT_EQ(parsed.error().message,
              "'freeze,after=9' is not allowed: a plan has at most 16 rules");
}

// ---- on a platform ----

struct Virtual {
    static std::unique_ptr<Platform> make(const core::DeviceConfig& device) {
        VirtualPlatformConfig config;
        config.seed = testing::seed();
        config.device = device;
        return VirtualPlatform::create(config).value();
    }
};
struct Live {
    static std::unique_ptr<Platform> make(const core::DeviceConfig& device) {
        LivePlatformConfig config;
        config.seed = testing::seed();
        config.device = device;
        return LivePlatform::create(config).value();
    }
};

template <typename Kind>
class FaultsOnPlatform : public ::testing::Test {};
using Kinds = ::testing::Types<Virtual, Live>;
TYPED_TEST_SUITE(FaultsOnPlatform, Kinds);

TYPED_TEST(FaultsOnPlatform, OfTheConfigurationStrike) {
    core::DeviceConfig device;
    device.faults = rules_of("all_ones,after=2,count=2");
    const auto platform = TypeParam::make(device);
    std::vector<std::uint32_t> seen(6);
    std::ranges::generate(seen, [&] { return platform->link().mmio_read32(spec::at("ID").of()); });
    constexpr std::uint32_t id = spec::device_id;
    constexpr std::uint32_t ones = 0xFFFFFFFF;
    EXPECT_EQ(seen, (std::vector<std::uint32_t>{id, id, ones, ones, id, id}));
    EXPECT_EQ(platform->peek32(spec::at("FI_FIRED").of()), 2u);
}

TYPED_TEST(FaultsOnPlatform, AreInjectedIntoARunningDevice) {
    const auto platform = TypeParam::make({});
    driver::Link& link = platform->link();
    inject(link, rules_of("all_ones,after=1").at(0), 3);
    EXPECT_EQ(link.mmio_read32(spec::at("ID").of()), spec::device_id);
    EXPECT_EQ(link.mmio_read32(spec::at("ID").of()), 0xFFFFFFFFu);
    EXPECT_EQ(link.mmio_read32(spec::at("FI_MATCHED").of(3)), 2u);
}

}  // namespace
}  // namespace ringside::sim
