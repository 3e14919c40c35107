// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What of provider-cipher(7) does not depend on the mode.

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

#include <span>

#include "algorithms.hpp"
#include "cipher_shape.hpp"

namespace ringside::frontends {

/// OSSL_FUNC_cipher_get_params(): what can be said without a context.
int get_shape_params(const CipherShape& shape, OSSL_PARAM params[]);
const OSSL_PARAM* gettable_shape_params(void* provider_context);

/// What a context of a cipher with an IV answers to OSSL_FUNC_cipher_get_ctx_params().
struct IvParams {
    std::span<const unsigned char> original_iv;
    std::span<const unsigned char> iv;
    bool pads = false;
    unsigned num = 0;
};
int get_iv_params(const CipherShape& shape, const IvParams& now, OSSL_PARAM params[]);
const OSSL_PARAM* gettable_iv_params();
/// OSSL_CIPHER_PARAM_KEYLEN can be set to what it is; false: the error queue says no.
bool accepts_key_size(const CipherShape& shape, const OSSL_PARAM params[]);
/// Leaves `value` alone if `key` is not there; false: it is no number, which is raised.
bool take_uint(const OSSL_PARAM params[], const char* key, unsigned& value);

/// Param helpers: true also if the caller did not ask.
bool answer(OSSL_PARAM params[], const char* key, std::size_t value);
bool answer(OSSL_PARAM params[], const char* key, std::span<const unsigned char> octets);

}  // namespace ringside::frontends
