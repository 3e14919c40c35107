// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Values of registers, field by field: one that somebody has read in the lab, or those that passed
// in a recording. `ringside regs --decode` and `--recording`.

#include <string>

namespace ringside::tools {

/// `assignment`: NAME=VALUE or OFFSET=VALUE, numbers decimal or 0x. A register that stands once for
/// each queue pair may be NAME[n]. std::invalid_argument says in one line what is wrong.
std::string decode_assignment(const std::string& assignment, bool as_json);

/// The values of a register that were read and written in the recording, in order, or, without a
/// `name`, the last one of each register. std::invalid_argument; std::runtime_error: no recording.
std::string decode_recording(const std::string& file, const std::string& name, bool as_json);

}  // namespace ringside::tools
