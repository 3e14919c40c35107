// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The main job: a file through the simulated accelerator as ASYNC jobs, encrypted record by record,
// decrypted again, and compared with libcrypto byte for byte.

#include <cstdint>
#include <functional>

#include "options.hpp"

namespace ringside::tools {

/// Errors of the environment (no file, no memory, no device) are std::runtime_error with a message
/// for people; a wrong byte is `verified == false`. `on_progress` is told the share done, 0 to 1.
RunReport run_main_job(const RunOptions& options,
                       const std::function<void(double share)>& on_progress);

}  // namespace ringside::tools
