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

/// Param helpers: true also if the caller did not ask.
bool answer(OSSL_PARAM params[], const char* key, std::size_t value);
bool answer(OSSL_PARAM params[], const char* key, std::span<const unsigned char> octets);

}  // namespace ringside::frontends
