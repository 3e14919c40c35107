// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The power-up self-test: known answers of every algorithm, computed on the slices as an operation
// would be.

#include "session.hpp"

namespace ringside::core {

/// Whether all slices compute rightly. `broken`: bits of SliceKind, as for break_outcome(). That
/// the healthy slices of this process pass is computed once and then known, since they are all the
/// same libcrypto; with broken ones it is computed each time.
bool passes_self_test(const CryptoLibrary& library, unsigned broken);

}  // namespace ringside::core
