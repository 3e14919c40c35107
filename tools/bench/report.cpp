// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "report.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace ringside::tools::bench {
namespace {

using Json = nlohmann::ordered_json;

/// One column, for all three formats.
struct Column {
    const char* title;  ///< of the table
    const char* key;    ///< of CSV and JSON
    int width;
    std::function<Json(const Result&)> value;
};

/// Four places are enough, and the same on all machines.
Json rounded(double value) {
    return std::stod(fmt::format("{:.4f}", value));
}

std::vector<Column> columns_of(PerfTest test) {
    std::vector<Column> columns = {
        {"Algorithm", "algorithm", 17,
         [](const Result& r) { return std::string(r.point.algorithm->name); }},
        {"Buf Size", "buffer_size", 8, [](const Result& r) { return r.point.buffer_size; }},
        {"Burst", "burst", 5, [](const Result& r) { return r.point.burst; }},
        {"Depth", "depth", 5, [](const Result& r) { return r.point.depth; }},
        {"QPs", "queue_pairs", 3, [](const Result& r) { return r.point.queue_pairs; }},
        {"Ring", "ring_size", 4, [](const Result& r) { return r.point.ring_size; }},
        {"Enqueued", "enqueued", 9, [](const Result& r) { return r.counters.enqueued; }},
        {"Dequeued", "dequeued", 9, [](const Result& r) { return r.counters.dequeued; }},
        {"Failed Enq", "failed_enq", 10, [](const Result& r) { return r.counters.failed_enq; }},
        {"Failed Deq", "failed_deq", 10, [](const Result& r) { return r.counters.failed_deq; }},
        {"MOps", "mops", 8, [](const Result& r) { return rounded(r.simulated_mops()); }},
        {"Gbps", "gbps", 9, [](const Result& r) { return rounded(r.simulated_gbps()); }},
        {"p50 ns", "latency_p50_ns", 8, [](const Result& r) { return r.latencies.percentile(.5); }},
        {"p99 ns", "latency_p99_ns", 8,
         [](const Result& r) { return r.latencies.percentile(.99); }},
        {"p99.9 ns", "latency_p999_ns", 8,
         [](const Result& r) { return r.latencies.percentile(.999); }},
    };
    if (test == PerfTest::latency) {
        columns.push_back(
            {"min ns", "latency_min_ns", 8, [](const Result& r) { return r.latencies.least(); }});
        columns.push_back({"avg ns", "latency_avg_ns", 10,
                           [](const Result& r) { return rounded(r.latencies.mean()); }});
        columns.push_back({"max ns", "latency_max_ns", 8,
                           [](const Result& r) { return r.latencies.greatest(); }});
    }
    if (test == PerfTest::verify) {
        columns.push_back({"Wrong", "wrong", 5, [](const Result& r) { return r.counters.wrong; }});
    }
    columns.push_back({"Cycles/Buf", "cycles_per_buffer", 10,
                       [](const Result& r) { return rounded(r.cycles_per_operation()); }});
    columns.push_back({"Wall ns/Buf", "wall_ns_per_buffer", 11,
                       [](const Result& r) { return rounded(r.wall_ns_per_operation()); }});
    return columns;
}

/// What only JSON has.
Json further(const Result& result) {
    return {{"simulated_ns", to_ns(result.simulated)},
            {"wall_ns", result.wall_ns},
            {"interrupts", result.interrupts},
            {"trace_hash", fmt::format("{:016x}", result.trace_hash)}};
}

std::string as_text(const Json& value) {
    return value.is_string()         ? value.get<std::string>()
           : value.is_number_float() ? fmt::format("{:.4f}", value.get<double>())
                                     : value.dump();
}

class TableReport final : public Report {
  public:
    explicit TableReport(const Settings& settings) : columns_(columns_of(settings.test)) {
        fmt::print("chip {}, {} time, {} helpers, {} operations, seed {}\n\n", settings.chip->name,
                   name_of(settings.time), settings.helpers, settings.operations, settings.seed);
        for (const Column& column : columns_) {
            fmt::print("{:>{}} ", column.title, column.width);
        }
        fmt::print("\n");
    }
    void add(const Result& result) override {
        for (const Column& column : columns_) {
            fmt::print("{:>{}} ", as_text(column.value(result)), column.width);
        }
        fmt::print("\n");
        std::fflush(stdout);
    }
    void finish() override {
        fmt::print(
            "\nMOps, Gbps and latencies are simulated: what the modelled chip would do. Cycles and "
            "wall time are this host's.\n");
    }

  private:
    std::vector<Column> columns_;
};

class CsvReport final : public Report {
  public:
    explicit CsvReport(const Settings& settings) : columns_(columns_of(settings.test)) {
        print([](const Column& column) { return std::string(column.key); });
    }
    void add(const Result& result) override {
        print([&](const Column& column) { return as_text(column.value(result)); });
        std::fflush(stdout);
    }
    void finish() override {}

  private:
    template <typename Text>
    void print(Text&& text) const {
        for (const Column& column : columns_) {
            fmt::print("{}{}", &column == columns_.data() ? "" : ",", text(column));
        }
        fmt::print("\n");
    }
    std::vector<Column> columns_;
};

class JsonReport final : public Report {
  public:
    explicit JsonReport(const Settings& settings)
        : columns_(columns_of(settings.test)), json_{{"chip", settings.chip->name},
                                                     {"time", name_of(settings.time)},
                                                     {"helpers", settings.helpers},
                                                     {"operations", settings.operations},
                                                     {"seed", settings.seed},
                                                     {"results", Json::array()}} {}
    void add(const Result& result) override {
        Json row;
        for (const Column& column : columns_) {
            row[column.key] = column.value(result);
        }
        row.update(further(result));
        json_["results"].push_back(std::move(row));
    }
    void finish() override { fmt::print("{}\n", json_.dump(2)); }

  private:
    std::vector<Column> columns_;
    Json json_;
};

}  // namespace

std::unique_ptr<Report> make_report(const Settings& settings, Format format) {
    switch (format) {
        case Format::csv:
            return std::make_unique<CsvReport>(settings);
        case Format::json:
            return std::make_unique<JsonReport>(settings);
        case Format::table:
            break;
    }
    return std::make_unique<TableReport>(settings);
}

}  // namespace ringside::tools::bench
