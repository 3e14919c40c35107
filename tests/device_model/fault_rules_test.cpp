// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Rules of fault injection: which events they look at, which of them they choose, when they end,
// how they are programmed, and that a seed gives one run.

#include <gtest/gtest.h>

#include "fault_workload.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::testing {
namespace {

using core::FaultRule;
using spec::FaultKind;

/// The cids of `count` NOPs on a queue pair whose completions were dropped.
std::vector<std::uint16_t> dropped(FaultBench& bench, std::uint16_t count,
                                   std::uint32_t queue = FaultBench::queue) {
    std::vector<std::uint16_t> gone;
    for (std::uint16_t cid = 0; cid < count; ++cid) {
        bench.push(queue, nop(cid));
        bench.ring(queue);
        bench.run();
        if (bench.reap(queue).empty()) {
            gone.push_back(cid);
        }
    }
    return gone;
}

FaultRule drop() {
    return {.kind = FaultKind::drop_completion};
}

TEST(FaultRules, ByDefaultStrikeTheFirstEventOnce) {
    FaultBench bench;
    const auto slot = bench.inject(drop());
    EXPECT_TRUE(bench.is_active(slot));
    EXPECT_EQ(dropped(bench, 5), (std::vector<std::uint16_t>{0}));
    EXPECT_FALSE(bench.is_active(slot));
    EXPECT_EQ(bench.matched(slot), 1u);
    EXPECT_EQ(bench.fired(slot), 1u);
}

struct Choice {
    std::uint32_t after;
    std::uint32_t every;
    std::uint32_t count;
    std::vector<std::uint16_t> of_twelve;
};

class FaultChoice : public ::testing::TestWithParam<Choice> {};

TEST_P(FaultChoice, IsByAfterEveryAndCount) {
    FaultBench bench;
    FaultRule rule = drop();
    rule.after = GetParam().after;
    rule.every = GetParam().every;
    rule.count = GetParam().count;
    const auto slot = bench.inject(rule);
    EXPECT_EQ(dropped(bench, 12), GetParam().of_twelve);
    EXPECT_EQ(bench.fired(slot), GetParam().of_twelve.size());
    EXPECT_EQ(bench.is_active(slot), GetParam().count != GetParam().of_twelve.size());
}

INSTANTIATE_TEST_SUITE_P(Choices, FaultChoice,
                         ::testing::Values(Choice{0, 1, 0, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
                                           Choice{0, 0, 3, {0, 1, 2}}, Choice{5, 1, 2, {5, 6}},
                                           Choice{1, 5, 0, {1, 6, 11}}, Choice{2, 4, 9, {2, 6, 10}},
                                           Choice{11, 1, 1, {11}}, Choice{12, 1, 1, {}},
                                           Choice{0xFFFFFFFF, 0xFFFFFFFF, 1, {}}));

TEST(FaultRules, LookOnlyAtTheirQueuePair) {
    FaultBench bench;
    FaultRule rule = drop();
    rule.queue = 2;
    rule.count = 0;
    const auto slot = bench.inject(rule);
    EXPECT_TRUE(dropped(bench, 4, 1).empty());
    EXPECT_EQ(bench.matched(slot), 0u);
    EXPECT_EQ(dropped(bench, 4, 2).size(), 4u);
    EXPECT_EQ(bench.matched(slot), 4u);
}

TEST(FaultRules, LookOnlyAtTheirOpcode) {
    FaultBench bench;
    FaultRule rule = drop();
    rule.opcode = static_cast<std::uint16_t>(spec::Opcode::cipher);
    rule.count = 0;
    const auto slot = bench.inject(rule);
    EXPECT_TRUE(dropped(bench, 4).empty());
    EXPECT_TRUE(bench.observe(bench.make(Work::encrypt, 4)).completions.empty());
    EXPECT_EQ(bench.matched(slot), 1u);
}

TEST(FaultRules, LookAtNothingBeforeTheirTime) {
    FaultBench bench;
    FaultRule rule = drop();
    rule.from_us = static_cast<std::uint32_t>(to_ns(bench.now) / 1000 + 50);
    const auto slot = bench.inject(rule);
    EXPECT_TRUE(dropped(bench, 3).empty());
    EXPECT_EQ(bench.matched(slot), 0u);
    bench.run_for(std::chrono::microseconds(60));
    EXPECT_EQ(dropped(bench, 3).size(), 1u);
}

TEST(FaultRules, OfOneKindAreAskedInTheOrderOfTheirSlotsUntilOneStrikes) {
    FaultBench bench;
    FaultRule second = drop();
    second.after = 1;
    const auto first_slot = bench.inject(drop());
    const auto second_slot = bench.inject(second);
    EXPECT_EQ(dropped(bench, 6), (std::vector<std::uint16_t>{0, 2}))
        << "the second does not see the event that the first has struck";
    EXPECT_EQ(bench.matched(first_slot), 1u);
    EXPECT_EQ(bench.matched(second_slot), 2u);
}

TEST(FaultRules, OfDifferentKindsMayStrikeOneEvent) {
    FaultBench bench;
    bench.inject({.kind = FaultKind::wrong_cid, .value = 0x10});
    bench.inject({.kind = FaultKind::wrong_length, .value = 5});
    const auto completion = bench.execute(1, nop(1));
    EXPECT_EQ(completion.cid, 0x11);
    EXPECT_EQ(completion.result, 5u);
}

TEST(FaultRules, WithAChanceStrikeAboutThatShareAndTheSameOfTheSameSeed) {
    const auto run = [](std::uint16_t numerator, std::uint16_t denominator) {
        FaultBench bench;
        FaultRule rule = drop();
        rule.count = 0;
        rule.chance_numerator = numerator;
        rule.chance_denominator = denominator;
        bench.inject(rule);
        std::vector<std::uint16_t> gone;
        for (int lap = 0; lap < 10; ++lap) {
            const auto some = dropped(bench, 50);
            gone.insert(gone.end(), some.begin(), some.end());
            // Dropped ones keep their credit until a reset.
            bench.write(spec::at("Q_RESET").of(1), 1);
            bench.enable_queue(1, 64);
        }
        return std::pair(gone, bench.trace.hash());
    };
    const auto [some, hash] = run(1, 4);
    EXPECT_GT(some.size(), 80u);
    EXPECT_LT(some.size(), 170u);
    EXPECT_EQ(run(1, 4), std::pair(some, hash));
    EXPECT_TRUE(run(0, 4).first.empty());
    EXPECT_EQ(run(4, 4).first.size(), 500u);
}

TEST(FaultRules, ThatChooseNothingLeaveTheTraceAsItWas) {
    const auto hash_with = [](const std::vector<FaultRule>& rules) {
        FaultBench bench;
        for (const FaultRule& rule : rules) {
            bench.inject(rule);
        }
        for (std::uint16_t cid = 0; cid < 20; ++cid) {
            bench.observe(bench.make(Work::encrypt, cid));
        }
        return bench.trace.hash();
    };
    std::vector<FaultRule> elsewhere;
    for (const auto& info : spec::fault_kinds) {
        if (elsewhere.size() < spec::fault_rules && spec::has_queue(info.site)) {
            elsewhere.push_back({.kind = info.kind, .queue = 7, .chance_denominator = 2});
        }
    }
    EXPECT_EQ(hash_with(elsewhere), hash_with({}));
    EXPECT_NE(hash_with({drop()}), hash_with({}));
}

TEST(FaultRules, OfTheConfigurationAreThereAtPowerOn) {
    core::DeviceConfig config;
    config.faults = {{.kind = FaultKind::drop_completion, .queue = 1, .after = 2}};
    FaultBench bench(config);
    EXPECT_EQ(dropped(bench, 5), (std::vector<std::uint16_t>{2}));
}

// ---- registers ----

TEST(FaultRegisters, HoldTheWholeRule) {
    FaultBench bench;
    const FaultRule rule{.kind = FaultKind::flip_output,
                         .queue = 3,
                         .opcode = 0x10,
                         .from_us = 4,
                         .after = 5,
                         .every = 6,
                         .count = 7,
                         .chance_numerator = 8,
                         .chance_denominator = 9,
                         .offset = 10,
                         .value = -11};
    for (const auto& write : core::register_writes(rule, 15)) {
        bench.write(write.offset, write.value);
    }
    const auto read = [&](spec::Address address) { return bench.read(address.of(15)); };
    EXPECT_EQ(read(spec::at("FI_CTRL")), 1u | 8u << 8);
    EXPECT_EQ(read(spec::at("FI_MATCH")), 3u | 0x10u << 16);
    EXPECT_EQ(read(spec::at("FI_FROM_US")), 4u);
    EXPECT_EQ(read(spec::at("FI_AFTER")), 5u);
    EXPECT_EQ(read(spec::at("FI_EVERY")), 6u);
    EXPECT_EQ(read(spec::at("FI_COUNT")), 7u);
    EXPECT_EQ(read(spec::at("FI_CHANCE")), 8u | 9u << 16);
    EXPECT_EQ(read(spec::at("FI_OFFSET")), 10u);
    EXPECT_EQ(read(spec::at("FI_VALUE")), static_cast<std::uint32_t>(-11));
    EXPECT_EQ(bench.errors(), 0u);
}

TEST(FaultRegisters, StartARuleWithActiveAndEndItWithout) {
    FaultBench bench;
    const std::uint32_t control = spec::at("FI_CTRL").of(2);
    const auto kind = static_cast<std::uint32_t>(FaultKind::drop_completion) << 8;
    bench.write(spec::at("FI_COUNT").of(2), 0);
    bench.write(control, kind);
    EXPECT_TRUE(dropped(bench, 2).empty()) << "not ACTIVE yet";
    bench.write(control, kind | 1);
    EXPECT_EQ(dropped(bench, 2).size(), 2u);
    bench.write(spec::at("FI_AFTER").of(2), 100);
    bench.write(control, kind | 1);
    EXPECT_EQ(dropped(bench, 2).size(), 2u) << "an active rule stays as it was taken over";
    bench.write(control, kind);
    EXPECT_TRUE(dropped(bench, 2).empty());
    EXPECT_EQ(bench.fired(2), 4u) << "the counts stay";
    bench.write(control, kind | 1);
    EXPECT_EQ(bench.fired(2), 0u);
    EXPECT_TRUE(dropped(bench, 2).empty()) << "FI_AFTER is taken over now";
    EXPECT_EQ(bench.matched(2), 2u);
}

TEST(FaultRegisters, DoNotActivateAKindThatDoesNotExist) {
    FaultBench bench;
    for (const std::uint32_t kind :
         {std::size_t{0}, spec::fault_kinds.size() + 1, std::size_t{0xFF}}) {
        bench.write(spec::at("FI_CTRL").of(), kind << 8 | 1);
        EXPECT_EQ(bench.read(spec::at("FI_CTRL").of()), kind << 8);
    }
    EXPECT_TRUE(dropped(bench, 3).empty());
}

TEST(FaultRegisters, KeepRulesAndCountsOverEveryReset) {
    FaultBench bench;
    FaultRule rule = drop();
    rule.queue = 1;
    rule.after = 1;
    rule.count = 2;
    const auto slot = bench.inject(rule);
    EXPECT_EQ(dropped(bench, 2), (std::vector<std::uint16_t>{1}));
    bench.device_reset();
    bench.start();
    bench.enable_queue(1, 16);
    EXPECT_EQ(bench.fired(slot), 1u);
    EXPECT_EQ(dropped(bench, 2), (std::vector<std::uint16_t>{0}));
    EXPECT_FALSE(bench.is_active(slot));
}

TEST(FaultRegisters, AreAbsentWithoutTheCapability) {
    Bench bench({.fault_injection = false});
    EXPECT_EQ(spec::field("CAP", "FAULT_INJECT").get(bench.read(spec::at("CAP").of())), 0u);
    bench.write(spec::at("FI_CTRL").of(), 1);
    EXPECT_EQ(bench.errors(), spec::bit_of(spec::ErrorSource::bad_access));
    EXPECT_FALSE(bench.device.inject(drop()).has_value());
    EXPECT_EQ(spec::field("CAP", "FAULT_INJECT").get(Bench().read(spec::at("CAP").of())), 1u);
}

TEST(FaultSlots, AreTakenOneAfterTheOtherAndAgainWhenTheirRuleHasEnded) {
    FaultBench bench;
    for (std::uint32_t slot = 0; slot < spec::fault_rules; ++slot) {
        EXPECT_EQ(bench.device.inject(drop()), slot);
    }
    EXPECT_FALSE(bench.device.inject(drop()).has_value());
    EXPECT_EQ(dropped(bench, 1).size(), 1u);
    EXPECT_EQ(bench.device.inject(drop()), 0u);
}

TEST(FaultSlots, AreNotTakenByAKindThatDoesNotExist) {
    FaultBench bench;
    for (const std::size_t kind : {std::size_t{0}, spec::fault_kinds.size() + 1}) {
        EXPECT_FALSE(bench.device.inject({.kind = static_cast<FaultKind>(kind), .after = 5}));
        EXPECT_EQ(bench.read(spec::at("FI_CTRL").of()), 0u);
        EXPECT_EQ(bench.read(spec::at("FI_AFTER").of()), 0u);
    }
    EXPECT_EQ(bench.device.inject(drop()), 0u);
}

TEST(FaultSlots, OfADeadChipAreNotGivenAway) {
    FaultBench bench;
    bench.inject({.kind = FaultKind::fail_reset});
    bench.device_reset();
    bench.run();
    ASSERT_EQ(bench.state(), spec::DeviceState::dead);
    EXPECT_FALSE(bench.device.inject(drop()).has_value());
}

TEST(FaultSlots, OfAChipThatIsGoneAreNotGivenAway) {
    FaultBench bench;
    bench.inject({.kind = FaultKind::remove});
    bench.push(1, nop(1));
    bench.ring(1);
    bench.run();
    EXPECT_FALSE(bench.device.inject(drop()).has_value());
}

TEST(FaultRulesDeathTest, OfTheConfigurationHaveAKindThatExists) {
    const core::DeviceConfig config{.faults = {{.kind = static_cast<FaultKind>(0xC8)}}};
    EXPECT_DEATH(Bench{config}, "no fault has the kind 200");
    EXPECT_DEATH(Bench{core::DeviceConfig{.faults = {{}}}}, "no fault has the kind 0");
}

}  // namespace
}  // namespace ringside::testing
