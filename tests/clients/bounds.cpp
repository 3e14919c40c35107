// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// What asynchronous programs must gain on the device, each as a ratio of two measurements beside
// its bound; docs/performance.md keeps the table that this prints. Both are made in turns, and of
// each the best counts: a disturbance only ever adds. In paced time: the chip's latencies are felt.

#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string_view>
#include <thread>

#include "haproxy.hpp"
#include "speed.hpp"
#include "tls_load.hpp"

namespace ringside::testing {
namespace {

constexpr const char* module_folder = RINGSIDE_MODULE_FOLDER;

std::string delay(unsigned ns) {
    return "RINGSIDE_FAULTS=delay_completion,value=" + std::to_string(ns) + ",count=0";
}

/// Two measurements of a kind, and what one is of the other.
struct Ratio {
    double over;
    double under;
    const char* unit;

    double value() const { return over / under; }
    std::string text() const { return fmt::format("{:.5g} / {:.5g} {}", over, under, unit); }
};

constexpr int rounds = 2;

/// The best rates of both, measured in turns.
template <typename Over, typename Under>
Ratio in_turns(const char* unit, Over&& over, Under&& under) {
    Ratio best{0, 0, unit};
    for (int round = 0; round < rounds; ++round) {
        best.over = std::max(best.over, over());
        best.under = std::max(best.under, under());
    }
    return best;
}

// ---- openssl speed ----

SpeedReport measure(SpeedRun speed) {
    speed.module_folder = module_folder;
    speed.seconds = 2;
    speed.knobs.emplace_back("RINGSIDE_TIME=paced");
    SpeedReport report = run(speed);
    if (!report.succeeded || report.lines.empty()) {
        throw std::runtime_error(report.output);
    }
    return report;
}

SpeedRun aes(FrontEnd front_end, unsigned bytes, unsigned jobs,
             std::vector<std::string> knobs = {}) {
    return {.front_end = front_end,
            .what = {"-evp", "aes-128-cbc"},
            .jobs = jobs,
            .bytes = bytes,
            .knobs = std::move(knobs)};
}

Ratio many_jobs_over_one() {
    // With what the standard chip takes for 1 KiB it is 20 us.
    const std::vector<std::string> knobs = {delay(17'500)};
    const auto rate = [&](unsigned jobs) {
        return measure(aes(FrontEnd::provider, 1024, jobs, knobs)).rate();
    };
    return in_turns(
        "operations/s", [&] { return rate(64); }, [&] { return rate(1); });
}

Ratio large_buffers_over_software() {
    return in_turns(
        "operations/s",
        [] { return measure(aes(FrontEnd::provider, 16'384, 64, {"RINGSIDE_HELPERS=1"})).rate(); },
        [] { return measure(aes(FrontEnd::none, 16'384, 0)).rate(); });
}

Ratio rsa_over_software(unsigned helpers) {
    const std::string knob = "RINGSIDE_HELPERS=" + std::to_string(helpers);
    const auto rsa = [](FrontEnd front_end, unsigned jobs, std::vector<std::string> knobs) {
        return measure({.front_end = front_end,
                        .what = {"rsa2048"},
                        .jobs = jobs,
                        .knobs = std::move(knobs)})
            .rate();
    };
    return in_turns(
        "signatures/s", [&] { return rsa(FrontEnd::provider, 64, {knob}); },
        [&] { return rsa(FrontEnd::none, 0, {}) * helpers; });
}

/// 512 jobs over a ring of `entries`, on a chip whose slices are the bottleneck.
struct OverRing {
    double rate = 0;
    double cpu_us_per_operation = 0;
    Ratio futile_per_slot{};
};
bool is_slower(const OverRing& one, const OverRing& other) {
    return one.rate < other.rate;
}
OverRing over_ring(unsigned entries) {
    const ScratchFolder scratch;
    const auto report = measure(
        aes(FrontEnd::provider, 1024, 512,
            {"RINGSIDE_CHIP=slow-slices", "RINGSIDE_RING_ENTRIES=" + std::to_string(entries),
             "RINGSIDE_STATS=" + scratch.statistics()}));
    const auto freed = static_cast<double>(scratch.counted("submissions_accepted"));
    const auto refused = static_cast<double>(scratch.counted("submissions_refused_ring_full"));
    const auto waited = static_cast<double>(scratch.counted("slots_handed_to_waiters"));
    return {report.rate(), report.cpu_seconds / freed * 1e6, {refused - waited, freed, ""}};
}

// ---- HAProxy ----

double requests_a_second(bool engine, bool async) {
    const ScratchFolder scratch;
    // Without ciphers: the records after the handshake are synchronous, and no gain. What the chip
    // computes for RSA should not wait for the thread that simulates it.
    Haproxy server(scratch, {.module_folder = module_folder,
                             .engine = engine,
                             .async = async,
                             .certificate = "rsa",
                             .knobs = {"RINGSIDE_ALGORITHMS=RSA,ECDH,X25519", "RINGSIDE_TIME=paced",
                                       "RINGSIDE_HELPERS=1", delay(1'000'000)}});
    const auto outcome = run(TlsLoad{.port = server.port(), .requests = async ? 40u : 5u});
    if (outcome.failed != 0 || server.end() != 0 ||
        scratch.counted("operations") < outcome.answered) {
        throw std::runtime_error(outcome.first_failure + scratch.read("haproxy.log"));
    }
    return outcome.answered / outcome.seconds;
}

Ratio haproxy_async_over_sync(bool engine) {
    return in_turns(
        "requests/s", [&] { return requests_a_second(engine, true); },
        [&] { return requests_a_second(engine, false); });
}

// ---- the table ----

struct Row {
    std::string name;
    Ratio measured;
    double bound;
    bool at_most = false;

    bool holds() const { return at_most ? measured.value() <= bound : measured.value() >= bound; }
};

struct Measurement {
    const char* name;
    std::function<std::vector<Row>()> rows;
};

std::vector<Measurement> all_measurements() {
    return {
        {"haproxy",
         [] {
             return std::vector<Row>{
                 {"HAProxy, 64 clients, 1 ms: ssl-mode-async over synchronous, provider",
                  haproxy_async_over_sync(false), 8},
                 {"HAProxy, 64 clients, 1 ms: ssl-mode-async over synchronous, ENGINE",
                  haproxy_async_over_sync(true), 2.5}};
         }},
        {"speed",
         [] {
             return std::vector<Row>{
                 {"speed, AES 1 KiB, 20 us: 64 jobs over 1", many_jobs_over_one(), 20},
                 {"speed, AES 16 KiB: 64 jobs over software", large_buffers_over_software(), 0.9}};
         }},
        {"rsa",
         [] {
             return std::vector<Row>{
                 {"speed, RSA-2048 signatures: 64 jobs over software, for each of 2 helpers",
                  rsa_over_software(2), 0.85}};
         }},
        {"ring",
         [] {
             OverRing small;
             OverRing large;
             for (int round = 0; round < rounds; ++round) {
                 small = std::max(small, over_ring(8), is_slower);
                 large = std::max(large, over_ring(1024), is_slower);
             }
             return std::vector<Row>{
                 {"slow-slices, 512 jobs: throughput, a ring of 8 over one of 1,024",
                  {small.rate, large.rate, "operations/s"},
                  0.8},
                 {"slow-slices, 512 jobs, a ring of 8: futile retries for each freed slot",
                  small.futile_per_slot, 1, true},
                 {"slow-slices, 512 jobs: CPU time of an operation, a ring of 8 over one of 1,024",
                  {small.cpu_us_per_operation, large.cpu_us_per_operation, "us"},
                  1.5,
                  true}};
         }},
    };
}

}  // namespace
}  // namespace ringside::testing

int main(int argc, char** argv) {
    using namespace ringside::testing;
    const std::vector<std::string_view> chosen(argv + 1, argv + argc);
    const auto measurements = all_measurements();
    for (const std::string_view name : chosen) {
        if (std::none_of(measurements.begin(), measurements.end(),
                         [&](const Measurement& each) { return name == each.name; })) {
            std::cerr << argv[0] << ": no measurement '" << name
                      << "'; there are haproxy, speed, rsa, "
                      << "ring; without a name, all\n";
            return 2;
        }
    }
    std::cout << fmt::format(
        "{} cores\n\n| what | measured | ratio | must be | holds |\n|---|---|--:|--:|---|\n",
        std::thread::hardware_concurrency());
    try {
        for (const Measurement& each : measurements) {
            if (!chosen.empty() &&
                std::find(chosen.begin(), chosen.end(), each.name) == chosen.end()) {
                continue;
            }
            for (const Row& row : each.rows()) {
                std::cout << fmt::format("| {} | {} | {:.2f} | {} {} | {} |\n", row.name,
                                         row.measured.text(), row.measured.value(),
                                         row.at_most ? "<=" : ">=", row.bound,
                                         row.holds() ? "yes" : "no")
                          << std::flush;
            }
        }
    } catch (const std::exception& error) {
        std::cerr << argv[0] << ": " << error.what() << '\n';
        return 1;
    }
    return 0;
}
