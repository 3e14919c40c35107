// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// `ringside bench` as a user runs it: its columns, sweeps, tests and formats, what is the same on
// every host, and how it answers wrong input. Nothing here looks at wall time.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "program.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::testing {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

ProcessResult bench(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "bench");
    return run_program(arguments);
}

/// The rows of `ringside bench --json` with these further arguments; the run must succeed.
json results_of(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--json", "--operations", "300"});
    const auto run = bench(arguments);
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_EQ(run.err, "");
    return json::parse(run.out, nullptr, false).at("results");
}

template <typename Value>
std::vector<Value> column(const json& rows, const char* name) {
    std::vector<Value> values;
    for (const json& row : rows) {
        values.push_back(row.at(name).get<Value>());
    }
    return values;
}

/// Without what the host adds.
json simulated(json rows) {
    for (json& row : rows) {
        for (const char* host : {"cycles_per_buffer", "wall_ns_per_buffer", "wall_ns"}) {
            EXPECT_EQ(row.erase(host), 1u) << host;
        }
    }
    return rows;
}

TEST(Bench, EveryOperationIsEnqueuedAndDequeuedOnce) {
    const auto row = results_of({"--buffer-size", "1024"}).at(0);
    EXPECT_EQ(row.at("enqueued"), 300);
    EXPECT_EQ(row.at("dequeued"), 300);
    EXPECT_EQ(row.at("failed_enq"), 0);
    EXPECT_EQ(row.at("failed_deq"), 0);
}

TEST(Bench, RatesFollowFromOperationsAndSimulatedTime) {
    const auto row = results_of({"--buffer-size", "1024"}).at(0);
    const double mops = 300e3 / row.at("simulated_ns").get<double>();
    EXPECT_NEAR(row.at("mops"), mops, 1e-3 * mops);
    EXPECT_NEAR(row.at("gbps"), mops * 1024 * 8 / 1e3, 1e-3 * mops * 8.2);
    EXPECT_LE(row.at("latency_p50_ns"), row.at("latency_p99_ns"));
    EXPECT_LE(row.at("latency_p99_ns"), row.at("latency_p999_ns"));
    EXPECT_GT(row.at("latency_p50_ns"), 0);
}

TEST(Bench, UnloadedLatencyIsThatOfTheStages) {
    // Standard chip, datasheet "Time": doorbell 100, fetch 500, read 600 + 64 B at 63 ps, slice
    // 400 + 64 B at 250 ps, write 300 + 64 B at 63 ps, completion 150.
    const auto row =
        results_of({"--ptest", "latency", "--buffer-size", "64", "--depth", "1"}).at(0);
    EXPECT_EQ(row.at("latency_min_ns"), 2074);
    EXPECT_EQ(row.at("latency_max_ns"), 2074);
    EXPECT_EQ(row.at("latency_avg_ns"), 2074);
}

TEST(Bench, MoreRequestsThanTheRingTakesAreRefusedAndDoneLater) {
    const auto row = results_of({"--buffer-size", "64", "--ring-size", "8", "--depth", "32"}).at(0);
    EXPECT_GT(row.at("failed_enq"), 0);
    EXPECT_EQ(row.at("dequeued"), 300);
}

TEST(Bench, SweepsTakeRangesAndListsInEveryCombination) {
    const auto rows = results_of({"--buffer-size", "64:64:256", "--queue-pairs", "1,3",
                                  "--ring-size", "16", "--depth", "8", "--burst", "2"});
    EXPECT_THAT(column<int>(rows, "buffer_size"),
                ElementsAre(64, 64, 128, 128, 192, 192, 256, 256));
    EXPECT_THAT(column<int>(rows, "queue_pairs"), ElementsAre(1, 3, 1, 3, 1, 3, 1, 3));
    EXPECT_EQ(rows.at(1).at("dequeued"), 300);
}

TEST(Bench, TakesTheNamesOfDpdkToo) {
    const auto rows = results_of({"--buffer-sz", "64", "--burst-sz", "4", "--desc-nb", "32"});
    EXPECT_EQ(rows.at(0).at("burst"), 4);
    EXPECT_EQ(rows.at(0).at("ring_size"), 32);
}

