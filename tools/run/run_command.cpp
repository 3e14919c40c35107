// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "run_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <bit>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>

#include "arguments.hpp"
#include "async_library.hpp"
#include "chip_option.hpp"
#include "main_job.hpp"
#include "options.hpp"
#include "ringside/sim/fault_plan.hpp"
#include "ringside/spec/registers.hpp"

namespace ringside::tools {
namespace {

constexpr std::uint32_t most_jobs = 4096;

/// CLI::ValidationError if it is none.
std::uint32_t ring_size_of(const std::string& text) {
    const auto entries = number_in<std::uint32_t>(text, true);
    if (!entries || !std::has_single_bit(*entries) || *entries < spec::min_ring_entries ||
        *entries > spec::max_ring_entries) {
        throw CLI::ValidationError(
            "--ring-size", fmt::format("'{}' is not allowed: a power of two from {} to {}", text,
                                       spec::min_ring_entries, spec::max_ring_entries));
    }
    return *entries;
}

/// Rejects a wrong plan, and puts the rules of a good one into `rules`.
CLI::Validator fault_plan(std::vector<core::FaultRule>& rules) {
    const auto check = [&rules](const std::string& text) {
        auto plan = sim::parse_fault_plan(text);
        if (!plan) {
            return plan.error().message;
        }
        rules = std::move(*plan);
        return std::string();
    };
    return {check, ""};
}

/// One line that redraws itself, only where somebody can see it.
class ProgressBar {
  public:
    void show(double share) {
        const int percent = static_cast<int>(share * 100);
        if (!visible_ || percent == shown_) {
            return;
        }
        shown_ = percent;
        const auto filled = static_cast<std::size_t>(percent) * width / 100;
        fmt::print(stderr, "\r[{:<{}}] {:3}%", std::string(filled, '='), width, percent);
        std::fflush(stderr);
    }
    ~ProgressBar() {
        if (shown_ >= 0) {
            fmt::print(stderr, "\r{:{}}\r", "", width + 8);
        }
    }

