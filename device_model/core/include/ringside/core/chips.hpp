// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Chips that can be had by name, for whoever configures a platform: `ringside run --chip`, a
// provider, a test. They differ in sizes and times only; one driver runs on all of them. The
// datasheet, "Time", has them in tables.

#include <span>
#include <string_view>

#include "ringside/core/device.hpp"

namespace ringside::core {

struct Chip {
    std::string_view name;
    std::string_view description;
    DeviceConfig (*config)();
};

/// The standard chip, whose configuration is DeviceConfig{}, comes first.
std::span<const Chip> chips();

/// Null: there is none of this name.
const Chip* find_chip(std::string_view name);

}  // namespace ringside::core
