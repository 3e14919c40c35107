// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The model's time against closed forms: an operation alone takes the sum of its stages, to the
// picosecond; under load the narrowest stage sets the pace.

#include <gtest/gtest.h>

#include "chip_bench.hpp"

namespace ringside::testing {
namespace {

Duration slice_time(const core::DeviceConfig& config, std::int64_t bytes) {
    return config.slice_fixed + config.slice_per_byte * bytes;
}

/// Of a lone AES-CBC operation.
Duration stage_sum(const core::DeviceConfig& config, std::int64_t bytes) {
    return config.doorbell + config.fetch + config.dma_read + config.link_per_byte * bytes +
           slice_time(config, bytes) + config.dma_write + config.link_per_byte * bytes +
           config.completion;
}

TEST(Timing, ALoneOperationTakesTheSumOfItsStages) {
    const core::DeviceConfig odd = {.doorbell = Duration(1),
                                    .fetch = Duration(20),
                                    .dma_read = Duration(300),
                                    .dma_write = Duration(4000),
                                    .link_per_byte = Duration(7),
                                    .slice_fixed = Duration(50000),
                                    .slice_per_byte = Duration(11),
                                    .completion = Duration(600000)};
    for (const core::DeviceConfig& config : {core::DeviceConfig{}, odd}) {
        CipherBench bench(config);
        for (const std::uint32_t bytes : {16u, 64u, 1024u, 16384u, 1u << 20}) {
            const Time start = bench.now;
            const auto completion = bench.execute(1, bench.encryption(1, bytes));
            EXPECT_EQ(bench.now - start, stage_sum(config, bytes)) << bytes;
            EXPECT_EQ(completion.latency_ns,
                      static_cast<std::uint32_t>(to_ns(stage_sum(config, bytes))));
        }
    }
}

TEST(Timing, ListsCostOneMoreRead) {
    const core::DeviceConfig config;
    CipherBench bench(config);
    auto entry = bench.encryption(1, 1024);
    const std::uint64_t list = bench.memory.allocate(sizeof(spec::ListEntry));
    bench.memory.put(list, spec::ListEntry{entry.src, 1024, spec::list_last});
    entry.src = list;
    entry.flags = static_cast<std::uint8_t>(flag(spec::SubmissionFlag::src_list));
    const Time start = bench.now;
    bench.execute(1, entry);
    EXPECT_EQ(bench.now - start, stage_sum(config, 1024) + config.dma_read);
}

/// How long `count` operations take when all are in the ring at the start.
Duration time_of(const core::DeviceConfig& config, std::uint32_t count, std::uint32_t bytes) {
    Bench bench(config);
    bench.enable_queue(0, 16);
    bench.enable_queue(1, 4096);
    const std::array<std::byte, 16> key{};
    spec::SubmissionEntry entry;
    entry.opcode = static_cast<std::uint8_t>(spec::Opcode::cipher);
    entry.session = bench.create_session(spec::Algorithm::aes_cbc, key);
    entry.src = bench.memory.allocate(bytes);
    entry.dst = bench.memory.allocate(bytes);
    entry.src_len = bytes;
    entry.dst_len = bytes;
    entry.iv_len = 16;
    for (std::uint32_t i = 0; i < count; ++i) {
        bench.push(1, entry);
    }
    const Time start = bench.now;
    bench.ring(1);
    bench.run();
    EXPECT_EQ(bench.reap(1).size(), count);
    return bench.now - start;
}

TEST(Timing, UnderLoadTheNarrowestStageSetsThePace) {
    const core::DeviceConfig slices = {.slices = 2};
    core::DeviceConfig link = {.slices = 16};
    link.link_per_byte = Duration(2000);
    core::DeviceConfig fetching = {.slices = 16, .fetch_batch = 1};
    fetching.fetch = std::chrono::microseconds(3);
    const struct {
        const core::DeviceConfig& config;
        Duration each;
    } cases[] = {
        {slices, slice_time(slices, 4096) / 2},
        {link, link.link_per_byte * 4096},
        {fetching, fetching.fetch},
    };
    for (const auto& [config, each] : cases) {
        const Duration thousand = time_of(config, 1000, 4096) - time_of(config, 400, 4096);
        EXPECT_EQ(thousand, each * 600);
    }
}

TEST(Timing, MoreSlicesThanOperationsDoNotHelp) {
    const core::DeviceConfig two = {.slices = 2};
    const core::DeviceConfig eight = {.slices = 8};
    EXPECT_EQ(time_of(two, 2, 4096), time_of(eight, 2, 4096));
    EXPECT_GT(time_of(two, 8, 4096), time_of(eight, 8, 4096));
}

}  // namespace
}  // namespace ringside::testing
