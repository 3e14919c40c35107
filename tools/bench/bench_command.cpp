// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "bench_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arguments.hpp"
#include "bounds.hpp"
#include "chip_option.hpp"
#include "options.hpp"
#include "report.hpp"
#include "ringside/spec/registers.hpp"
#include "sweep.hpp"

namespace ringside::tools {
namespace {

using namespace bench;

constexpr std::uint32_t most_requests = 4096;

std::vector<Point> points_of(const Options& options) {
    std::vector<Point> points;
    for (const Algorithm* algorithm : options.algorithms) {
        for (const std::uint32_t buffer_size : options.buffer_sizes) {
            for (const std::uint32_t queue_pairs : options.queue_pairs) {
                for (const std::uint32_t ring_size : options.ring_sizes) {
                    for (const std::uint32_t depth : options.depths) {
                        for (const std::uint32_t burst : options.bursts) {
                            points.push_back(
                                {algorithm, buffer_size, burst, depth, queue_pairs, ring_size});
                        }
                    }
                }
            }
        }
    }
    return points;
}

/// Empty: all can be measured.
std::string objection(const Options& options) {
    const core::DeviceConfig chip = options.settings.chip->config();
    for (const Point& point : points_of(options)) {
        if (point.buffer_size % point.algorithm->block != 0) {
            return fmt::format("{} takes buffers of a multiple of {} bytes, not of {}",
                               point.algorithm->name, point.algorithm->block, point.buffer_size);
        }
        if (point.queue_pairs >= chip.queue_pairs || point.ring_size >> chip.log2_max_entries > 1 ||
            output_size(*point.algorithm, point.buffer_size) > chip.max_length) {
            return fmt::format(
                "chip {} has {} queue pairs of up to {} entries, and takes buffers "
                "of up to {} bytes",
                options.settings.chip->name, chip.queue_pairs - 1, 1u << chip.log2_max_entries,
                chip.max_length);
        }
    }
    return {};
}

/// An option that was given and means nothing with --bounds; empty: none.
std::string ignored_by_bounds(const CLI::App& command) {
    constexpr std::array<std::string_view, 6> taken = {
        "--bounds",        "--require-bounds", "--bounds-operations",
        "--bounds-rounds", "--seed",           "--json"};
    for (const CLI::Option* option : command.get_options()) {
        if (option->count() != 0 &&
            std::find(taken.begin(), taken.end(), option->get_name()) == taken.end()) {
            return option->get_name();
        }
    }
    return {};
}

int run(const CLI::App& command, const Options& options) {
    try {
        if (options.bounds) {
            if (const std::string name = ignored_by_bounds(command); !name.empty()) {
                throw std::runtime_error("--bounds takes no " + name);
            }
            BoundsSettings settings;
            settings.seed = options.settings.seed;
            settings.operations = options.bounds_operations;
            settings.rounds = options.bounds_rounds;
            settings.format = options.format;
            return measure_bounds(settings) || !options.require_bounds ? 0 : 1;
        }
        if (const std::string reason = objection(options); !reason.empty()) {
            throw std::runtime_error(reason);
        }
        const auto report = make_report(options.settings, options.format);
        bool good = true;
        for (const Point& point : points_of(options)) {
            const Result result = measure(options.settings, point);
            report->add(result);
            good = good && result.counters.failed_deq == 0 && result.counters.wrong == 0;
        }
        report->finish();
        if (!good) {
            fmt::print(stderr, "ringside bench: operations failed or gave wrong bytes (seed {})\n",
                       options.settings.seed);
        }
        return good ? 0 : 1;
    } catch (const std::exception& error) {
        fmt::print(stderr, "ringside bench: {}\n", error.what());
        return 2;
    }
}

void add_algorithms(CLI::App& command, std::vector<const Algorithm*>& algorithms) {
    std::vector<std::string> names;
    for (const Algorithm& algorithm : algorithms_offered()) {
        names.emplace_back(algorithm.name);
    }
    const auto take = [&algorithms, names](const std::vector<std::string>& wanted) {
        algorithms.clear();
        for (const std::string& name : wanted) {
            for (const Algorithm& algorithm : algorithms_offered()) {
                if (algorithm.name == name) {
                    algorithms.push_back(&algorithm);
                }
            }
            if (algorithms.empty() || algorithms.back()->name != name) {
                throw CLI::ValidationError(
                    "--algorithm",
                    fmt::format("'{}' is not allowed: one of {}", name, fmt::join(names, ", ")));
            }
        }
    };
    command
        .add_option_function<std::vector<std::string>>(
            "--algorithm", take, fmt::format("one or more of {}", fmt::join(names, ", ")))
        ->delimiter(',')
        ->type_name("NAME,..")
        ->default_str(std::string(algorithms.front()->name));
}

void add_load(CLI::App& command, Options& options) {
    using driver::CompletionMode;
    add_algorithms(command, options.algorithms);
    add_sweep(command, "--buffer-size,--buffer-sz", options.buffer_sizes, {1, 1u << 20},
              "bytes of payload");
    add_sweep(command, "--burst,--burst-sz", options.bursts, {1, most_requests},
              "requests that are submitted together, with one doorbell");
    add_sweep(command, "--depth", options.depths, {1, most_requests},
              "requests at one time for each queue pair; more than the ring takes wait");
    add_sweep(command, "--queue-pairs", options.queue_pairs, {1, spec::max_queue_pairs - 1},
              "queue pairs under load");
    add_sweep(command, "--ring-size,--desc-nb", options.ring_sizes,
              {spec::min_ring_entries, spec::max_ring_entries, true}, "entries of their rings");
    Settings& settings = options.settings;
    add_number(command, "--operations,--total-ops", settings.operations, {1, 1'000'000'000},
               "in all, for each row");
    add_number(command, "--seed", settings.seed, {0}, "drives keys and payloads");
    add_choice<CompletionMode>(command, "--completions", settings.completions,
                               {{"interrupt", CompletionMode::interrupt},
                                {"adaptive", CompletionMode::adaptive},
                                {"poll", CompletionMode::poll}},
                               "how the driver learns of them; poll in live time: by a thread for "
                               "each queue pair");
    add_number(command, "--moderation", settings.moderation_count, {0, 255},
               "interrupt at so many completions");
    add_number(command, "--moderation-us", settings.moderation_us, {1},
               "or so long after the first, if --moderation is 2 or more");
    add_choice<Memory>(command, "--memory", settings.memory,
                       {{"pool", Memory::pool}, {"caller", Memory::caller}},
                       "the driver's buffers, or the caller's, imported");
}

}  // namespace

void add_bench_command(CLI::App& program, int& exit_code) {
    auto* command = program.add_subcommand(
        "bench", "Measure the simulated chip, and how fast this host simulates it");
    const auto options = std::make_shared<Options>();
    Settings& settings = options->settings;
    add_choice<PerfTest>(*command, "--ptest", settings.test,
                         {{"throughput", PerfTest::throughput},
                          {"latency", PerfTest::latency},
                          {"verify", PerfTest::verify}},
                         "verify: compare all output with libcrypto's");
    add_time_option(*command, settings.time);
    add_chip_option(*command, settings.chip);
    add_number(*command, "--helpers", settings.helpers, {0, core::max_helpers},
               "threads that compute for the chip's slices");
    add_load(*command, *options);
    auto* json = command->add_flag_callback(
        "--json", [options] { options->format = Format::json; }, "print JSON instead of a table");
    command
        ->add_flag_callback(
            "--csv", [options] { options->format = Format::csv; }, "print CSV instead of a table")
        ->excludes(json);
    auto* bounds =
        command->add_flag("--bounds", options->bounds,
                          "measure what we hold ourselves to, instead; of the options above it "
                          "takes --seed and --json");
    command
        ->add_flag("--require-bounds", options->require_bounds,
                   "with --bounds: exit code 1 if one does not hold")
        ->needs(bounds);
    add_number(*command, "--bounds-operations", options->bounds_operations, {1, 100'000'000},
               "with --bounds: of a measurement; the longest run has 50 times as many")
        ->needs(bounds);
    add_number(*command, "--bounds-rounds", options->bounds_rounds, {1, 1000},
               "with --bounds: how often each is measured; the best counts")
        ->needs(bounds);
    command->callback([command, options, &exit_code] { exit_code = run(*command, *options); });
}

}  // namespace ringside::tools
