// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The flight recorder: its hash sees everything, a failed assertion tells everything.

#include "ringside/base/trace.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "ringside/base/assert.hpp"

namespace ringside {
namespace {

constexpr TraceEvent sample{time_from_ps(5), TraceKind::submit, 1, 2, 3};

TEST(Trace, HashDependsOnEveryFieldAndOnTheOrder) {
    const std::array<TraceEvent, 6> variants = {{
        sample,
        {time_from_ps(6), TraceKind::submit, 1, 2, 3},
        {time_from_ps(5), TraceKind::reap, 1, 2, 3},
        {time_from_ps(5), TraceKind::submit, 9, 2, 3},
        {time_from_ps(5), TraceKind::submit, 1, 9, 3},
        {time_from_ps(5), TraceKind::submit, 1, 2, 9},
    }};
    for (std::size_t i = 0; i < variants.size(); ++i) {
        for (std::size_t j = 0; j < variants.size(); ++j) {
            TraceHash ab;
            ab.add(variants[i]);
            ab.add(variants[j]);
            TraceHash ba;
            ba.add(variants[j]);
            ba.add(variants[i]);
            EXPECT_EQ(ab.value() == ba.value(), i == j) << i << ' ' << j;
        }
    }
}

TEST(Trace, ListenerCanRecomputeTheHash) {
    Trace trace(1);
    TraceHash recomputed;
    trace.listen([&](const TraceEvent& event) { recomputed.add(event); });
    for (std::uint64_t i = 0; i < 1000; ++i) {
        trace.record({time_from_ps(7), TraceKind::fetch, 3, i, i * i});
    }
    EXPECT_EQ(recomputed.value(), trace.hash());
    EXPECT_EQ(trace.event_count(), 1000u);
}

TEST(Trace, WhatAThreadCollectsIsHashedInItsOrder) {
    Trace trace(1, Trace::Threads::many);
    TraceHash expected;
    trace.collect_here();
    for (std::uint64_t i = 0; i < 1000; ++i) {
        const TraceEvent event{time_from_ps(7), TraceKind::fetch, 3, i, i * i};
        trace.record(event);
        expected.add(event);
    }
    trace.flush();
    EXPECT_EQ(expected.value(), trace.hash());
    EXPECT_EQ(trace.event_count(), 1000u);
}

TEST(Trace, AListenerHearsAtOnceWhatAThreadCollects) {
    Trace trace(1, Trace::Threads::many);
    trace.collect_here();
    trace.record({time_from_ps(1), TraceKind::fetch, 3, 1, 0});
    std::vector<std::uint64_t> heard;
    trace.listen([&](const TraceEvent& event) { heard.push_back(event.id); });
    trace.record({time_from_ps(2), TraceKind::fetch, 3, 2, 0});
    EXPECT_EQ(heard, (std::vector<std::uint64_t>{2}));
    EXPECT_EQ(trace.event_count(), 2u);
}

TEST(Trace, ABurstIsHashedAndHeardInItsOrderWhenItEnds) {
    for (const auto threads : {Trace::Threads::one, Trace::Threads::many}) {
        Trace trace(1, threads);
        TraceHash expected;
        TraceHash heard;
        trace.listen([&](const TraceEvent& event) { heard.add(event); });
        {
            Trace::Burst burst(trace);
            for (std::uint64_t id = 0; id < 100; ++id) {
                const TraceEvent event{sample.time, sample.kind, sample.queue, id, sample.digest};
                burst.record(event);
                expected.add(event);
            }
            burst.flush();
            EXPECT_EQ(trace.event_count(), 100u);
            burst.record(sample);
            expected.add(sample);
        }
        EXPECT_EQ(trace.event_count(), 101u);
        EXPECT_EQ(trace.hash(), expected.value());
        EXPECT_EQ(heard.value(), expected.value());
    }
}

// The hash is added up late; what has been recorded counts at once, and a listener hears of what
// comes after it alone.
TEST(Trace, TheHashIsOfAllThatHasBeenRecorded) {
    Trace trace(1);
    TraceHash expected;
    std::uint64_t recorded = 0;
    const auto record = [&](std::uint64_t count) {
        for (const std::uint64_t end = recorded + count; recorded != end; ++recorded) {
            const TraceEvent event{sample.time, sample.kind, sample.queue, recorded, 0};
            trace.record(event);
            expected.add(event);
            ASSERT_EQ(trace.hash(), expected.value()) << "event " << recorded;
            ASSERT_EQ(trace.event_count(), recorded + 1);
        }
    };
    record(300);
    std::vector<std::uint64_t> heard;
    trace.listen([&](const TraceEvent& event) { heard.push_back(event.id); });
    record(2);
    trace.listen({});
    record(700);
    EXPECT_EQ(heard, (std::vector<std::uint64_t>{300, 301}));
}

TEST(Trace, DumpShowsTheLatestEventsInTheirOrder) {
    Trace trace(1);
    for (std::uint64_t id = 0; id < 300; ++id) {
        trace.record({sample.time, sample.kind, sample.queue, id, sample.digest});
    }
    std::string expected;
    for (std::uint64_t id = 300 - Trace::last_events; id < 300; ++id) {
        char line[64];
        std::snprintf(line, sizeof line, "5 submit 1 %" PRIx64 " 0000000000000003\n", id);
        expected += line;
    }
    char* dump = nullptr;
    std::size_t size = 0;
    std::FILE* const out = open_memstream(&dump, &size);
    trace.dump(out);
    std::fclose(out);
    const std::string dumped(dump, size);
    std::free(dump);
    EXPECT_EQ(dumped.substr(dumped.find("5 submit")), expected);
}

TEST(Trace, StateWriterIsGoneWithItsRegistration) {
    Trace trace(1);
    int calls = 0;
    {
        const auto writer = trace.add_state_writer("ring", [&](std::FILE*) { ++calls; });
        trace.dump(stderr);
    }
    trace.dump(stderr);
    EXPECT_EQ(calls, 1);
}

TEST(AssertDeathTest, FailurePrintsSeedStateAndLastEvents) {
    Trace trace(4711);
    const auto writer = trace.add_state_writer(
        "submission ring", [](std::FILE* out) { std::fputs("head 3 tail 9\n", out); });
    trace.record(sample);
    const unsigned credits = 8;
    EXPECT_DEATH(RINGSIDE_ASSERT(trace, credits < 8, "credits %u, ring of 8", credits),
                 "assertion failed: credits < 8.*credits 8, ring of 8\n"
                 "seed 4711(.|\n)*submission ring\nhead 3 tail 9\n(.|\n)*5 submit 1 2 ");
}

TEST(AssertDeathTest, FailurePrintsWhatIsCollected) {
    Trace trace(4711, Trace::Threads::many);
    trace.collect_here();
    trace.record(sample);
    EXPECT_DEATH(RINGSIDE_ASSERT(trace, false, "wrong"), "\n5 submit 1 2 ");
}

TEST(Trace, WhatManyThreadsRecordIsAllCountedAndHashed) {
    constexpr std::uint64_t threads = 12;  // more than there are streams
    constexpr std::uint64_t each = 1000;
    Trace trace(1, Trace::Threads::many);
    std::vector<std::thread> recorders;
    for (std::uint64_t number = 0; number < threads; ++number) {
        recorders.emplace_back([&trace, number] {
            if (number == 0) {
                trace.collect_here();
            }
            Trace::Burst burst(trace);
            for (std::uint64_t id = 0; id < each; ++id) {
                const TraceEvent event{sample.time, sample.kind, sample.queue, id, number};
                if (id % 2 == 0) {
                    trace.record(event);
                } else {
                    burst.record(event);
                }
            }
            burst.flush();
            if (number == 0) {
                trace.flush();
            }
        });
    }
    for (std::thread& recorder : recorders) {
        recorder.join();
    }
    EXPECT_EQ(trace.event_count(), threads * each);
    const std::uint64_t before = trace.hash();
    EXPECT_EQ(trace.hash(), before);
    trace.record(sample);
    EXPECT_EQ(trace.event_count(), threads * each + 1);
    EXPECT_NE(trace.hash(), before);
}

/// This one collects and records 300 fetches at even times, another one 40 submissions in between.
void record_from_two_threads(Trace& trace) {
    trace.collect_here();
    for (int i = 0; i < 300; ++i) {
        trace.record({time_from_ps(2 * i), TraceKind::fetch, 3, 0, 0});
    }
    std::thread([&trace] {
        for (int i = 250; i < 290; ++i) {
            trace.record({time_from_ps(2 * i + 1), TraceKind::submit, 3, 0, 0});
        }
    }).join();
}

TEST(Trace, ADumpEndsWithTheLastEventsOfAllThreadsByTime) {
    Trace trace(1, Trace::Threads::many);
    record_from_two_threads(trace);
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), std::fclose);
    trace.dump(file.get());
    std::rewind(file.get());
    std::vector<std::int64_t> times;
    std::array<char, 256> line{};
    while (std::fgets(line.data(), line.size(), file.get()) != nullptr) {
        std::int64_t time = 0;
        std::array<char, 16> kind{};
        if (std::sscanf(line.data(), "%" SCNd64 " %15s", &time, kind.data()) == 2) {
            times.push_back(time);
            EXPECT_STREQ(kind.data(), time % 2 == 0 ? "fetch" : "submit");
        }
    }
    ASSERT_EQ(times.size(), Trace::last_events);
    EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
    EXPECT_EQ(times.front(), 2 * (300 - (200 - 40)));
    EXPECT_EQ(times.back(), 2 * 299);
}

