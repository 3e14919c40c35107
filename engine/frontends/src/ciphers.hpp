// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The provider's ciphers, and what of provider-cipher(7) does not depend on the mode.

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

#include <span>
#include <vector>

#include "device_key.hpp"

namespace ringside::frontends {

/// One algorithm that the provider can offer.
struct CipherRow {
    const CipherShape& shape;
    OSSL_ALGORITHM algorithm;
};
extern const CipherRow cbc_rows[3];
extern const CipherRow gcm_rows[3];

/// For OSSL_OP_CIPHER: what `policy` allows, and the end mark.
std::vector<OSSL_ALGORITHM> cipher_algorithms(const Policy& policy);

/// OSSL_FUNC_cipher_get_params(): what can be said without a context.
int get_shape_params(const CipherShape& shape, OSSL_PARAM params[]);
const OSSL_PARAM* gettable_shape_params(void* provider_context);

/// Param helpers: true also if the caller did not ask.
bool answer(OSSL_PARAM params[], const char* key, std::size_t value);
bool answer(OSSL_PARAM params[], const char* key, std::span<const unsigned char> octets);

}  // namespace ringside::frontends
