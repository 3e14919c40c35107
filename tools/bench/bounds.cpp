// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "bounds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "measure.hpp"

namespace ringside::tools::bench {
namespace {

enum class Sense : std::uint8_t { at_most, at_least };

struct Bound {
    std::string name;
    double measured;
    Sense sense;
    double bound;
    std::string unit;

    bool holds() const { return sense == Sense::at_most ? measured <= bound : measured >= bound; }
};

/// 62 queue pairs with 8 requests each: as many in flight with any number of them.
constexpr std::uint32_t total_in_flight = 496;
constexpr std::uint32_t flat_burst = 8;
constexpr std::uint32_t deep_burst = 250;  ///< so that helpers need not be waited for often

/// Of what takes long by itself.
constexpr unsigned long_rounds = 3;

constexpr double virtual_overhead_ns = 150;
constexpr double live_overhead_ns = 250;
constexpr double flat = 1.2;
constexpr double zero_copy = 1.1;
constexpr double thread_scaling = 1.2;
constexpr double growth_kib = 1024;

std::uint64_t resident_kib() {
    std::ifstream file("/proc/self/statm");
    std::uint64_t total = 0;
    std::uint64_t resident = 0;
    file >> total >> resident;
    return resident * 4;
}

class Measurements {
  public:
    explicit Measurements(const BoundsSettings& settings) : settings_(settings) {}

    std::vector<Bound> run() {
        overheads();
        cores();
        queue_pairs();
        run_lengths();
        imported_memory();
        threads();
        return std::move(bounds_);
    }

  private:
    static Point point(std::uint32_t buffer_size) {
        return {.algorithm = &algorithms_offered().front(),
                .buffer_size = buffer_size,
                .burst = 32,
                .depth = 64,
                .queue_pairs = 1,
                .ring_size = 128};
    }
    Settings base() const {
        Settings settings;
        settings.seed = settings_.seed;
        settings.operations = settings_.operations;
        settings.moderation_count = 32;
        return settings;
    }
    void add(std::string name, double measured, Sense sense, double bound, std::string unit) {
        bounds_.push_back({std::move(name), measured, sense, bound, std::move(unit)});
    }

    /// The best of some rounds: a disturbance only ever adds.
    template <typename Measure>
    double best(Measure&& measure_once) const {
        double best = std::numeric_limits<double>::max();
        for (unsigned round = 0; round < settings_.rounds; ++round) {
            best = std::min(best, measure_once());
        }
        return best;
    }

    /// The best of so many rounds of each, in turns: a machine that is slow for a while is so for
    /// all of them.
    template <typename Each, typename Measure>
    static std::vector<double> best_of_each(unsigned rounds, const Each& each,
                                            Measure&& measure_once) {
        std::vector<double> best(std::size(each), std::numeric_limits<double>::max());
        for (unsigned round = 0; round < rounds; ++round) {
            auto* least = best.data();
            for (const auto& one : each) {
                *least = std::min(*least, measure_once(one));
                ++least;
            }
        }
        return best;
    }
    static double most_by_least(const std::vector<double>& costs) {
        const auto [least, most] = std::minmax_element(costs.begin(), costs.end());
        return *most / *least;
    }

    /// Of an operation, in ns: in virtual time what no other process can add to.
    static double cost(const Settings& settings, const Point& point) {
        const Result result = measure(settings, point);
        return settings.time == TimeKind::virtual_time && settings.helpers == 0
                   ? result.cpu_ns_per_operation()
                   : result.wall_ns_per_operation();
    }

    struct Beside {
        double ours;
        double libcrypto;
    };
    /// In turns.
    Beside beside_libcrypto(const Settings& settings, const Point& point) const {
        double libcrypto = std::numeric_limits<double>::max();
        const double ours = best([&] {
            libcrypto =
                std::min(libcrypto, measure_libcrypto(point, settings.operations, settings.seed));
            return cost(settings, point);
        });
        return {ours, libcrypto};
    }

    void overheads() {
        for (const TimeKind time : {TimeKind::virtual_time, TimeKind::live}) {
            for (const std::uint32_t size : {64u, 1024u}) {
                Settings settings = base();
                settings.time = time;
                const Beside wall = beside_libcrypto(settings, point(size));
                add(fmt::format("overhead above the cipher, {} bytes, {} time", size,
                                name_of(time)),
                    wall.ours - wall.libcrypto, Sense::at_most,
                    time == TimeKind::virtual_time ? virtual_overhead_ns : live_overhead_ns,
                    "ns/operation");
            }
        }
    }

    void cores() {
        const unsigned cores = std::max(std::thread::hardware_concurrency(), 1u);
        Settings settings = base();
        settings.helpers = std::min(cores - 1, core::max_helpers);
        settings.moderation_count = deep_burst;
        Point load = point(1024);
        load.depth = 2 * deep_burst;
        load.burst = deep_burst;
        load.ring_size = 512;
        const Beside wall = beside_libcrypto(settings, load);
        const double wanted = cores >= 4 ? 2.5 : cores >= 2 ? 1.3 : 0;
        add(fmt::format("1 KiB with {} helpers, {} at a time, against libcrypto on one core",
                        settings.helpers, load.depth),
            wall.libcrypto / wall.ours, Sense::at_least, wanted, "times");
    }

