// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// `ringside run --trace` and `--vcd`: the JSON is what Perfetto wants, the waveforms are what
// GTKWave wants, and the one says what the other says.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "program.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// When a signal took a value; of changes at one instant the last.
using Edges = std::map<std::int64_t, std::int64_t>;

/// A value change dump (IEEE 1364-2005, 18), read as strictly as it is written.
class Dump {
  public:
    explicit Dump(std::istream&& text) {
        std::int64_t now = 0;
        for (std::string word; text >> word;) {
            if (word[0] == '$') {
                declare(word, text);
            } else if (word[0] == '#') {
                EXPECT_TRUE(std::stoll(word.substr(1)) > now || word == "#0") << word;
                now = std::stoll(word.substr(1));
            } else if (word[0] == 'b') {
                std::string code;
                text >> code;
                if (word != "bx") {
                    edges.at(names_.at(code))[now] = std::stoll(word.substr(1), nullptr, 2);
                }
            } else {
                edges.at(names_.at(word.substr(1)))[now] = std::stoll(word.substr(0, 1));
            }
        }
        EXPECT_TRUE(scopes_.empty());
    }

    std::map<std::string, Edges> edges;  ///< by "scope.name"

  private:
    void declare(const std::string& word, std::istream& text) {
        std::string kind;
        std::string width;
        std::string code;
        std::string name;
        if (word == "$scope") {
            text >> kind >> name;
            scopes_.push_back(name);
        } else if (word == "$upscope") {
            ASSERT_FALSE(scopes_.empty());
            scopes_.pop_back();
        } else if (word == "$var") {
            text >> kind >> width >> code >> name;
            name = scopes_.back() + "." + name;
            EXPECT_TRUE(names_.emplace(code, name).second) << "code of two: " << code;
            edges[name];
        } else if (word != "$end" && word != "$dumpvars" && word != "$enddefinitions") {
            std::getline(text, name);
        }
    }

    std::vector<std::string> scopes_;
    std::unordered_map<std::string, std::string> names_;
};

std::int64_t ps_of(const json& event) {
    return std::llround(event["ts"].get<double>() * 1e6);
}

class RunTrace : public ::testing::TestWithParam<const char*> {
  protected:
    static std::string path(const char* name) { return ::testing::TempDir() + name; }