TEST(Trace, RecentEventsAreThoseOfAllThreadsByTimeAsFarAsTheyAreFlushed) {
    Trace trace(1, Trace::Threads::many);
    record_from_two_threads(trace);
    const auto expect_to_begin_and_end = [&trace](int first, int last) {
        const auto events = trace.recent();
        ASSERT_EQ(events.size(), Trace::last_events);
        EXPECT_TRUE(std::is_sorted(
            events.begin(), events.end(),
            [](const TraceEvent& a, const TraceEvent& b) { return a.time < b.time; }));
        EXPECT_EQ(to_ps(events.front().time), first);
        EXPECT_EQ(to_ps(events.back().time), last);
    };
    expect_to_begin_and_end(2 * (256 - (200 - 40)), 2 * 289 + 1);
    trace.flush();
    expect_to_begin_and_end(2 * (300 - (200 - 40)), 2 * 299);
}

TEST(Trace, RecentEventsOfAThreadThatGoesOnAreWhole) {
    constexpr std::uint64_t count = 100'000;
    Trace trace(1, Trace::Threads::many);
    std::thread collector([&] {
        trace.collect_here();
        for (std::uint64_t id = 0; id < count; ++id) {
            trace.record(
                {time_from_ps(static_cast<std::int64_t>(id)), TraceKind::fetch, 3, id, ~id});
        }
        trace.flush();
    });
    bool is_whole = true;
    while (trace.event_count() < count) {
        const auto events = trace.recent();
        for (std::size_t n = 0; n < events.size(); ++n) {
            is_whole &= events[n].id == events[0].id + n && events[n].digest == ~events[n].id;
        }
    }
    collector.join();
    EXPECT_TRUE(is_whole);
}

TEST(TraceKind, EveryKindHasAName) {
    EXPECT_EQ(to_string(TraceKind::mmio_write), "mmio_write");
    EXPECT_EQ(to_string(TraceKind::error), "error");
    EXPECT_EQ(to_string(static_cast<TraceKind>(200)), "unknown");
}

}  // namespace
}  // namespace ringside