TEST(Bench, VerifiesEveryAlgorithmAgainstLibcrypto) {
    const std::string algorithms =
        "aes-128-cbc,aes-192-cbc,aes-256-cbc,aes-128-ctr,aes-256-ctr,aes-128-xts,aes-256-xts,"
        "aes-128-gcm,aes-256-gcm,chacha20-poly1305,sha256,sha384,sha512,sha3-256,hmac-sha256,"
        "hmac-sha512";
    const auto rows = results_of({"--ptest", "verify", "--buffer-size", "48,1040", "--algorithm",
                                  algorithms, "--seed", std::to_string(seed())});
    EXPECT_EQ(rows.size(), 32u);
    for (const json& row : rows) {
        EXPECT_EQ(row.at("wrong"), 0) << row.at("algorithm");
        EXPECT_EQ(row.at("failed_deq"), 0) << row.at("algorithm");
    }
}

TEST(Bench, SeedFixesAllThatIsSimulatedWithAnyNumberOfHelpers) {
    const auto run = [](const char* seed, const char* helpers) {
        return simulated(results_of({"--buffer-size", "64,1024", "--queue-pairs", "2", "--seed",
                                     seed, "--helpers", helpers}));
    };
    const auto first = run("7", "0");
    EXPECT_EQ(run("7", "0"), first);
    EXPECT_EQ(run("7", "3"), first);
    EXPECT_NE(run("8", "0").at(0).at("trace_hash"), first.at(0).at("trace_hash"));
}

class BenchModes : public ::testing::TestWithParam<std::tuple<const char*, const char*>> {};

TEST_P(BenchModes, CompleteAndVerify) {
    const auto [time, completions] = GetParam();
    const auto row =
        results_of({"--time", time, "--completions", completions, "--queue-pairs", "2", "--memory",
                    "caller", "--moderation", "4", "--ptest", "verify", "--buffer-size", "1024"})
            .at(0);
    EXPECT_EQ(row.at("dequeued"), 300);
    EXPECT_EQ(row.at("wrong"), 0);
}

INSTANTIATE_TEST_SUITE_P(Bench, BenchModes,
                         ::testing::Combine(::testing::Values("virtual", "live"),
                                            ::testing::Values("interrupt", "adaptive", "poll")),
                         [](const auto& mode) {
                             return std::string(std::get<0>(mode.param)) + "_" +
                                    std::get<1>(mode.param);
                         });

TEST(Bench, ModerationSavesInterrupts) {
    const auto interrupts = [](const char* count) {
        return results_of({"--buffer-size", "64", "--moderation", count})
            .at(0)
            .at("interrupts")
            .get<int>();
    };
    EXPECT_LT(interrupts("16"), interrupts("0") / 4);
}

TEST(Bench, ModerationIsLimitedInTime) {
    const auto simulated_ns = [](const char* microseconds) {
        return results_of({"--buffer-size", "64", "--depth", "64", "--moderation", "255",
                           "--moderation-us", microseconds})
            .at(0)
            .at("simulated_ns")
            .get<double>();
    };
    EXPECT_GT(simulated_ns("400"), 3 * simulated_ns("100"));  // each burst waits for it
}

TEST(Bench, CsvHasAHeaderAndTheSameValues) {
    const auto run = bench({"--csv", "--operations", "300", "--buffer-size", "64"});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    std::istringstream lines(run.out);
    std::string header;
    std::string row;
    std::string end;
    std::getline(lines, header);
    std::getline(lines, row);
    EXPECT_EQ(
        header,
        "algorithm,buffer_size,burst,depth,queue_pairs,ring_size,enqueued,dequeued,failed_enq,"
        "failed_deq,mops,gbps,latency_p50_ns,latency_p99_ns,latency_p999_ns,"
        "cycles_per_buffer,wall_ns_per_buffer");
    EXPECT_THAT(row, StartsWith("aes-128-cbc,64,32,64,1,128,300,300,0,0,"));
    EXPECT_FALSE(std::getline(lines, end));
}

