// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The power-up self-test: known answers of every algorithm, computed on the slices as an operation
// would be, anew after each reset: nothing is known from an earlier one or from another chip.

#include <span>

#include "self_test_vectors.hpp"
#include "session.hpp"

namespace ringside::core {

// `broken`: bits of SliceKind, as for break_outcome().

/// Whether the slices give these answers.
bool gives(const CryptoLibrary& library, std::span<const KnownAnswer> answers, unsigned broken);
/// Whether all slices compute rightly. Broken ones are found with any scope.
bool passes_self_test(const CryptoLibrary& library, SelfTestScope scope, unsigned broken);

}  // namespace ringside::core
