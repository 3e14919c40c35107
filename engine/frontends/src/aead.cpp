// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// AES-GCM and ChaCha20-Poly1305 as provider-cipher(7) wants them: AeadCipher, with its settings as
// OSSL_PARAMs.

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/proverr.h>

#include <array>
#include <memory>

#include "aead_cipher.hpp"
#include "cipher_dispatch.hpp"

namespace ringside::frontends {
namespace {

class AeadContext {
  public:
    AeadContext(FrontEnd& front_end, const CipherShape& shape)
        : shape_(shape), cipher_(std::make_unique<AeadCipher>(front_end, shape)) {}

    std::unique_ptr<AeadContext> duplicate() const {
        auto cipher = cipher_->duplicate();
        return cipher != nullptr
                   ? std::unique_ptr<AeadContext>(new AeadContext(shape_, std::move(cipher)))
                   : nullptr;
    }

    int init(bool encrypts, const unsigned char* key, std::size_t key_size, const unsigned char* iv,
             std::size_t iv_size, const OSSL_PARAM params[]) {
        return cipher_->init(encrypts, key, key_size, iv, iv_size) ? set_params(params) : 0;
    }

    int update(unsigned char* out, std::size_t* out_size, std::size_t capacity,
               const unsigned char* in, std::size_t size) {
        return cipher_->update(out, out_size, capacity, in, size) ? 1 : 0;
    }

    int final(unsigned char* out, std::size_t* out_size, std::size_t /*capacity*/) {
        return cipher_->final(out, out_size) ? 1 : 0;
    }

    /// EVP_Cipher(3): an update, or with no input the end of the message.
    int one_shot(unsigned char* out, std::size_t* out_size, std::size_t capacity,
                 const unsigned char* in, std::size_t size) {
        if (EVP_CIPHER_CTX* tls = cipher_->handed_over()) {
            const int written = EVP_Cipher(tls, out, in, static_cast<unsigned int>(size));
            *out_size = written > 0 ? static_cast<std::size_t>(written) : 0;
            return written > 0 ? 1 : 0;
        }
        return in != nullptr ? update(out, out_size, capacity, in, size)
                             : final(out, out_size, capacity);
    }

    int get_params(OSSL_PARAM params[]) {
        if (EVP_CIPHER_CTX* tls = cipher_->handed_over()) {
            return EVP_CIPHER_CTX_get_params(tls, params);
        }
        const bool done =
            answer(params, OSSL_CIPHER_PARAM_KEYLEN, shape_.key_size) &&
            answer(params, OSSL_CIPHER_PARAM_IVLEN, cipher_->iv_size()) &&
            answer(params, OSSL_CIPHER_PARAM_AEAD_TAGLEN, cipher_->shown_tag_size()) &&
            answer(params, OSSL_CIPHER_PARAM_IV, cipher_->iv()) &&
            answer(params, OSSL_CIPHER_PARAM_UPDATED_IV, cipher_->iv()) && give_tag(params);
        if (!done) {
            ERR_raise(ERR_LIB_PROV, PROV_R_FAILED_TO_SET_PARAMETER);
        }
        return done ? 1 : 0;
    }

    int set_params(const OSSL_PARAM params[]) {
        if (params == nullptr) {
            return 1;
        }
        bool is_tls = cipher_->handed_over() != nullptr;
        for (const char* name :
             {OSSL_CIPHER_PARAM_AEAD_TLS1_AAD, OSSL_CIPHER_PARAM_AEAD_TLS1_IV_FIXED,
              OSSL_CIPHER_PARAM_AEAD_TLS1_SET_IV_INV}) {
            is_tls |= OSSL_PARAM_locate_const(params, name) != nullptr;
        }
        if (is_tls) {
            EVP_CIPHER_CTX* tls = cipher_->hand_over();
            return tls != nullptr && EVP_CIPHER_CTX_set_params(tls, params) == 1 ? 1 : 0;
        }
        return take_iv_size(params) && accepts_key_size(shape_, params) && take_tag(params) ? 1 : 0;
    }

