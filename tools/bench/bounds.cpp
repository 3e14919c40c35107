// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "bounds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
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
constexpr std::uint16_t deep_us = 200;     ///< longer than so many take

/// Operations.
constexpr std::uint64_t short_run = 20'000;

/// Of what takes long by itself.
constexpr unsigned long_rounds = 3;
constexpr unsigned rounds_in_a_row = 4;

constexpr double virtual_overhead_ns = 150;
constexpr double live_overhead_ns = 250;
constexpr double flat = 1.2;
constexpr double zero_copy = 1.1;
constexpr double thread_scaling = 1.2;
constexpr double growth_kib = 1024;

using Side = std::function<double()>;
/// Given the best of each side.
using Judge = std::function<void(const std::vector<double>& best)>;

/// What is measured in turns. A disturbance only ever adds.
struct Comparison {
    std::vector<Side> sides;
    Judge judge;
    unsigned times;  ///< each side, in all rounds together

    std::vector<double> best = std::vector(sides.size(), std::numeric_limits<double>::max());

    /// Of so many rounds, as many of its times as are due before that one.
    std::uint64_t due_before(unsigned round, unsigned rounds) const {
        return std::uint64_t{round} * times / rounds;
    }
    void measure(std::uint64_t in_a_row) {
        for (std::size_t i = 0; i < sides.size(); ++i) {
            for (std::uint64_t n = 0; n < in_a_row; ++n) {
                best[i] = std::min(best[i], sides[i]());
            }
        }
    }
};

class Measurements {
  public:
    explicit Measurements(const BoundsSettings& settings) : settings_(settings) {
        overheads();
        cores();
        queue_pairs();
        run_lengths();
        imported_memory();
        threads();
    }

