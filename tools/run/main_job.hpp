// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The main job: a file through the simulated accelerator as ASYNC jobs, encrypted record by record,
// decrypted again, and compared with libcrypto byte for byte.

#include <cstdint>
#include <functional>

#include "options.hpp"
#include "ringside/recording/player.hpp"
#include "ringside/recording/recorder.hpp"

namespace ringside::tools {

/// Errors of the environment (no file, no memory, no device) are std::runtime_error with a message
/// for people; a wrong byte is `verified == false`. `on_progress` is told the share done, 0 to 1.
/// With options.record, the run is recorded. With `player`, it happens without a device, as that
/// says, and the report means nothing if it diverges.
RunReport run_main_job(const RunOptions& options,
                       const std::function<void(double share)>& on_progress,
                       recording::Player* player = nullptr);

/// The device of a recorded run, chip and faults. std::runtime_error if its header does not say.
core::DeviceConfig recorded_device(const recording::Info& info);
/// The options of a recorded run, as its header has them. std::runtime_error if they are not there
/// or the file is no longer what it was.
RunOptions recorded_options(const recording::Info& info);

}  // namespace ringside::tools
