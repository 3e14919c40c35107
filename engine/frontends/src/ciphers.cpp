// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ciphers.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/proverr.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace ringside::frontends {

const OSSL_ALGORITHM* cipher_algorithms() {
    static const auto all = [] {
        std::array<OSSL_ALGORITHM, 7> algorithms{};
        std::copy(std::begin(cbc_algorithms), std::end(cbc_algorithms), algorithms.begin());
        std::copy(std::begin(gcm_algorithms), std::end(gcm_algorithms), algorithms.begin() + 3);
        return algorithms;  // the last one stays empty: the end
    }();
    return all.data();
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

int get_shape_params(const CipherShape& shape, OSSL_PARAM params[]) {
    OSSL_PARAM* mode = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_MODE);
    OSSL_PARAM* aead = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_AEAD);
    OSSL_PARAM* custom_iv = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_CUSTOM_IV);
    const int is_aead = shape.is_aead ? 1 : 0;
    const bool done = (mode == nullptr || OSSL_PARAM_set_uint(mode, shape.mode) == 1) &&
                      (aead == nullptr || OSSL_PARAM_set_int(aead, is_aead) == 1) &&
                      (custom_iv == nullptr || OSSL_PARAM_set_int(custom_iv, is_aead) == 1) &&
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

bool DeviceKey::set(std::span<const unsigned char> key) {
    if (key.size() != shape_.key_size) {
        ERR_raise(ERR_LIB_PROV, PROV_R_INVALID_KEY_LENGTH);
        return false;
    }
    const auto bytes = std::as_bytes(key);
    // A message loop sets the same key again and again; its session serves on.
    if (key_.size() != key.size() || std::memcmp(key_.data(), key.data(), key.size()) != 0) {
        end_session();
        key_ = CleansedBuffer(bytes);
    }
    return true;
}

offload::CipherSession* DeviceKey::session() {
    if (session_ && provider_.source().is_current(&session_->offload())) {
        return &*session_;
    }
    end_session();
    if (!is_set()) {
        ERR_raise(ERR_LIB_PROV, PROV_R_NO_KEY_SET);
        return nullptr;
    }
    offload::Offload* offload = provider_.source().offload();
    if (offload == nullptr) {
        ERR_raise_data(ERR_LIB_PROV, PROV_R_CIPHER_OPERATION_FAILED, "ringside: no device");
        return nullptr;
    }
    auto created = offload::CipherSession::create(*offload, shape_.algorithm, key_.bytes());
    if (!created) {
        raise_error(PROV_R_CIPHER_OPERATION_FAILED, created.error());
        return nullptr;
    }
    session_.emplace(std::move(*created));
    return &*session_;
}

void DeviceKey::end_session() {
    if (session_ && !provider_.source().is_current(&session_->offload())) {
        session_->abandon();
    }
    session_.reset();
}

void raise_error(int reason, const boost::system::error_code& error) {
    ERR_raise_data(ERR_LIB_PROV, reason, "ringside: %s", error.message().c_str());
}

}  // namespace ringside::frontends
