// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// At the border of the C functions of a dispatch table, which no exception gets past.

#include <openssl/err.h>

#include <exception>

namespace ringside::frontends {

/// A `what` that fails for want of memory (or of a thread) is a failure like another.
template <typename Result, typename What>
Result guarded(Result failure, What what) {
    try {
        return what();
    } catch (const std::exception&) {
        ERR_raise(ERR_LIB_PROV, ERR_R_MALLOC_FAILURE);
        return failure;
    }
}

}  // namespace ringside::frontends
