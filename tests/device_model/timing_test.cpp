// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Time in closed form: what an operation takes alone is the sum of its stages, what many take is
// set by the narrowest of them, exactly to the picosecond.

#include <ostream>

#include "ringside/base/prng.hpp"
#include "ringside/testing/seed.hpp"
#include "timing_bench.hpp"

namespace ringside::testing {
namespace {

using namespace std::chrono_literals;

// ---- one alone ----

class LoneOperation : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(LoneOperation, TakesTheSumOfItsStages) {
    const std::uint32_t length = GetParam();
    for (const auto& config : {core::DeviceConfig{}, odd_config()}) {
        TimingBench bench(config);
        EXPECT_EQ(bench.latency_of(bench.cbc(length)), lone_latency(config, cbc, length, length));
        const auto encryption = bench.gcm(length);
        EXPECT_EQ(bench.latency_of(encryption), lone_latency(config, gcm, length, length + 16));
        auto decryption = bench.gcm(length + 16);
        decryption.flags = static_cast<std::uint8_t>(spec::SubmissionFlag::decrypt);
        const auto source = bench.output(encryption);
        std::copy(source.begin(), source.end(),
                  bench.memory.at(decryption.src, source.size()).begin());
        EXPECT_EQ(bench.latency_of(decryption), lone_latency(config, gcm, length + 16, length));
    }
}

INSTANTIATE_TEST_SUITE_P(Sizes, LoneOperation, ::testing::Values(16, 64, 1024, 16384, 1 << 19));

TEST(Stages, AreLeftOutByWhatEndsEarly) {
    TimingBench bench(odd_config());
    const auto& config = bench.config;
    const Duration refused = config.doorbell + config.fetch + config.completion;
    EXPECT_EQ(bench.latency_of(descriptor(spec::Opcode::nop)), refused);
    EXPECT_EQ(bench.latency_of(descriptor(spec::Opcode::session_create)), refused);

    auto forged = bench.gcm(64);
    forged.flags = static_cast<std::uint8_t>(spec::SubmissionFlag::decrypt);
    const Duration read = config.dma_read + config.link_per_byte * 64;
    EXPECT_EQ(bench.latency_of(forged), refused + read + slice_time(config, gcm, 64));

    auto unmapped = bench.gcm(64);
    unmapped.src = 0x1000;
    EXPECT_EQ(bench.latency_of(unmapped), refused + read);
}

TEST(Stages, AdminCommandsTakeNoSlice) {
    TimingBench bench(odd_config());
    auto create = descriptor(spec::Opcode::session_create);
    create.src = bench.place(from_hex("0100100000000000") + Bytes(16));
    create.src_len = sizeof(spec::SessionParameters) + 16;
    const auto& config = bench.config;
    EXPECT_EQ(bench.latency_of(create, SliceBench::admin),
              config.doorbell + config.fetch + config.dma_read +
                  config.link_per_byte * create.src_len + config.completion);
}

TEST(Stages, AListCostsOneReadMore) {
    TimingBench bench(odd_config());
    auto entry = bench.cbc(64);
    const spec::ListEntry list{entry.src, 64, spec::list_last};
    entry.src = bench.memory.allocate(sizeof list);
    bench.memory.put(entry.src, list);
    entry.flags = static_cast<std::uint8_t>(spec::SubmissionFlag::src_list);
    EXPECT_EQ(bench.latency_of(entry),
              lone_latency(bench.config, cbc, 64, 64) + bench.config.dma_read);
}

TEST(Stages, AnInterruptFollowsItsCompletion) {
    TimingBench bench(odd_config());
    const auto entry = bench.cbc(64);
    bench.write(spec::at("CQ_DB").of(SliceBench::io),
                static_cast<std::uint32_t>(spec::field("CQ_DB", "ARM").set(1)));
    const std::size_t before = bench.messages.size();
    const Time start = bench.now;
    bench.push(SliceBench::io, entry);
    bench.ring(SliceBench::io);
    bench.run();
    ASSERT_EQ(bench.messages.size(), before + 1);
    EXPECT_EQ(bench.messages.back().time,
              start + lone_latency(bench.config, cbc, 64, 64) + bench.config.interrupt);
    EXPECT_EQ(bench.messages.back().data, spec::queue_vector(SliceBench::io));
}

TEST(Stages, OfASecondOneFarBehindAreAsIfAlone) {
    TimingBench bench(odd_config());
    const auto entry = bench.cbc(4096);
    const Duration alone = bench.latency_of(entry);
    EXPECT_EQ(bench.latency_of(entry), alone);
    bench.run_for(1ms);
    EXPECT_EQ(bench.latency_of(entry), alone);
}

// ---- the narrowest stage ----

/// A chip in which one stage is the narrowest for GCM operations over `length` bytes.
struct Bottleneck {
    const char* name;
    core::DeviceConfig config;
    std::uint32_t length;
    bool forged;          ///< decryptions that fail, so that nothing is written
    std::uint32_t width;  ///< operations that the stage takes at one time
    Duration time;        ///< that it takes for them
};

std::ostream& operator<<(std::ostream& out, const Bottleneck& bottleneck) {
    return out << bottleneck.name;
}

Bottleneck slices(std::uint32_t count) {
    auto config = odd_config();
    config.slices = count;
    return {count == 1 ? "one slice" : "several slices",
            config,
            4096,
            false,
            count,
            slice_time(config, gcm, 4096)};
}
Bottleneck slow_link(bool forged) {
    auto config = odd_config();
    config.slices = 16;
    config.link_per_byte = Duration(4001);
    return {forged ? "the link from memory" : "the link to memory", config, 1024, forged, 1,
            config.link_per_byte * (forged ? 1024 : 1024 + 16)};
}
Bottleneck slow_fetch(std::uint32_t batch) {
    auto config = odd_config();
    config.slices = 16;
    config.fetch_batch = batch;
    config.fetch = Duration(2'003'003);
    return {batch == 1 ? "fetch one by one" : "fetch in batches",
            config,
            64,
            false,
            batch,
            config.fetch};
}

class Narrowest : public ::testing::TestWithParam<Bottleneck> {
  protected:
    TimingBench bench{GetParam().config};
    const spec::SubmissionEntry entry = make_entry();