    void SetUp() override {
        std::ofstream(path("traced")) << std::string(200'000, 'r');
        const auto run = run_program({"run", "--json", "--file", path("traced"), "--time",
                                      GetParam(), "--trace", path("trace.json"), "--vcd",
                                      path("trace.vcd"), "--seed", std::to_string(seed())});
        ASSERT_EQ(run.exit_code, 0) << run.err;
        report = json::parse(run.out);
        trace = json::parse(std::ifstream(path("trace.json")), nullptr, false);
        ASSERT_FALSE(trace.is_discarded());
        for (const json& event : trace["traceEvents"]) {
            by_phase[event["ph"].get<std::string>()].push_back(event);
        }
    }
    void TearDown() override {
        for (const char* file : {"traced", "trace.json", "trace.vcd"}) {
            std::remove(path(file).c_str());
        }
    }
    bool is_live() const { return std::string(GetParam()) == "live"; }

    json report;
    json trace;
    std::map<std::string, std::vector<json>> by_phase;
};
INSTANTIATE_TEST_SUITE_P(Times, RunTrace, ::testing::Values("virtual", "live"),
                         [](const auto& time) { return std::string(time.param); });

TEST_P(RunTrace, TimesDoNotGoBackAndNothingIsMissing) {
    EXPECT_EQ(trace["otherData"]["dropped"], "0");
    double last = 0;
    for (const json& event : trace["traceEvents"]) {
        if (event["ph"] != "M") {
            EXPECT_GE(event["ts"].get<double>(), last);
            last = event["ts"].get<double>();
        }
    }
    EXPECT_GT(last, 0);
}

TEST_P(RunTrace, EveryBeginOfAnOperationHasItsEnd) {
    std::map<std::uint64_t, std::vector<std::string>> open;
    std::map<std::string, std::uint64_t> whole;
    for (const json& event : trace["traceEvents"]) {
        const std::string phase = event["ph"];
        if (phase != "b" && phase != "e") {
            continue;
        }
        auto& stack = open[event["id"].get<std::uint64_t>()];
        if (phase == "b") {
            EXPECT_LE(stack.size(), 1u);
            stack.push_back(event["name"]);
        } else {
            ASSERT_FALSE(stack.empty());
            EXPECT_EQ(stack.back(), event["name"]);
            ++whole[stack.back()];
            stack.pop_back();
        }
    }
    for (const auto& [id, stack] : open) {
        EXPECT_TRUE(stack.empty()) << "operation " << id;
    }
    const auto operations = report["operations"].get<std::uint64_t>();
    EXPECT_GT(operations, 0u);
    for (const char* name : {"queue 1", "slice"}) {
        EXPECT_EQ(whole[name], operations) << name;
    }
    EXPECT_EQ(whole["wait for callback"], operations + whole["queue 0"]);
}

TEST_P(RunTrace, FlowsLeadFromSubmissionOverInterruptToCallback) {
    const auto place_of = [](const json& event) {
        return std::tuple(ps_of(event), event["pid"].get<int>(), event["tid"].get<int>());
    };
    std::set<std::tuple<std::int64_t, int, int>> points;
    for (const json& event : by_phase["X"]) {
        points.insert(place_of(event));
    }
    std::map<std::uint64_t, std::string> flows;
    for (const json& event : trace["traceEvents"]) {
        const std::string phase = event["ph"];
        if (phase != "s" && phase != "t" && phase != "f") {
            continue;
        }
        flows[event["id"].get<std::uint64_t>()] += phase;
        if (!is_live() || phase != "t") {  // live, a message may be shown later than it was sent
            EXPECT_TRUE(points.count(place_of(event))) << event;
        }
    }
    std::uint64_t interrupted = 0;
    for (const auto& [id, phases] : flows) {
        EXPECT_TRUE(phases == "sf" || phases == "stf") << id << ": " << phases;
        interrupted += phases == "stf";
    }
    EXPECT_EQ(flows.size(), by_phase["s"].size());
    // Live, a handler that is still awake needs few of them.
    EXPECT_GT(interrupted, is_live() ? 0 : flows.size() / 4);
}

TEST_P(RunTrace, WaveformsSayWhatTheTraceSays) {
    const Dump dump{std::ifstream(path("trace.vcd"))};
    const Edges& in_flight = dump.edges.at("queue_1.in_flight");
    const Edges& credits = dump.edges.at("queue_1.credits");
    ASSERT_GT(in_flight.size(), 10u);
    for (const auto& [time, value] : in_flight) {
        EXPECT_GE(value, 0);
        const auto credit = credits.find(time);
        EXPECT_TRUE(time == 0 || (credit != credits.end() && credit->second == 7 - value)) << time;
    }
    EXPECT_EQ(in_flight.rbegin()->second, 0);
    EXPECT_EQ(dump.edges.at("rs1.symmetric_busy").rbegin()->second, 0);
    std::int64_t last_state = 0;
    for (const auto& [time, state] : dump.edges.at("rs1.state")) {
        EXPECT_NE(state, 5) << "ERROR at " << time;
        last_state = state;
    }
    EXPECT_EQ(last_state, 1);  // closed: DISABLED
    if (is_live()) {
        return;  // two clocks: the same order, not the same times
    }
    Edges expected{{0, 0}};
    for (const json& event : by_phase["C"]) {
        if (event["name"] == "queue 1 in flight") {
            expected[ps_of(event)] = event["args"]["operations"];
        }
    }
    EXPECT_EQ(in_flight, expected);

    expected = {{0, 0}};
    std::int64_t busy = 0;
    for (const json& event : trace["traceEvents"]) {
        if (event["name"] == "slice") {
            busy += event["ph"] == "b" ? 1 : -1;
            expected[ps_of(event)] = busy;
        }
    }
    const auto value_at = [](const Edges& edges, std::int64_t time) {
        return std::prev(edges.upper_bound(time))->second;
    };
    for (const auto& [time, value] : expected) {
        EXPECT_EQ(value_at(dump.edges.at("rs1.symmetric_busy"), time), value) << time;
    }

    Edges messages;
    for (const json& event : by_phase["X"]) {
        if (event["pid"] == 2 && event["tid"] == 12 && event["name"] != "pending") {
            messages[ps_of(event)] = 1;
        }
    }
    EXPECT_FALSE(messages.empty());
    EXPECT_EQ(dump.edges.at("vector_2.message"), messages);
}

TEST(RunTraceOptions, ShowTheSignalsThatAreAskedFor) {
    const std::string vcd = ::testing::TempDir() + "few.vcd";
    const auto run = run_program(
        {"run", "--file", "/usr/bin/env", "--vcd", vcd, "--vcd-signals", "state,slices"});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    std::set<std::string> names;
    for (const auto& [name, edges] : Dump{std::ifstream(vcd)}.edges) {
        names.insert(name);
    }
    EXPECT_EQ(names,
              (std::set<std::string>{"rs1.asymmetric_busy", "rs1.state", "rs1.symmetric_busy"}));
    std::remove(vcd.c_str());
}

TEST(RunTraceOptions, WrongOnesGetOneLine) {
    for (const auto& [arguments, part] :
         std::vector<std::pair<std::vector<std::string>, const char*>>{
             {{"run", "--vcd", "x.vcd", "--vcd-signals", "state,sl"}, "'sl' is not allowed"},
             {{"run", "--vcd-signals", "state"}, "--vcd"},
             {{"run", "--trace", "/no/such/folder/t.json"}, "/no/such/folder/t.json"},
         }) {
        const auto run = run_program(arguments);
        EXPECT_EQ(run.exit_code, 2);
        EXPECT_THAT(run.err, HasSubstr(part));
        EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
    }
}

class RunFiles : public ::testing::Test {
  protected:
    RunFiles() {
        std::string name = ::testing::TempDir() + "ringside_files_XXXXXX";
        folder = mkdtemp(name.data());
        std::ofstream(file("in")) << "kept";
    }
    ~RunFiles() override { std::filesystem::remove_all(folder); }

