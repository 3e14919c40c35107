// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// AES-XTS as provider-cipher(7) wants it.

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/proverr.h>

#include <memory>

#include "cipher_dispatch.hpp"
#include "xts_cipher.hpp"

namespace ringside::frontends {
namespace {

class XtsContext {
  public:
    XtsContext(FrontEnd& front_end, const CipherShape& shape)
        : shape_(shape), cipher_(front_end, shape) {}

    std::unique_ptr<XtsContext> duplicate() const { return std::make_unique<XtsContext>(*this); }

    int init(bool encrypts, const unsigned char* key, std::size_t key_size, const unsigned char* iv,
             std::size_t iv_size, const OSSL_PARAM params[]) {
        return cipher_.init(encrypts, key, key_size, iv, iv_size) ? set_params(params) : 0;
    }

    int update(unsigned char* out, std::size_t* out_size, std::size_t capacity,
               const unsigned char* in, std::size_t size) {
        *out_size = 0;
        if (capacity < size) {
            ERR_raise(ERR_LIB_PROV, PROV_R_OUTPUT_BUFFER_TOO_SMALL);
            return 0;
        }
        if (!cipher_.transform(in, out, size)) {
            return 0;
        }
        *out_size = size;
        return 1;
    }

    int final(unsigned char* /*out*/, std::size_t* out_size, std::size_t /*capacity*/) {
        *out_size = 0;
        return 1;
    }

    /// EVP_Cipher(3).
    int one_shot(unsigned char* out, std::size_t* out_size, std::size_t capacity,
                 const unsigned char* in, std::size_t size) {
        return update(out, out_size, capacity, in, size);
    }

    int get_params(OSSL_PARAM params[]) {
        const IvParams now{.original_iv = cipher_.tweak(), .iv = cipher_.tweak(), .pads = true};
        return get_iv_params(shape_, now, params);
    }

    int set_params(const OSSL_PARAM params[]) {
        return params == nullptr || accepts_key_size(shape_, params) ? 1 : 0;
    }

    static const OSSL_PARAM* gettable() { return gettable_iv_params(); }
    static const OSSL_PARAM* settable() {
        static const OSSL_PARAM params[] = {
            OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_KEYLEN, nullptr),
            OSSL_PARAM_END,
        };
        return params;
    }

  private:
    const CipherShape& shape_;
    XtsCipher cipher_;
};

}  // namespace

const AlgorithmRow xts_rows[2] = {
    {AlgorithmFamily::aes_xts,
     {"AES-128-XTS:1.3.111.2.1619.0.1.1", algorithm_properties,
      CipherDispatch<XtsContext, xts_128>::table, nullptr}},
    {AlgorithmFamily::aes_xts,
     {"AES-256-XTS:1.3.111.2.1619.0.1.2", algorithm_properties,
      CipherDispatch<XtsContext, xts_256>::table, nullptr}},
};

}  // namespace ringside::frontends
