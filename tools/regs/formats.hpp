// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The register map (ringside/spec/registers.hpp) written out for people, scripts, the datasheet and
// C programs. Every format names every block, register and field.

#include <string>

namespace ringside::tools {

/// Aligned columns, one line a register or field.
std::string registers_as_text();

/// One object with an array `blocks`; numbers are numbers.
std::string registers_as_json();

/// The tables between the markers of docs/datasheet.md; tools/refresh-datasheet puts them there.
std::string registers_as_markdown();

/// A header for C99 and later without includes: offsets, reset values, shifts and masks, prefix
/// RS1_. A register that stands once for each queue pair is a function-like macro of the queue.
std::string registers_as_c_header();

}  // namespace ringside::tools
