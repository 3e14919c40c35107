// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/frontends/log.hpp"

#include <atomic>
#include <cstdio>

namespace ringside::frontends {
namespace {

std::atomic<LogLevel> current{LogLevel::error};

}  // namespace

void set_log_level(LogLevel level) {
    current = level;
}

void say(LogLevel level, const std::string& line) {
    if (level <= current.load()) {
        std::fprintf(stderr, "ringside: %s\n", line.c_str());
    }
}

}  // namespace ringside::frontends
