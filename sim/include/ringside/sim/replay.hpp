// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A recording against a fresh device, with no driver: what was done to the device then is done
// again at the same simulated times, its DMA reads get the bytes that they got then, and every
// answer, transfer, completion and message must be the same. (Against a driver, with no device:
// VirtualPlatformConfig::player.)

#include <boost/system/result.hpp>
#include <optional>

#include "ringside/core/device.hpp"
#include "ringside/recording/player.hpp"

namespace ringside::sim {

/// Empty: the device did the same. `device` is the configuration of the recorded run. Errors:
/// recording::Errc::no_contents, Errc::kernel_in_use.
boost::system::result<std::optional<recording::Divergence>> replay_against_device(
    const recording::Recording& recording, const core::DeviceConfig& device);

}  // namespace ringside::sim
