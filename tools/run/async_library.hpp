// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Whose ASYNC_* functions this process uses. The program is linked to ours before libcrypto; to run
// on libcrypto's it executes itself again with libcrypto preloaded, which is what puts a library
// first for any program.

#include <string>

#include "options.hpp"

namespace ringside::tools {

/// Returns if the wanted library is bound already, else replaces the process (same arguments).
/// std::runtime_error if that is impossible.
void use_async_library(AsyncLibrary wanted);

/// The file that ASYNC_start_job comes from: "libringside_async.so", "libcrypto.so.3".
std::string bound_async_library();

}  // namespace ringside::tools
