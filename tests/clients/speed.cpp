// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "speed.hpp"

#include <sys/resource.h>

#include <numeric>
#include <regex>
#include <sstream>

#include "ringside/testing/process.hpp"

namespace ringside::testing {
namespace {

double seconds_of_children() {
    rusage usage{};
    getrusage(RUSAGE_CHILDREN, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::vector<std::string> command_of(const SpeedRun& speed) {
    std::vector<std::string> command = {"openssl", "speed"};
    const auto add = [&](const std::vector<std::string>& words) {
        command.insert(command.end(), words.begin(), words.end());
    };
    if (speed.front_end == FrontEnd::provider) {
        add({"-provider-path", speed.module_folder, "-provider", "ringside", "-provider", "default",
             "-propquery", "?ringside.offload=yes"});
    } else if (speed.front_end == FrontEnd::engine) {
        add({"-engine", speed.module_folder + "/ringside_engine.so"});
    }
    add({"-elapsed", "-seconds", std::to_string(speed.seconds), "-bytes",
         std::to_string(speed.bytes)});
    if (speed.jobs != 0) {
        add({"-async_jobs", std::to_string(speed.jobs)});
    }
    add(speed.what);
    return command;
}

}  // namespace

std::uint64_t SpeedReport::operations() const {
    return std::accumulate(
        lines.begin(), lines.end(), std::uint64_t{0},
        [](std::uint64_t sum, const Line& line) { return sum + line.operations; });
}

double SpeedReport::rate() const {
    return lines.empty() ? 0 : static_cast<double>(lines[0].operations) / lines[0].seconds;
}

SpeedReport run(const SpeedRun& speed) {
    SpeedReport report;
    const double before = seconds_of_children();
    const ProcessResult process = run_process(command_of(speed), speed.knobs);
    report.cpu_seconds = seconds_of_children() - before;
    report.succeeded = process.exit_code == 0;
    report.output = process.err + process.out;
    static const std::regex line("^Doing .*: ([0-9]+) .* in ([0-9.]+)s$");
    std::istringstream text(report.output);
    for (std::string each; std::getline(text, each);) {
        std::smatch match;
        if (std::regex_match(each, match, line)) {
            report.lines.push_back({std::stoull(match[1]), std::stod(match[2])});
        }
    }
    return report;
}

}  // namespace ringside::testing
