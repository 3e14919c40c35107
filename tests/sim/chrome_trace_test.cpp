// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// What becomes of events in Chrome's format, whatever order their clocks give them.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ringside/sim/trace_file.hpp"
#include "ringside/spec/registers.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::sim {
namespace {

using nlohmann::json;

class ChromeTrace : public ::testing::Test {
  protected:
    ~ChromeTrace() override { std::remove(path.c_str()); }

    static constexpr std::uint16_t queue = 1;

    void record(TraceKind kind, int us, std::uint64_t tag) {
        trace.record({Time{std::chrono::microseconds(us)}, kind, queue, tag, 0});
    }
    void record_message(int us) {
        trace.record({Time{std::chrono::microseconds(us)}, TraceKind::interrupt,
                      spec::queue_vector(queue), 0, static_cast<std::uint64_t>(MessageFate::sent)});
    }
    json events() const { return json::parse(std::ifstream(path)).at("traceEvents"); }

    Trace trace{testing::seed()};
    const std::string path = ::testing::TempDir() + "ringside_chrome_" + std::to_string(getpid());
};

TEST_F(ChromeTrace, AFlowEndsInTheCallbackThoughTheDevicesClockIsAhead) {
    TraceFiles files(trace, queue + 1);
    ASSERT_TRUE(files.open(path, TraceFormat::chrome));
    record(TraceKind::submit, 10, 7);
    record(TraceKind::completion, 50, 7);
    record_message(90);
    record(TraceKind::callback, 60, 7);
    ASSERT_TRUE(files.finish());

    std::string flow;
    std::vector<std::pair<std::string, double>> waits;
    for (const json& event : events()) {
        const std::string phase = event.at("ph");
        if (event.value("cat", "") == "flow") {
            flow += phase;
        } else if (event.at("name") == "wait for callback") {
            waits.emplace_back(phase, event.at("ts"));
        }
    }
    EXPECT_EQ(flow, "stf");
    EXPECT_EQ(waits, (std::vector<std::pair<std::string, double>>{{"b", 50}, {"e", 90}}));
}

TEST_F(ChromeTrace, RecentEventsAreWrittenThoughNobodyListenedAndOperationsAreWhole) {
    constexpr TraceKind kinds[] = {TraceKind::submit, TraceKind::fetch, TraceKind::completion,
                                   TraceKind::reap, TraceKind::callback};
    constexpr int operations = 61;
    int us = 0;
    for (int tag = 1; tag <= operations; ++tag) {
        for (const TraceKind kind : kinds) {
            record(kind, ++us, static_cast<std::uint64_t>(tag));
        }
    }
    record(TraceKind::device_state, ++us, 5);  // ERROR
    ASSERT_TRUE(write_recent(trace, path));

    const json document = json::parse(std::ifstream(path));
    EXPECT_EQ(document.at("otherData").at("events"), std::to_string(us));
    EXPECT_EQ(document.at("otherData").at("dropped"), std::to_string(us - 200));
    std::map<std::uint64_t, std::vector<std::string>> open;
    std::vector<std::uint64_t> tags;
    std::string last;
    for (const json& event : document.at("traceEvents")) {
        const std::string phase = event.at("ph");
        if (phase == "b") {
            open[event.at("id")].push_back(event.at("name"));
            if (event.contains("args")) {
                tags.push_back(event.at("args").at("user_tag"));
            }
        } else if (phase == "e") {
            auto& stack = open[event.at("id")];
            ASSERT_FALSE(stack.empty());
            EXPECT_EQ(stack.back(), event.at("name"));
            stack.pop_back();
        }
        EXPECT_NE(phase, "C") << "how many are in flight is not known";
        last = event.at("name");
    }
    for (const auto& [id, stack] : open) {
        EXPECT_TRUE(stack.empty()) << "operation " << id;
    }
    EXPECT_EQ(last, "ERROR");
    // The 199 events before are 39 whole operations, and one without its submission.
    ASSERT_EQ(tags.size(), 39u);
    EXPECT_EQ(tags.front(), operations - 38u);
    EXPECT_EQ(tags.back(), std::uint64_t{operations});
}

TEST_F(ChromeTrace, OfRecentEventsNoneIsWrittenWhereNoFileCanBe) {
    record(TraceKind::submit, 1, 1);
    EXPECT_FALSE(write_recent(trace, path + "/no/folder"));
    EXPECT_EQ(errno, ENOENT);
}

}  // namespace
}  // namespace ringside::sim
