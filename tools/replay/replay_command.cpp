// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "replay_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "arguments.hpp"
#include "ringside/recording/player.hpp"
#include "ringside/sim/replay.hpp"
#include "ringside/spec/registers.hpp"
#include "run/main_job.hpp"

namespace ringside::tools {
namespace {

using recording::Divergence;
using recording::Kind;
using recording::Recording;

enum class Against : std::uint8_t { both, device, driver };

struct ReplayOptions {
    std::string file;
    Against against = Against::both;
};

/// ", SQ_DB of queue pair 1", if the record is an access to a register that has a name.
std::string register_of(const Recording& recording, std::uint64_t number) {
    Recording::Cursor cursor(recording);
    while (cursor.record().number != number && cursor.record().kind != Kind::end) {
        cursor.advance();
    }
    const auto& record = cursor.record();
    if (record.kind != Kind::mmio_read && record.kind != Kind::mmio_write) {
        return "";
    }
    const auto where = spec::locate(static_cast<std::uint32_t>(record.address));
    if (where.reg == nullptr) {
        return "";
    }
    return where.block == &spec::blocks[0]
               ? fmt::format(" ({})", where.reg->name)
               : fmt::format(" ({} of queue pair {})", where.reg->name, where.instance);
}

std::optional<Divergence> replay_against_device(const Recording& recording) {
    auto result = sim::replay_against_device(recording, recorded_device(recording.info()));
    if (!result) {
        throw std::runtime_error(result.error().message());
    }
    return std::move(*result);
}

std::optional<Divergence> replay_against_driver(const Recording& recording) {
    if (recording.info().time == recording::TimeKind::live) {
        throw std::runtime_error(make_error_code(recording::Errc::order_unknown).message() +
                                 ": only --against device");
    }
    recording::Player player(recording);
    try {
        run_main_job(
            recorded_options(recording.info()), [](double) {}, &player);
    } catch (const std::exception&) {
        if (!player.divergence()) {
            throw;
        }
    }
    if (!player.divergence() && player.next().kind != Kind::end) {
        player.diverge("the end of the run");
    }
    return player.divergence();
}

/// Whether all was as recorded.
bool report(const char* against, const ReplayOptions& options, const Recording& recording,
            const std::optional<Divergence>& divergence) {
    if (!divergence) {
        fmt::print("{}: {} records against the {}: no difference\n", options.file,
                   recording.record_count(), against);
        return true;
    }
    fmt::print(stderr, "ringside replay: {}: the {} differs at {}{}\n", options.file, against,
               divergence->to_string(), register_of(recording, divergence->record));
    return false;
}

int replay(const ReplayOptions& options) {
    const auto recording = Recording::load(options.file);
    if (!recording) {
        fmt::print(stderr, "ringside replay: {}: {}\n", options.file,
                   recording.error().to_string());
        return 2;
    }
    try {
        bool same = true;
        if (options.against != Against::driver) {
            same = report("device", options, *recording, replay_against_device(*recording));
        }
        const bool live = recording->info().time == recording::TimeKind::live;
        if (options.against == Against::driver || (options.against == Against::both && !live)) {
            same &= report("driver", options, *recording, replay_against_driver(*recording));
        }
        return same ? 0 : 1;
    } catch (const std::exception& error) {
        fmt::print(stderr, "ringside replay: {}: {}\n", options.file, error.what());
        return 2;
    }
}

}  // namespace

void add_replay_command(CLI::App& program, int& exit_code) {
    auto* command = program.add_subcommand(
        "replay", "Let a recorded run happen again and name the first difference");
    const auto options = std::make_shared<ReplayOptions>();
    command->add_option("FILE", options->file, "written by `ringside run --record`")->required();
    add_choice<Against>(
        *command, "--against", options->against,
        {{"both", Against::both}, {"device", Against::device}, {"driver", Against::driver}},
        "a fresh device without a driver, the driver without a device (not of a live run), or "
        "both");
    command->callback([options, &exit_code] { exit_code = replay(*options); });
}

}  // namespace ringside::tools