    /// A few rounds of each comparison, then of each again: a host that is slow for seconds is so
    /// for some rounds of each, not for all of one. In a row, as caches have been others', and
    /// cores that have idled come back one after the other on a virtual machine.
    std::vector<Bound> run() {
        const unsigned rounds = settings_.rounds;
        for (unsigned round = 0; round < rounds; round += rounds_in_a_row) {
            const unsigned next = std::min(round + rounds_in_a_row, rounds);
            for (Comparison& comparison : comparisons_) {
                comparison.measure(comparison.due_before(next, rounds) -
                                   comparison.due_before(round, rounds));
            }
        }
        for (const Comparison& comparison : comparisons_) {
            comparison.judge(comparison.best);
        }
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
    void compare(std::vector<Side> sides, Judge judge) {
        compare(std::move(sides), std::move(judge), settings_.rounds);
    }
    void compare(std::vector<Side> sides, Judge judge, unsigned times) {
        comparisons_.push_back({std::move(sides), std::move(judge), times});
    }
    /// For what needs several cores at a time, which a host gives less often than one, and not for
    /// long: four times as much, in short runs.
    Settings base_of_short_runs() const {
        Settings settings = base();
        settings.operations = std::min(settings.operations, short_run);
        return settings;
    }
    unsigned more_often() const {
        const std::uint64_t runs = std::max<std::uint64_t>(settings_.operations / short_run, 1);
        return static_cast<unsigned>(4 * settings_.rounds * runs);
    }
    void add(std::string name, double measured, Sense sense, double bound, std::string unit) {
        bounds_.push_back({std::move(name), measured, sense, bound, std::move(unit)});
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
    static Side cost_of(const Settings& settings, const Point& point) {
        return [settings, point] { return cost(settings, point); };
    }
    static Side libcrypto_of(const Settings& settings, const Point& point) {
        return [settings, point] {
            return measure_libcrypto(point, settings.operations, settings.seed);
        };
    }

    void overheads() {
        for (const TimeKind time : {TimeKind::virtual_time, TimeKind::live}) {
            for (const std::uint32_t size : {64u, 1024u}) {
                Settings settings = base();
                settings.time = time;
                compare(
                    {cost_of(settings, point(size)), libcrypto_of(settings, point(size))},
                    [this, time, size](const std::vector<double>& best) {
                        add(fmt::format("overhead above the cipher, {} bytes, {} time", size,
                                        name_of(time)),
                            best[0] - best[1], Sense::at_most,
                            time == TimeKind::virtual_time ? virtual_overhead_ns : live_overhead_ns,
                            "ns/operation");
                    });
            }
        }
    }

    void cores() {
        const unsigned cores = std::max(std::thread::hardware_concurrency(), 1u);
        Settings settings = base_of_short_runs();
        settings.helpers = std::min(cores - 1, core::max_helpers);
        settings.moderation_count = deep_burst;
        settings.moderation_us = deep_us;
        Point load = point(1024);
        load.depth = 2 * deep_burst;
        load.burst = deep_burst;
        load.ring_size = 512;
        compare(
            {cost_of(settings, load), libcrypto_of(settings, load)},
            [this, cores, settings, load](const std::vector<double>& best) {
                add(fmt::format(
                        "1 KiB with {} helpers, {} at a time, against libcrypto on one core",
                        settings.helpers, load.depth),
                    best[1] / best[0], Sense::at_least,
                    cores >= 4   ? 2.5
                    : cores >= 2 ? 1.3
                                 : 0,
                    "times");
            },
            more_often());
    }

    void queue_pairs() {
        Settings settings = base();
        settings.chip = core::find_chip("server");
        settings.moderation_count = flat_burst;
        std::vector<Side> sides;
        for (const std::uint32_t count : {1u, 2u, 8u, 31u, 62u}) {
            Point load = point(1024);
            load.queue_pairs = count;
            load.depth = total_in_flight / count;
            load.burst = flat_burst;
            load.ring_size = 512;
            sides.emplace_back(
                [settings, load] { return measure(settings, load).wall_ns_per_operation(); });
        }
        compare(std::move(sides), [this](const std::vector<double>& best) {
            add("wall time per operation, 1 to 62 queue pairs, most by least", most_by_least(best),
                Sense::at_most, flat, "times");
        });
    }

    void run_lengths() {
        const std::uint64_t lengths[] = {std::max<std::uint64_t>(settings_.operations / 20, 1),
                                         std::max<std::uint64_t>(settings_.operations / 2, 1),
                                         settings_.operations * 5, settings_.operations * 50};
        std::vector<Side> sides;
        for (const std::uint64_t operations : lengths) {
            sides.emplace_back([this, operations] {
                Settings settings = base();
                settings.operations = operations;
                const Result result = measure(settings, point(1024));
                most_grown_kib_ = std::max(most_grown_kib_, result.grown_kib);
                return result.wall_ns_per_operation();
            });
        }
        compare(
            std::move(sides),
            [this, shortest = lengths[0], longest = lengths[3]](const std::vector<double>& best) {
                add(fmt::format("wall time per operation, {} to {} operations, most by least",
                                shortest, longest),
                    most_by_least(best), Sense::at_most, flat, "times");
                add(fmt::format("memory grown in {} operations", longest),
                    static_cast<double>(most_grown_kib_), Sense::at_most, growth_kib, "KiB");
            },
            std::min(settings_.rounds, long_rounds));
    }

    /// The caller's memory costs no more than memory of the driver that nobody fills.
    void imported_memory() {
        Settings settings = base();
        settings.operations = std::max<std::uint64_t>(settings_.operations / 10, 1);
        settings.memory = Memory::caller;
        const auto imported = cost_of(settings, point(16384));
        settings.memory = Memory::pool;
        compare({imported, cost_of(settings, point(16384))},
                [this](const std::vector<double>& best) {
                    add("16 KiB in the caller's memory against the driver's own", best[0] / best[1],
                        Sense::at_most, zero_copy, "times");
                });
    }

    void threads() {
        const unsigned cores = std::max(std::thread::hardware_concurrency(), 1u);
        Settings settings = base_of_short_runs();
        settings.time = TimeKind::live;
        settings.completions = driver::CompletionMode::poll;
        const auto driver_cost_of = [settings](const Point& point) {
            return [settings, point] {
                return measure(settings, point).driver_cpu_ns_per_operation();
            };
        };
        const Point one = point(64);
        Point many = one;
        many.queue_pairs = std::min(std::max(cores - 1, 1u), 7u);
        compare(
            {driver_cost_of(one), driver_cost_of(many)},
            [this, many](const std::vector<double>& best) {
                add(fmt::format("the driver's CPU time per operation, {} threads against one",
                                many.queue_pairs),
                    best[1] / best[0], Sense::at_most, thread_scaling, "times");
            },
            more_often());
    }

    const BoundsSettings& settings_;
    std::vector<Comparison> comparisons_;
    std::int64_t most_grown_kib_ = 0;
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