    void queue_pairs() {
        Settings settings = base();
        settings.chip = core::find_chip("server");
        settings.moderation_count = flat_burst;
        constexpr std::uint32_t counts[] = {1, 2, 8, 31, 62};
        const auto costs = best_of_each(settings_.rounds, counts, [&](std::uint32_t count) {
            Point load = point(1024);
            load.queue_pairs = count;
            load.depth = total_in_flight / count;
            load.burst = flat_burst;
            load.ring_size = 512;
            return cost(settings, load);
        });
        add("time per operation, 1 to 62 queue pairs, most by least", most_by_least(costs),
            Sense::at_most, flat, "times");
    }

    void run_lengths() {
        Settings settings = base();
        const std::uint64_t lengths[] = {std::max<std::uint64_t>(settings_.operations / 20, 1),
                                         std::max<std::uint64_t>(settings_.operations / 2, 1),
                                         settings_.operations * 5, settings_.operations * 50};
        const auto measure_length = [&](std::uint64_t operations) {
            settings.operations = operations;
            return cost(settings, point(1024));
        };
        measure_length(lengths[1]);
        const std::uint64_t before = resident_kib();
        const auto costs =
            best_of_each(std::min(settings_.rounds, long_rounds), lengths, measure_length);
        const std::uint64_t after = resident_kib();
        add(fmt::format("time per operation, {} to {} operations, most by least", lengths[0],
                        lengths[3]),
            most_by_least(costs), Sense::at_most, flat, "times");
        add(fmt::format("memory grown in {} operations", settings.operations),
            after > before ? static_cast<double>(after - before) : 0, Sense::at_most, growth_kib,
            "KiB");
    }

    /// The caller's memory costs no more than memory of the driver that nobody fills.
    void imported_memory() {
        Settings settings = base();
        settings.operations = std::max<std::uint64_t>(settings_.operations / 10, 1);
        double imported = std::numeric_limits<double>::max();
        const double pool = best([&] {
            settings.memory = Memory::caller;
            imported = std::min(imported, cost(settings, point(16384)));
            settings.memory = Memory::pool;
            return cost(settings, point(16384));
        });
        add("16 KiB in the caller's memory against the driver's own", imported / pool,
            Sense::at_most, zero_copy, "times");
    }

    void threads() {
        const unsigned cores = std::max(std::thread::hardware_concurrency(), 1u);
        Settings settings = base();
        settings.time = TimeKind::live;
        settings.completions = driver::CompletionMode::poll;
        Point one = point(64);
        Point many = one;
        many.queue_pairs = std::min(std::max(cores - 1, 1u), 7u);
        double single = std::numeric_limits<double>::max();
        const double each = best([&] {
            single = std::min(single, measure(settings, one).driver_cpu_ns_per_operation());
            return measure(settings, many).driver_cpu_ns_per_operation();
        });
        add(fmt::format("the driver's CPU time per operation, {} threads against one",
                        many.queue_pairs),
            each / single, Sense::at_most, thread_scaling, "times");
    }

    const BoundsSettings& settings_;
    std::vector<Bound> bounds_;
};

void print_json(const std::vector<Bound>& bounds) {
    auto json = nlohmann::ordered_json::array();
    for (const Bound& bound : bounds) {
        json.push_back({{"name", bound.name},
                        {"measured", bound.measured},
                        {"sense", bound.sense == Sense::at_most ? "at most" : "at least"},
                        {"bound", bound.bound},
                        {"unit", bound.unit},
                        {"holds", bound.holds()}});
    }
    fmt::print("{}\n", json.dump(2));
}

void print_table(const std::vector<Bound>& bounds) {
    fmt::print("| {:<68} | {:>9} | {:>17} | {:<12} | holds |\n", "", "measured", "bound", "unit");
    fmt::print("|{:-<70}|{:->10}:|{:->18}:|{:-<14}|-------|\n", "", "", "", "");
    for (const Bound& bound : bounds) {
        fmt::print("| {:<68} | {:>9.2f} | {:>8} {:>8.2f} | {:<12} | {:<5} |\n", bound.name,
                   bound.measured, bound.sense == Sense::at_most ? "at most" : "at least",
                   bound.bound, bound.unit, bound.holds() ? "yes" : "no");
    }
}

}  // namespace

bool measure_bounds(const BoundsSettings& settings) {
    const auto bounds = Measurements(settings).run();
    if (settings.format == Format::json) {
        print_json(bounds);
    } else {
        print_table(bounds);
    }
    return std::all_of(bounds.begin(), bounds.end(),
                       [](const Bound& bound) { return bound.holds(); });
}

}  // namespace ringside::tools::bench