  private:
    spec::SubmissionEntry make_entry() {
        auto made = bench.gcm(GetParam().length);
        made.flags =
            GetParam().forged ? static_cast<std::uint8_t>(spec::SubmissionFlag::decrypt) : 0;
        return made;
    }
};

class NarrowestForTwo : public Narrowest {};

// Two behind one doorbell: the first is not disturbed, the second comes one narrowest stage later.
TEST_P(NarrowestForTwo, SetsHowMuchLaterTheSecondIs) {
    const Duration alone = bench.latency_of(entry);
    const Time start = bench.now;
    bench.push(SliceBench::io, entry);
    bench.push(SliceBench::io, entry);
    bench.ring(SliceBench::io);
    const auto completed = bench.wait_for(2);
    EXPECT_EQ(completed[0].time - start, alone);
    EXPECT_EQ(completed[1].time - completed[0].time, GetParam().time);
}

INSTANTIATE_TEST_SUITE_P(Stages, NarrowestForTwo,
                         ::testing::Values(slices(1), slow_link(false), slow_link(true),
                                           slow_fetch(1)));

TEST_P(Narrowest, SetsTheThroughputOfAClosedLoop) {
    constexpr std::size_t depth = 60;
    constexpr std::size_t warm_up = 4 * depth;
    constexpr std::size_t rounds = 500;
    const std::size_t counted = rounds * GetParam().width;
    const auto times = closed_loop(bench, entry, depth, warm_up + counted + 1);
    EXPECT_EQ(times[warm_up + counted] - times[warm_up], GetParam().time * rounds);
}

INSTANTIATE_TEST_SUITE_P(Stages, Narrowest,
                         ::testing::Values(slices(1), slices(2), slices(3), slow_link(false),
                                           slow_link(true), slow_fetch(1), slow_fetch(8)));

// With one credit nothing overlaps.
TEST(ClosedLoop, OfOneOperationTakesItsLatencyEachTime) {
    TimingBench bench(odd_config());
    const auto entry = bench.cbc(1024);
    const auto times = closed_loop(bench, entry, 1, 200);
    EXPECT_EQ(times.back() - times.front(), lone_latency(bench.config, cbc, 1024, 1024) * 199);
}

TEST(ClosedLoop, CountsTheTimeOfItsSlices) {
    TimingBench bench(odd_config());
    closed_loop(bench, bench.cbc(1024), 16, 100);
    bench.run();
    bench.write(spec::at("STAT_SNAP").of(), 1);
    const auto completed =
        static_cast<std::int64_t>(bench.read64(spec::at("Q_COMPLETED").of(SliceBench::io)));
    EXPECT_GE(completed, 100);
    EXPECT_EQ(static_cast<std::int64_t>(bench.read64(spec::at("STAT_BUSY_NS").of())),
              to_ns(slice_time(bench.config, cbc, 1024) * completed));
}

// ---- many different ones ----

/// When each of a queue's operations completes, all rung at once at time zero: fetch in batches, a
/// link each way that serves in turn, slices that serve in turn, fixed delays in between.
std::vector<Duration> predict(const core::DeviceConfig& config,
                              const std::vector<std::int64_t>& sources) {
    struct Leaving {
        Duration time;
        std::size_t index;
    };
    std::vector<Duration> slice_free(config.slices);
    std::vector<Leaving> leaving;
    Duration link{};
    for (std::size_t i = 0; i < sources.size(); ++i) {
        const auto batch = static_cast<std::int64_t>(i / config.fetch_batch);
        const Duration fetched = config.doorbell + config.fetch * (batch + 1);
        link = std::max(link, fetched) + config.link_per_byte * sources[i];
        auto& slice = *std::min_element(slice_free.begin(), slice_free.end());
        slice = std::max(slice, link + config.dma_read) + slice_time(config, gcm, sources[i]);
        leaving.push_back({slice, i});
    }
    std::stable_sort(leaving.begin(), leaving.end(),
                     [](const Leaving& a, const Leaving& b) { return a.time < b.time; });
    std::vector<Duration> completed(sources.size());
    link = {};
    for (const auto& [time, index] : leaving) {
        link = std::max(link, time) + config.link_per_byte * (sources[index] + 16);
        completed[index] = link + config.dma_write + config.completion;
    }
    return completed;
}

TEST(Mixture, CompletesWhenTheQueuesOfTheStagesSay) {
    Prng prng(seed(), "mixture");
    for (const std::uint32_t slice_count : {1, 2, 5}) {
        auto config = odd_config();
        config.slices = slice_count;
        config.link_per_byte = Duration(prng.between(50, 400));
        TimingBench bench(config);
        std::vector<std::int64_t> sources;
        for (std::uint16_t cid = 0; cid < 60; ++cid) {
            auto entry = bench.gcm(static_cast<std::uint32_t>(prng.below(4000)));
            entry.cid = cid;
            sources.push_back(entry.src_len);
            bench.push(SliceBench::io, entry);
        }
        const auto expected = predict(config, sources);
        const Time start = bench.now;
        bench.ring(SliceBench::io);
        for (const auto& [time, entry] : bench.wait_for(sources.size())) {
            EXPECT_EQ(time - start, expected[entry.cid]) << "operation " << entry.cid;
        }
    }
}

}  // namespace
}  // namespace ringside::testing
