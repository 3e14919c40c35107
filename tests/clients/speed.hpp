// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// One run of `openssl speed`, unmodified, in software or on the device, and what it reported.

#include <cstdint>
#include <string>
#include <vector>

namespace ringside::testing {

enum class FrontEnd : std::uint8_t { none, provider, engine };

struct SpeedRun {
    std::string module_folder;
    FrontEnd front_end = FrontEnd::none;
    std::vector<std::string> what;  ///< such as {"-evp", "aes-128-cbc"} or {"rsa2048"}
    unsigned jobs = 0;              ///< 0: synchronous
    unsigned bytes = 1024;
    unsigned seconds = 1;
    std::vector<std::string> knobs;  ///< RINGSIDE_...=value
};

struct SpeedReport {
    /// Of each of its lines ("Doing ...: 4711 ... in 1.00s"), in their order.
    struct Line {
        std::uint64_t operations = 0;
        double seconds = 0;
    };

    bool succeeded = false;
    std::string output;
    std::vector<Line> lines;
    double cpu_seconds = 0;  ///< of the whole process, and of all its threads

    std::uint64_t operations() const;
    /// Operations a second, of the first line.
    double rate() const;
};

SpeedReport run(const SpeedRun& speed);

}  // namespace ringside::testing
