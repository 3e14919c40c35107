// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The ASYNC API, ours and libcrypto's, side by side: every operation on both, their repetitions in
// random order, medians and their ratio against its bound. A table, or JSON. What it finds is no
// reason to fail: the exit code is 0 when everything was measured, 1 when not.

#include <fmt/format.h>
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "memory.hpp"
#include "operations.hpp"

namespace ringside::bench {
namespace {

struct Options {
    bool json = false;
    std::string filter;
    int repetitions = 21;
    double seconds = 0.01;
};

struct Row {
    std::string operation;
    Size size;
    const char* unit;
    double ours;
    double libcrypto;
    double bound;

    double ratio() const { return ours / libcrypto; }
    bool holds() const { return ratio() <= bound; }
};

/// Keeps the time of each repetition, in nanoseconds, by benchmark.
class Collector : public benchmark::BenchmarkReporter {
  public:
    bool ReportContext(const Context& /*context*/) override { return true; }
    void ReportRuns(const std::vector<Run>& runs) override {
        for (const Run& run : runs) {
            if (run.run_type == Run::RT_Iteration) {
                const bool timed = !run.run_name.time_type.empty();
                times_[run.run_name.function_name].push_back(timed ? run.GetAdjustedRealTime()
                                                                   : run.GetAdjustedCPUTime());
            }
        }
    }

    double median(const std::string& name) {
        std::vector<double>& times = times_.at(name);
        const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
        std::nth_element(times.begin(), middle, times.end());
        return *middle;
    }

  private:
    std::map<std::string, std::vector<double>> times_;
};

class Measurement {
  public:
    explicit Measurement(const Options& options)
        : options_(options), libcrypto_(testing::load_libcrypto()) {}

    const char* version() const { return libcrypto_.version; }

    std::vector<Row> rows() {
        std::vector<Row> rows;
        // First, while the heap is untouched.
        constexpr std::size_t jobs = 4096;
        const std::string memory = "resident memory of a paused job";
        if (wanted(memory)) {
            rows.push_back({memory,
                            {1, jobs},
                            "B",
                            resident_bytes_per_job(ours_, jobs),
                            resident_bytes_per_job(libcrypto_.async, jobs),
                            1.0});
        }
        for (const Operation& operation : all_operations()) {
            if (wanted(operation.name)) {
                rows.push_back(measure(operation));
            }
        }
        return rows;
    }

  private:
    bool wanted(const std::string& name) const {
        return name.find(options_.filter) != std::string::npos;
    }

    Row measure(const Operation& operation) {
        const std::string name = fmt::format("{}", ++measured_);
        const std::array<const testing::AsyncApi*, 2> both{&ours_, &libcrypto_.async};
        for (const testing::AsyncApi* api : both) {
            auto* registered = benchmark::RegisterBenchmark(
                fmt::format("{}_{}", name, api->name).c_str(), [api, operation](auto& state) {
                    Loop loop(state);
                    operation.body(*api, operation.size, loop);
                });
            registered->MinTime(options_.seconds)->Repetitions(options_.repetitions);
            if (operation.timed) {
                registered->UseManualTime();
            }
        }
        Collector collector;
        benchmark::RunSpecifiedBenchmarks(&collector, "^" + name + "_");
        const auto median = [&](const testing::AsyncApi& api) {
            return collector.median(fmt::format("{}_{}", name, api.name)) /
                   static_cast<double>(operation.batch);
        };
        return {operation.name, operation.size,           "ns",
                median(ours_),  median(libcrypto_.async), operation.bound};
    }

    const Options& options_;
    testing::Libcrypto libcrypto_;
    testing::AsyncApi ours_ = testing::ringside_async();
    int measured_ = 0;
};

void print_table(const std::vector<Row>& rows, const char* version) {
    fmt::print("ringside_async beside {}: medians, ns or resident bytes of one operation\n\n",
               version);
    fmt::print("| {:<42} | {:>3} | {:>4} | {:>8} | {:>9} | {:>5} | {:>5} | {:<5} |\n", "operation",
               "fds", "jobs", "ours", "libcrypto", "ratio", "bound", "holds");
    fmt::print("|-{:-<42}-|-{:->3}:|-{:->4}:|-{:->8}:|-{:->9}:|-{:->5}:|-{:->5}:|-{:-<5}-|\n", "",
               "--", "---", "-------", "--------", "----", "----", "");
    for (const Row& row : rows) {
        fmt::print(
            "| {:<42} | {:>3} | {:>4} | {:>8.1f} | {:>9.1f} | {:>5.2f} | {:>5.2f} | {:<5} |\n",
            row.operation, row.size.fds, row.size.jobs, row.ours, row.libcrypto, row.ratio(),
            row.bound, row.holds() ? "yes" : "NO");
    }
    const auto holding =
        std::count_if(rows.begin(), rows.end(), [](const Row& row) { return row.holds(); });
    fmt::print("\n{} of {} bounds hold\n", holding, rows.size());
}

void print_json(const std::vector<Row>& rows, const char* version) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Row& row : rows) {
        list.push_back({{"operation", row.operation},
                        {"fds", row.size.fds},
                        {"jobs", row.size.jobs},
                        {"unit", row.unit},
                        {"ours", row.ours},
                        {"libcrypto", row.libcrypto},
                        {"ratio", row.ratio()},
                        {"bound", row.bound},
                        {"holds", row.holds()}});
    }
    const nlohmann::ordered_json document{{"libcrypto", version}, {"rows", list}};
    std::cout << document.dump(2) << '\n';
}

int run(int argc, char** argv) {
    Options options;
    CLI::App app("The ASYNC API, ours and libcrypto's, measured side by side");
    app.add_flag("--json", options.json, "print JSON");
    app.add_option("--filter", options.filter, "only operations whose name contains this");
    app.add_option("--repetitions", options.repetitions, "of each operation; the median counts")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    app.add_option("--seconds", options.seconds, "at least, for a repetition")
        ->check(CLI::Range(0.0001, 10.0))
        ->capture_default_str();
    CLI11_PARSE(app, argc, argv);

    std::string program = "ringside_async_benchmark";
    std::string interleaving = "--benchmark_enable_random_interleaving=true";
    std::array<char*, 3> arguments{program.data(), interleaving.data(), nullptr};
    int count = 2;
    benchmark::Initialize(&count, arguments.data());

    if (mallopt(M_ARENA_MAX, 1) == 0) {
        throw std::runtime_error("mallopt failed");
    }
    Measurement measurement(options);
    const std::vector<Row> rows = measurement.rows();
    (options.json ? print_json : print_table)(rows, measurement.version());
    return 0;
}

}  // namespace
}  // namespace ringside::bench

int main(int argc, char** argv) {
    try {
        return ringside::bench::run(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "ringside_async_benchmark: " << error.what() << '\n';
        return 1;
    }
}
