// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Time that depends on the link and on the command: packets and their overhead, read tags, posted
// credits, times of each service; and the chips that can be had by name.

#include <ostream>
#include <set>
#include <string>

#include "ringside/core/chips.hpp"
#include "timing_bench.hpp"

namespace ringside::testing {
namespace {

using namespace std::chrono_literals;

core::DeviceConfig packet_config() {
    auto config = odd_config();
    config.packet_overhead = 26;
    config.max_payload = 128;
    config.max_read_request = 384;
    config.slices = 64;
    return config;
}

// ---- packets ----

class Packets : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(Packets, EachAddTheirOverhead) {
    TimingBench bench(packet_config());
    const std::uint32_t length = GetParam();
    EXPECT_EQ(bench.latency_of(bench.cbc(length)), lone_latency(bench.config, cbc, length, length));
    EXPECT_EQ(bench.latency_of(bench.gcm(length)),
              lone_latency(bench.config, gcm, length, length + 16));
}

INSTANTIATE_TEST_SUITE_P(Sizes, Packets,
                         ::testing::Values(16, 112, 128, 144, 384, 400, 768, 4096, 65536));

TEST(PacketsOfAList, AreThoseOfItsPieces) {
    TimingBench bench(packet_config());
    const auto& config = bench.config;
    auto entry = bench.cbc(528);
    const spec::ListEntry from[] = {
        {entry.src, 129, 0}, {entry.src + 129, 385, 0}, {entry.src + 514, 14, spec::list_last}};
    const spec::ListEntry to[] = {{entry.dst, 1, 0}, {entry.dst + 1, 527, spec::list_last}};
    entry.src = bench.memory.allocate(sizeof from);
    entry.dst = bench.memory.allocate(sizeof to);
    bench.memory.put(entry.src, from);
    bench.memory.put(entry.dst, to);
    entry.flags = static_cast<std::uint8_t>(spec::SubmissionFlag::src_list) |
                  static_cast<std::uint8_t>(spec::SubmissionFlag::dst_list);
    const Duration in_one = lone_latency(config, cbc, 528, 528) + config.dma_read;
    // Source: packets 2 + 4 + 1 instead of 5, requests 1 + 2 + 1 instead of 2. Destination: 1 + 5.
    const int more = (7 - 5) + (4 - 2) + (6 - 5);
    EXPECT_EQ(bench.latency_of(entry),
              in_one + config.link_per_byte * config.packet_overhead * more);
}

// ---- many at one time ----

/// The mean time from one completion to the next, over a multiple of `depth` of them.
Duration pace_of(TimingBench& bench, const spec::SubmissionEntry& entry, std::size_t depth) {
    const std::size_t counted = 40 * depth;
    const auto times = closed_loop(bench, entry, depth, 4 * depth + counted + 1);
    return (times[4 * depth + counted] - times[4 * depth]) / static_cast<std::int64_t>(counted);
}

/// Operations that fail after they have read: nothing is written.
spec::SubmissionEntry read_only(TimingBench& bench, std::uint32_t length) {
    auto entry = bench.gcm(length);
    entry.flags = static_cast<std::uint8_t>(spec::SubmissionFlag::decrypt);
    return entry;
}
constexpr std::int64_t length = 3840;  // ten read requests, thirty packets

TEST(Link, ReadsAtItsRateLessTheOverhead) {
    TimingBench bench(packet_config());
    EXPECT_EQ(pace_of(bench, read_only(bench, length), 60), wire_time(bench.config, length));
}

// Towards memory go the packets of data, and those that ask for the source.
TEST(Link, WritesAtItsRateLessTheOverheadAndTheReadRequests) {
    TimingBench bench(packet_config());
    const Duration expected =
        wire_time(bench.config, length + 16) + request_time(bench.config, length);
    EXPECT_NEAR(static_cast<double>(pace_of(bench, bench.gcm(length), 60).count()),
                static_cast<double>(expected.count()),
                0.001 * static_cast<double>(expected.count()));
}

class ReadTags : public ::testing::TestWithParam<std::uint32_t> {};

// A tag is taken from the request to the arrival of what it asked for: tags / (transfer + latency)
// requests in a time.
TEST_P(ReadTags, LimitWhatIsReadAtOneTime) {
    auto config = packet_config();
    config.read_tags = GetParam();
    TimingBench bench(config);
    const Duration round_trip = wire_time(config, config.max_read_request) + config.dma_read;
    const std::int64_t rounds = length / (config.max_read_request * config.read_tags);
    ASSERT_GT(round_trip * rounds, wire_time(config, length)) << "the tags are the narrowest";
    EXPECT_EQ(pace_of(bench, read_only(bench, length), 60), round_trip * rounds);
}

INSTANTIATE_TEST_SUITE_P(Counts, ReadTags, ::testing::Values(1, 2, 5, 10));

TEST(ReadTags, MoreThanTheRoundTripHoldsDoNotMatter) {
    auto config = packet_config();
    config.read_tags = 64;
    TimingBench bench(config);
    EXPECT_EQ(pace_of(bench, read_only(bench, length), 60), wire_time(config, length));
}

TEST(ReadTags, HoldUpALoneOperationToo) {
    auto config = packet_config();
    config.read_tags = 3;
    TimingBench bench(config);
    // Ten requests by three: the tenth leaves in the fourth round.
    const Duration request = wire_time(config, config.max_read_request);
    const Duration crossed = (request + config.dma_read) * 3 + request;
    EXPECT_EQ(bench.latency_of(bench.cbc(length)),
              lone_latency(config, cbc, length, length) - wire_time(config, length) + crossed);
}

class PostedCredits : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(PostedCredits, LimitWhatIsWrittenAtOneTime) {
    auto config = packet_config();
    config.link_per_byte = Duration(11);
    config.credit_return = Duration(1'203'007);
    config.posted_credits = GetParam();
    TimingBench bench(config);
    const Duration round_trip = wire_time(config, config.max_payload) + config.credit_return;
    const std::int64_t rounds = length / (config.max_payload * config.posted_credits);
    EXPECT_EQ(pace_of(bench, bench.cbc(length), 60), round_trip * rounds);
}

INSTANTIATE_TEST_SUITE_P(Counts, PostedCredits, ::testing::Values(1, 3, 10, 30));

// ---- classes of slices ----

class SliceClasses : public ::testing::TestWithParam<std::uint32_t> {};

// Two key agreements, then a cipher: it has its own slice, they share theirs, or have one each.
TEST_P(SliceClasses, DoNotWaitForEachOther) {
    auto config = odd_config();
    config.slices = 1;
    config.asymmetric_slices = GetParam();
    TimingBench bench(config);
    Bytes base_point(32);
    base_point[0] = std::byte{9};
    const std::uint32_t session =
        bench.create_session(spec::Algorithm::x25519, {}, Bytes(32, std::byte{0x40}));
    auto agree = bench.cipher(session, {}, base_point, 32);
    agree.opcode = static_cast<std::uint8_t>(spec::Opcode::agree);
    auto encrypt = bench.cbc(64);
    encrypt.cid = 2;
    const Time start = bench.now;
    for (const auto& entry : {agree, agree, encrypt}) {
        bench.push(SliceBench::io, entry);
    }
    bench.ring(SliceBench::io);
    const auto completed = bench.wait_for(3);
    EXPECT_EQ(completed[0].entry.cid, 2);
    EXPECT_EQ(completed[0].time - start,
              lone_latency(config, cbc, 64, 64) + wire_time(config, 32) * 2);
    const Duration agreement = config.service.curve25519.agree;
    EXPECT_EQ(completed[1].time - start,
              lone_latency(config, cbc, 32, 32) - slice_time(config, cbc, 32) + agreement);
    EXPECT_EQ(completed[2].time - completed[1].time,
              GetParam() == 1 ? agreement : wire_time(config, 32));
}

INSTANTIATE_TEST_SUITE_P(Counts, SliceClasses, ::testing::Values(1, 2));

// ---- chips ----

std::vector<std::string> chip_names() {
    std::vector<std::string> names;
    for (const core::Chip& chip : core::chips()) {
        names.emplace_back(chip.name);
    }
    return names;
}

class NamedChip : public ::testing::TestWithParam<std::string> {
  protected:
    const core::DeviceConfig config = core::find_chip(GetParam())->config();
};

TEST_P(NamedChip, TakesTheSumOfItsStages) {
    TimingBench bench(config);
    for (const std::uint32_t size : {16u, 512u}) {
        EXPECT_EQ(bench.latency_of(bench.cbc(size)), lone_latency(config, cbc, size, size));
    }
}

// Sixty 4 KiB operations under way: what the datasheet calls the narrowest stage sets the pace.
TEST_P(NamedChip, IsAsFastAsItsNarrowestStage) {
    TimingBench bench(config);
    constexpr std::uint32_t size = 4096;
    const auto narrowest = std::max(
        {wire_time(config, size), wire_time(config, size + 16) + request_time(config, size),
         slice_time(config, gcm, size) / config.slices, config.fetch / config.fetch_batch});
    const Duration pace = pace_of(bench, bench.gcm(size), 60);
    EXPECT_NEAR(static_cast<double>(pace.count()), static_cast<double>(narrowest.count()),
                0.01 * static_cast<double>(narrowest.count()));
}

INSTANTIATE_TEST_SUITE_P(Chips, NamedChip, ::testing::ValuesIn(chip_names()));

TEST(Chips, HaveNamesOfTheirOwnAndTheStandardOneIsFirst) {
    const auto names = chip_names();
    EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
    EXPECT_EQ(names.front(), "standard");
    EXPECT_EQ(core::find_chip("Standard"), nullptr);
    EXPECT_EQ(core::find_chip(""), nullptr);
}

}  // namespace
}  // namespace ringside::testing
