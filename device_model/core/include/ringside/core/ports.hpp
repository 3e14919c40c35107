// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What the accelerator takes from the blocks into its interface.

#include "ringside/blocks/function.hpp"

namespace ringside::core {

using blocks::Bar;
using blocks::DmaPort;
using blocks::DmaResult;
using blocks::MsiPort;

}  // namespace ringside::core
