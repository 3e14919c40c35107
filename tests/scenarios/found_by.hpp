// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

namespace ringside::testing {

/// The scenario that finds the wrong rule that this program is built with.
extern const char* const found_by;

}  // namespace ringside::testing