TEST(Bench, TableHasTheColumnsOfDpdk) {
    const auto run = bench({"--operations", "300"});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    for (const char* title : {"Buf Size", "Burst", "Enqueued", "Dequeued", "Failed Enq",
                              "Failed Deq", "MOps", "Gbps", "Cycles/Buf", "p50", "p99", "p99.9"}) {
        EXPECT_THAT(run.out, HasSubstr(title));
    }
}

TEST(Bench, PrintsEveryBoundWithWhatWasMeasured) {
    const auto run =
        bench({"--bounds", "--bounds-operations", "200", "--bounds-rounds", "1", "--json"});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    const json bounds = json::parse(run.out, nullptr, false);
    EXPECT_EQ(bounds.size(), 10u);
    for (const json& bound : bounds) {
        const double measured = bound.at("measured");
        const double limit = bound.at("bound");
        EXPECT_EQ(bound.at("holds"),
                  bound.at("sense") == "at most" ? measured <= limit : measured >= limit);
    }
}

struct Wrong {
    std::vector<std::string> arguments;
    const char* complaint;
};

class WrongBench : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongBench, IsAnsweredInOneLineWithExitCodeTwo) {
    const auto run = bench(GetParam().arguments);
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_EQ(run.out, "");
    EXPECT_THAT(run.err, StartsWith("ringside bench: "));
    EXPECT_THAT(run.err, HasSubstr(GetParam().complaint));
    EXPECT_EQ(run.err.find('\n'), run.err.size() - 1);
}

INSTANTIATE_TEST_SUITE_P(
    Bench, WrongBench,
    ::testing::Values(
        Wrong{{"--buffer-size", "0"}, "'0' is not allowed: a number from 1 to 1048576"},
        Wrong{{"--buffer-size", "64:0:128"}, "'64:0:128' is not allowed"},
        Wrong{{"--buffer-size", "128:1:64"}, "'128:1:64' is not allowed"},
        Wrong{{"--buffer-size", "64,"}, "'64,' is not allowed"},
        Wrong{{"--burst", "4294967296"}, "'4294967296' is not allowed"},
        Wrong{{"--ring-size", "100"}, "'100' is not allowed: a power of two from 2 to 4096"},
        Wrong{{"--queue-pairs", "1:2"}, "a range min:inc:max"},
        Wrong{{"--algorithm", "rot13"}, "'rot13' is not allowed: one of aes-128-cbc"},
        Wrong{{"--ptest", "pmd"}, "one of throughput, latency, verify"},
        Wrong{{"--moderation-us", "0"}, "'0' is not allowed: a number from 1 to 65535"},
        Wrong{{"--helpers", "4"}, "'4' is not allowed: a number from 0 to 3"},
        Wrong{{"--operations", "0"}, "'0' is not allowed"},
        Wrong{{"--seed", "18446744073709551616"},
              "'18446744073709551616' is not allowed: a number from 0 to 18446744073709551615"},
        Wrong{{"--moderation-us", "65536"}, "'65536' is not allowed: a number from 1 to 65535"},
        Wrong{{"--csv", "--json"}, "--json"},
        Wrong{{"--buffer-size", "65"}, "aes-128-cbc takes buffers of a multiple of 16 bytes"},
        Wrong{{"--queue-pairs", "8"}, "chip standard has 7 queue pairs"},
        Wrong{{"--chip", "edge", "--ring-size", "512"}, "chip edge has 2 queue pairs of up to 256"},
        Wrong{{"--require-bounds"}, "--bounds"},
        Wrong{{"--bounds", "--csv", "--bounds-operations", "200", "--bounds-rounds", "1"},
              "--bounds takes no --csv"},
        Wrong{{"--bounds", "--time", "live", "--bounds-operations", "200", "--bounds-rounds", "1"},
              "--bounds takes no --time"},
        Wrong{
            {"--bounds", "--buffer-sz", "64", "--bounds-operations", "200", "--bounds-rounds", "1"},
            "--bounds takes no --buffer-size"}));

}  // namespace
}  // namespace ringside::testing
