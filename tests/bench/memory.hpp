// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

#include <cstddef>

#include "differential/api.hpp"

namespace ringside::bench {

/// Resident bytes that one of `jobs` paused jobs takes, its wait ctx included: measured in a child
/// process, whose heap has nothing to reuse if the caller's has not. Throws std::runtime_error if
/// that could not be done.
double resident_bytes_per_job(const testing::AsyncApi& api, std::size_t jobs);

}  // namespace ringside::bench
