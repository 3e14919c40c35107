// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ciphers.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/proverr.h>

namespace ringside::frontends {

bool set_cipher_key(CipherKey& key, const CipherShape& shape,
                    std::span<const unsigned char> bytes) {
    if (bytes.size() != shape.key_size) {
        ERR_raise(ERR_LIB_PROV, PROV_R_INVALID_KEY_LENGTH);
        return false;
    }
    key.set(bytes);
    return true;
}

bool answer(OSSL_PARAM params[], const char* key, std::size_t value) {
    OSSL_PARAM* param = OSSL_PARAM_locate(params, key);
    return param == nullptr || OSSL_PARAM_set_size_t(param, value) == 1;
}

bool answer(OSSL_PARAM params[], const char* key, std::span<const unsigned char> octets) {
    OSSL_PARAM* param = OSSL_PARAM_locate(params, key);
    if (param == nullptr) {
        return true;
    }
    // Either kind is asked for, as OpenSSL's own ciphers allow.
    if (param->data_type == OSSL_PARAM_OCTET_PTR) {
        return OSSL_PARAM_set_octet_ptr(param, octets.data(), octets.size()) == 1;
    }
    return OSSL_PARAM_set_octet_string(param, octets.data(), octets.size()) == 1;
}

int get_iv_params(const CipherShape& shape, const IvParams& now, OSSL_PARAM params[]) {
    OSSL_PARAM* padding = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_PADDING);
    OSSL_PARAM* num = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_NUM);
    const bool done = (padding == nullptr || OSSL_PARAM_set_uint(padding, now.pads ? 1 : 0) == 1) &&
                      (num == nullptr || OSSL_PARAM_set_uint(num, now.num) == 1) &&
                      answer(params, OSSL_CIPHER_PARAM_KEYLEN, shape.key_size) &&
                      answer(params, OSSL_CIPHER_PARAM_IVLEN, shape.iv_size) &&
                      answer(params, OSSL_CIPHER_PARAM_IV, now.original_iv) &&
                      answer(params, OSSL_CIPHER_PARAM_UPDATED_IV, now.iv);
    if (!done) {
        ERR_raise(ERR_LIB_PROV, PROV_R_FAILED_TO_SET_PARAMETER);
    }
    return done ? 1 : 0;
}

const OSSL_PARAM* gettable_iv_params() {
    static const OSSL_PARAM params[] = {
        OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_KEYLEN, nullptr),
        OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_IVLEN, nullptr),
        OSSL_PARAM_uint(OSSL_CIPHER_PARAM_PADDING, nullptr),
        OSSL_PARAM_uint(OSSL_CIPHER_PARAM_NUM, nullptr),
        OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_IV, nullptr, 0),
        OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_UPDATED_IV, nullptr, 0),
        OSSL_PARAM_END,
    };
    return params;
}

bool accepts_key_size(const CipherShape& shape, const OSSL_PARAM params[]) {
    const OSSL_PARAM* param = OSSL_PARAM_locate_const(params, OSSL_CIPHER_PARAM_KEYLEN);
    std::size_t size = shape.key_size;
    if (param != nullptr && (OSSL_PARAM_get_size_t(param, &size) != 1 || size != shape.key_size)) {
        ERR_raise(ERR_LIB_PROV, PROV_R_INVALID_KEY_LENGTH);
        return false;
    }
    return true;
}

bool take_uint(const OSSL_PARAM params[], const char* key, unsigned& value) {
    const OSSL_PARAM* param = OSSL_PARAM_locate_const(params, key);
    if (param != nullptr && OSSL_PARAM_get_uint(param, &value) != 1) {
        ERR_raise(ERR_LIB_PROV, PROV_R_FAILED_TO_GET_PARAMETER);
        return false;
    }
    return true;
}

int get_shape_params(const CipherShape& shape, OSSL_PARAM params[]) {
    OSSL_PARAM* mode = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_MODE);
    OSSL_PARAM* aead = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_AEAD);
    OSSL_PARAM* custom_iv = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_CUSTOM_IV);
    const int is_aead = shape.is_aead ? 1 : 0;
    const int has_custom_iv = shape.has_custom_iv ? 1 : 0;
    const bool done = (mode == nullptr || OSSL_PARAM_set_uint(mode, shape.mode) == 1) &&
                      (aead == nullptr || OSSL_PARAM_set_int(aead, is_aead) == 1) &&
                      (custom_iv == nullptr || OSSL_PARAM_set_int(custom_iv, has_custom_iv) == 1) &&
                      answer(params, OSSL_CIPHER_PARAM_KEYLEN, shape.key_size) &&
                      answer(params, OSSL_CIPHER_PARAM_IVLEN, shape.iv_size) &&
                      answer(params, OSSL_CIPHER_PARAM_BLOCK_SIZE, shape.block_size);
    if (!done) {
        ERR_raise(ERR_LIB_PROV, PROV_R_FAILED_TO_SET_PARAMETER);
    }
    return done ? 1 : 0;
}

const OSSL_PARAM* gettable_shape_params(void* /*provider_context*/) {
    static const OSSL_PARAM params[] = {
        OSSL_PARAM_uint(OSSL_CIPHER_PARAM_MODE, nullptr),
        OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_KEYLEN, nullptr),
        OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_IVLEN, nullptr),
        OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_BLOCK_SIZE, nullptr),
        OSSL_PARAM_int(OSSL_CIPHER_PARAM_AEAD, nullptr),
        OSSL_PARAM_int(OSSL_CIPHER_PARAM_CUSTOM_IV, nullptr),
        OSSL_PARAM_END,
    };
    return params;
}

}  // namespace ringside::frontends
