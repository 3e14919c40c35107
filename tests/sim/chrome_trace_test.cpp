// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// What becomes of events in Chrome's format, whatever order their clocks give them.

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
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

}  // namespace
}  // namespace ringside::sim