    static const OSSL_PARAM* gettable() {
        static const OSSL_PARAM params[] = {
            OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_KEYLEN, nullptr),
            OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_IVLEN, nullptr),
            OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_AEAD_TAGLEN, nullptr),
            OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_IV, nullptr, 0),
            OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_UPDATED_IV, nullptr, 0),
            OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, nullptr, 0),
            OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_AEAD_TLS1_AAD_PAD, nullptr),
            OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_GET_IV_GEN, nullptr, 0),
            OSSL_PARAM_END,
        };
        return params;
    }
    static const OSSL_PARAM* settable() {
        static const OSSL_PARAM params[] = {
            OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_KEYLEN, nullptr),
            OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_AEAD_IVLEN, nullptr),
            OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, nullptr, 0),
            OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_AAD, nullptr, 0),
            OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_IV_FIXED, nullptr, 0),
            OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_SET_IV_INV, nullptr, 0),
            OSSL_PARAM_END,
        };
        return params;
    }

  private:
    AeadContext(const CipherShape& shape, std::unique_ptr<AeadCipher> cipher)
        : shape_(shape), cipher_(std::move(cipher)) {}

    bool give_tag(OSSL_PARAM params[]) const {
        OSSL_PARAM* param = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_AEAD_TAG);
        if (param == nullptr) {
            return true;
        }
        const Octets tag = cipher_->tag(param->data_size);
        return !tag.empty() && param->data_type == OSSL_PARAM_OCTET_STRING &&
               OSSL_PARAM_set_octet_string(param, tag.data(), tag.size()) == 1;
    }

    bool take_iv_size(const OSSL_PARAM params[]) {
        const auto* param = OSSL_PARAM_locate_const(params, OSSL_CIPHER_PARAM_AEAD_IVLEN);
        if (param == nullptr) {
            return true;
        }
        std::size_t size = 0;  // which is no size of an IV
        OSSL_PARAM_get_size_t(param, &size);
        return cipher_->set_iv_size(size);
    }

    bool take_tag(const OSSL_PARAM params[]) {
        const auto* param = OSSL_PARAM_locate_const(params, OSSL_CIPHER_PARAM_AEAD_TAG);
        if (param == nullptr) {
            return true;
        }
        if (param->data == nullptr) {  // only its length is said
            if (param->data_size == 0 || param->data_size > aead_tag_size) {
                ERR_raise(ERR_LIB_PROV, PROV_R_INVALID_TAG);
                return false;
            }
            return true;
        }
        std::array<unsigned char, aead_tag_size> tag{};
        void* target = tag.data();
        std::size_t size = 0;
        if (OSSL_PARAM_get_octet_string(param, &target, tag.size(), &size) != 1) {
            ERR_raise(ERR_LIB_PROV, PROV_R_FAILED_TO_GET_PARAMETER);
            return false;
        }
        return cipher_->set_tag(Octets(tag).first(size));
    }

    const CipherShape& shape_;
    std::unique_ptr<AeadCipher> cipher_;
};

}  // namespace

const AlgorithmRow gcm_rows[3] = {
    {AlgorithmFamily::aes_gcm,
     {"AES-128-GCM:id-aes128-GCM:2.16.840.1.101.3.4.1.6", algorithm_properties,
      CipherDispatch<AeadContext, gcm_128>::table, nullptr}},
    {AlgorithmFamily::aes_gcm,
     {"AES-192-GCM:id-aes192-GCM:2.16.840.1.101.3.4.1.26", algorithm_properties,
      CipherDispatch<AeadContext, gcm_192>::table, nullptr}},
    {AlgorithmFamily::aes_gcm,
     {"AES-256-GCM:id-aes256-GCM:2.16.840.1.101.3.4.1.46", algorithm_properties,
      CipherDispatch<AeadContext, gcm_256>::table, nullptr}},
};

const AlgorithmRow chacha_rows[1] = {
    {AlgorithmFamily::chacha20_poly1305,
     {"ChaCha20-Poly1305", algorithm_properties, CipherDispatch<AeadContext, chacha_poly>::table,
      nullptr}},
};

}  // namespace ringside::frontends
