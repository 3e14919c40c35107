// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What an operator is told on stderr: one line each, "ringside: ...". The level is the process's.
// Never a key, nor data.

#include <string>

namespace ringside::frontends {

enum class LogLevel : unsigned char {
    error,  ///< what does not work
    info,   ///< also what begins and ends
};

/// From now on, for all front ends of the process.
void set_log_level(LogLevel level);

/// Writes the line if the level asks for it. Any thread; not on a job's small stack.
void say(LogLevel level, const std::string& line);

}  // namespace ringside::frontends