  private:
    static constexpr std::size_t width = 50;
    const bool visible_ = isatty(STDERR_FILENO) != 0;
    int shown_ = -1;
};

std::vector<std::string> signal_names() {
    std::vector<std::string> names;
    for (const sim::NamedSignal& signal : sim::signals()) {
        names.emplace_back(signal.name);
    }
    return names;
}

/// Bits of sim::Signal; CLI::ValidationError if a name is none.
unsigned signals_of(const std::string& names) {
    unsigned chosen = 0;
    for (const std::string& name : CLI::detail::split(names, ',')) {
        const auto found =
            std::find_if(sim::signals().begin(), sim::signals().end(),
                         [&](const sim::NamedSignal& signal) { return signal.name == name; });
        if (found == sim::signals().end()) {
            throw CLI::ValidationError("--vcd-signals",
                                       fmt::format("'{}' is not allowed: some of {}", name,
                                                   fmt::join(signal_names(), ", ")));
        }
        chosen |= static_cast<unsigned>(found->signal);
    }
    return chosen;
}

const char* name_of(Notify notify) {
    return notify == Notify::fd ? "fd" : "callback";
}

nlohmann::ordered_json faults_as_json(const std::vector<FaultReport>& faults) {
    const auto count = [](std::optional<std::uint32_t> value) {
        return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
    };
    auto json = nlohmann::ordered_json::array();
    for (const FaultReport& fault : faults) {
        json.push_back({{"rule", fault.rule},
                        {"matched", count(fault.matched)},
                        {"fired", count(fault.fired)}});
    }
    return json;
}

void print_json(const RunOptions& options, const RunReport& report) {
    const nlohmann::ordered_json json = {
        {"verified", report.verified},
        {"failed_jobs", report.failed_jobs},
        {"operations", report.operations},
        {"eagain", report.eagain},
        {"interrupts", report.interrupts},
        {"simulated_ns", report.simulated_ns},
        {"wall_ns", report.wall_ns},
        {"latency_p50_ns", report.latency_p50_ns},
        {"latency_p99_ns", report.latency_p99_ns},
        {"megabytes_per_simulated_second", report.megabytes_per_simulated_second},
        {"resumes", report.resumes},
        {"trace_hash", fmt::format("{:016x}", report.trace_hash)},
        {"async", report.async},
        {"time", name_of(options.time)},
        {"notify", name_of(options.notify)},
        {"chip", options.chip->name},
        {"file", options.file},
        {"bytes", report.bytes},
        {"records", report.records},
        {"ring_size", options.ring_size},
        {"jobs", options.jobs},
        {"seed", options.seed},
        {"faults", faults_as_json(report.faults)},
    };
    fmt::print("{}\n", json.dump(2));
}

void print_table(const RunOptions& options, const RunReport& report) {
    fmt::print(
        "{}: {} bytes as {} AES-128-GCM records, encrypted and decrypted in {} time\n"
        "chip {}, {} jobs, ring of {}, notified by {}, ASYNC_* from {}, seed {}\n\n",
        options.file, report.bytes, report.records, name_of(options.time), options.chip->name,
        options.jobs, options.ring_size,
        options.notify == Notify::fd ? "eventfd" : "wait-ctx callback", report.async, options.seed);
    const auto row = [](const char* name, const std::string& value) {
        fmt::print("  {:<22}{:>16}\n", name, value);
    };
    row("operations", fmt::format("{}", report.operations));
    row("ring full (EAGAIN)", fmt::format("{}", report.eagain));
    row("interrupts", fmt::format("{}", report.interrupts));
    row("simulated time", fmt::format("{:.3f} ms", static_cast<double>(report.simulated_ns) / 1e6));
    row("wall time", fmt::format("{:.3f} ms", static_cast<double>(report.wall_ns) / 1e6));
    row("throughput", fmt::format("{:.1f} MB/s", report.megabytes_per_simulated_second));
    row("latency p50", fmt::format("{:.2f} us", static_cast<double>(report.latency_p50_ns) / 1e3));
    row("latency p99", fmt::format("{:.2f} us", static_cast<double>(report.latency_p99_ns) / 1e3));
    row("trace hash", fmt::format("{:016x}", report.trace_hash));
    row("verified", report.verified ? "yes" : "NO");
    for (const FaultReport& fault : report.faults) {
        const std::string fired = fault.fired ? fmt::format("{}", *fault.fired) : "unknown";
        fmt::print("  fault {}: fired {}\n", fault.rule, fired);
    }
    fmt::print("\nThroughput and latency are simulated: what the modelled chip would do.\n");
}

/// Where a file is or would be made; empty: nobody can say.
std::filesystem::path place_of(std::filesystem::path path) {
    constexpr int most_links = 40;
    std::error_code failure;
    // weakly_canonical() follows no link to nothing, but who writes through one makes a file there.
    for (int i = 0; i < most_links && std::filesystem::is_symlink(path, failure); ++i) {
        path = path.parent_path() / std::filesystem::read_symlink(path, failure);
    }
    return std::filesystem::weakly_canonical(std::filesystem::absolute(path, failure), failure);
}

bool is_same_file(const std::string& one, const std::string& other) {
    std::error_code failure;
    const auto place = place_of(one);
    return std::filesystem::equivalent(one, other, failure) ||
           (!place.empty() && place == place_of(other));
}

/// Of two that write to one file, only one would leave something.
void refuse_same_files(const RunOptions& options) {
    const std::vector<std::pair<const char*, std::string>> files = {{"--file", options.file},
                                                                    {"--record", options.record},
                                                                    {"--trace", options.trace},
                                                                    {"--vcd", options.vcd}};
    for (auto one = files.begin(); one != files.end(); ++one) {
        for (auto other = files.begin(); other != one; ++other) {
            if (!one->second.empty() && !other->second.empty() &&
                is_same_file(other->second, one->second)) {
                throw std::runtime_error(fmt::format("{} and {} are the same file: '{}'",
                                                     other->first, one->first, one->second));
            }
        }
    }
}

int run(const RunOptions& options) {
    try {
        refuse_same_files(options);
        use_async_library(options.async);
        RunReport report;
        {
            ProgressBar bar;
            report = run_main_job(options, [&bar](double share) { bar.show(share); });
        }
        if (options.json) {
            print_json(options, report);
        } else {
            print_table(options, report);
        }
        if (report.failed_jobs != 0) {
            fmt::print(stderr, "ringside run: {} jobs failed (seed {})\n", report.failed_jobs,
                       options.seed);
        } else if (!report.verified) {
            fmt::print(stderr,
                       "ringside run: the device's output differs from libcrypto's (seed {})\n",
                       options.seed);
        }
        return report.verified ? 0 : 1;
    } catch (const std::exception& error) {
        fmt::print(stderr, "ringside run: {}\n", error.what());
        return 2;
    }
}

}  // namespace

void add_run_command(CLI::App& program, int& exit_code) {
    auto* command = program.add_subcommand(
        "run", "Push a file through the simulated accelerator as ASYNC jobs and verify every byte");
    const auto options = std::make_shared<RunOptions>();
    add_time_option(*command, options->time);
    add_choice<Notify>(*command, "--notify", options->notify,
                       {{"fd", Notify::fd}, {"callback", Notify::callback}},
                       "by eventfd, or by wait-ctx callback");
    add_choice<AsyncLibrary>(
        *command, "--async", options->async,
        {{"ringside", AsyncLibrary::ringside}, {"libcrypto", AsyncLibrary::libcrypto}},
        "whose ASYNC_* functions");
    add_chip_option(*command, options->chip);
    command->add_option("--file", options->file, "the file to encrypt and decrypt")
        ->type_name("PATH")
        ->capture_default_str();
    command
        ->add_option_function<std::string>(
            "--ring-size",
            [options](const std::string& text) { options->ring_size = ring_size_of(text); },
            "entries, a power of two")
        ->type_name("N")
        ->default_str(fmt::format("{}", options->ring_size));
    add_number(*command, "--jobs", options->jobs, {1, most_jobs}, "jobs at one time");
    add_number(*command, "--seed", options->seed, {0},
               "drives sizes, arrivals, keys, order, schedule");
    command
        ->add_option("--faults", options->fault_plan,
                     "what goes wrong, e.g. drop_interrupt,after=9")
        ->check(fault_plan(options->faults))
        ->type_name("PLAN");
    command
        ->add_option("--record", options->record,
                     "write everything that passes the link there (data and the seed's keys too)")
        ->type_name("FILE");
    command->add_option("--trace", options->trace, "write what happens there, for ui.perfetto.dev")
        ->type_name("FILE");
    auto* vcd = command->add_option("--vcd", options->vcd, "write waveforms there, for GTKWave");
    vcd->type_name("FILE");
    command
        ->add_option_function<std::string>(
            "--vcd-signals",
            [options](const std::string& names) { options->vcd_signals = signals_of(names); },
            fmt::format("which ones, of {}", fmt::join(signal_names(), ",")))
        ->type_name("LIST")
        ->default_str("all")
        ->needs(vcd);
    command->add_flag("--json", options->json, "print JSON instead of a table");
    command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace ringside::tools