    std::string file(const char* name) const { return folder / name; }
    void expect_refused(const std::vector<std::string>& files, const char* complaint) {
        std::vector<std::string> arguments = {"run"};
        arguments.insert(arguments.end(), files.begin(), files.end());
        const auto run = run_program(arguments);
        EXPECT_EQ(run.exit_code, 2);
        EXPECT_EQ(run.out, "");
        EXPECT_THAT(run.err, StartsWith(std::string("ringside run: ") + complaint));
        EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
        std::string content;
        std::getline(std::ifstream(file("in")), content);
        EXPECT_EQ(content, "kept");
        EXPECT_FALSE(std::filesystem::exists(file("out")));
    }

    std::filesystem::path folder;
};

TEST_F(RunFiles, OfWhichTwoAreTheSameAreRefusedBeforeAnythingIsWritten) {
    const std::string in = file("in");
    const std::string out = file("out");
    expect_refused({"--file", in, "--trace", in}, "--file and --trace are the same file: ");
    expect_refused({"--file", in, "--record", in}, "--file and --record are the same file: ");
    expect_refused({"--trace", out, "--vcd", out}, "--trace and --vcd are the same file: ");
    expect_refused({"--trace", out, "--record", out}, "--record and --trace are the same file: ");
    expect_refused({"--vcd", out, "--record", out}, "--record and --vcd are the same file: ");
}

TEST_F(RunFiles, AreTheSameUnderOtherNamesToo) {
    const std::string in = file("in");
    const std::string out = file("out");
    const std::string detour = folder / "." / "folder" / ".." / "out";
    std::filesystem::create_directory(file("folder"));
    std::filesystem::create_symlink("out", file("to_out"));
    std::filesystem::create_symlink(in, file("to_in"));
    std::filesystem::create_hard_link(in, file("in_too"));
    expect_refused({"--trace", detour, "--vcd", out}, "--trace and --vcd");
    expect_refused({"--record", file("to_out"), "--trace", out}, "--record and --trace");
    expect_refused({"--file", in, "--record", file("to_in")}, "--file and --record");
    expect_refused({"--file", in, "--record", file("in_too")}, "--file and --record");
}

}  // namespace
}  // namespace ringside::testing
