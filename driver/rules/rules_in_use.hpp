// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The rules that the library is built with. In a folder of its own, because tests that build the
// same sources with a wrong rule put another header of this name in its place.

#include "ring_rules.hpp"

namespace ringside::driver {

using Rules = RingRules;

}  // namespace ringside::driver
