// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What the provider can offer, for provider.cpp, which joins the rows of each operation. A new
// algorithm is a row where it is implemented; a new array of rows is a line here and there.

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

#include "ringside/frontends/settings.hpp"

namespace ringside::frontends {

/// What a caller queries for: OPENSSL_CONF's default_properties, -propquery.
inline constexpr const char* algorithm_properties = "provider=ringside,ringside.offload=yes";

/// Offered if the policy allows the family.
struct AlgorithmRow {
    AlgorithmFamily family;
    OSSL_ALGORITHM algorithm;
};
extern const AlgorithmRow cbc_rows[3];
extern const AlgorithmRow gcm_rows[3];
extern const AlgorithmRow ctr_rows[3];
extern const AlgorithmRow xts_rows[2];
extern const AlgorithmRow chacha_rows[1];
extern const AlgorithmRow hash_rows[7];
extern const AlgorithmRow hmac_rows[1];
extern const AlgorithmRow kdf_rows[3];
extern const AlgorithmRow cbc_hmac_rows[4];

/// A line of a dispatch table.
template <typename Function>
OSSL_DISPATCH dispatch_entry(int id, Function* function) {
    return {id, reinterpret_cast<void (*)()>(function)};
}

}  // namespace ringside::frontends
