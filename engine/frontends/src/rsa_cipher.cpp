// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// provider-asym_cipher(7) for RSA keys: PKCS #1 v1.5, OAEP, TLS's key transport, no padding. As
// with signatures the default provider pads and checks, in constant time, on RsaTransform's
// identity.

#include <openssl/err.h>
#include <openssl/proverr.h>
#include <openssl/rsa.h>

#include "asymmetric.hpp"
#include "operation_context.hpp"

namespace ringside::frontends {
namespace {

class RsaCipher : public OperationContext {
  public:
    static constexpr int duplicate_id = OSSL_FUNC_ASYM_CIPHER_DUPCTX;
    static const SoftwareAlgorithm& functions_of(const PrivateLibcrypto& library) {
        static const SoftwareAlgorithm rsa(library, OSSL_OP_ASYM_CIPHER, "RSA");
        return rsa;
    }

    RsaCipher(FrontEnd& front_end, void* software)
        : OperationContext(front_end, functions_of(front_end.software()),
                           OSSL_FUNC_ASYM_CIPHER_FREECTX, software) {}
    bool copy_to(RsaCipher& copy) const {
        copy.keep(key().get());
        copy.transform_ = transform_;
        return true;
    }

    int begin(int id, void* given, const OSSL_PARAM params[]) {
        keep(given);
        void* instead = nullptr;
        if (given != nullptr) {
            transform_ = key()->rsa();
            instead = transform_ != nullptr ? transform_->identity() : key()->software();
        }
        return call<OSSL_FUNC_asym_cipher_encrypt_init_fn>(id, instead, params);
    }

    int encrypt(unsigned char* out, std::size_t* out_size, std::size_t capacity,
                const unsigned char* in, std::size_t size) {
        const int padded = call<OSSL_FUNC_asym_cipher_encrypt_fn>(
            OSSL_FUNC_ASYM_CIPHER_ENCRYPT, out, out_size, capacity, in, size);
        if (padded != 1 || out == nullptr || transform_ == nullptr) {
            return padded;
        }
        if (transform_->public_power(out, out)) {
            return 1;
        }
        OPENSSL_cleanse(out, transform_->size());
        return 0;
    }

    int decrypt(unsigned char* out, std::size_t* out_size, std::size_t capacity,
                const unsigned char* in, std::size_t size) {
        const auto check = [&](const unsigned char* padded, std::size_t padded_size) {
            return call<OSSL_FUNC_asym_cipher_decrypt_fn>(OSSL_FUNC_ASYM_CIPHER_DECRYPT, out,
                                                          out_size, capacity, padded, padded_size);
        };
        if (out == nullptr || transform_ == nullptr) {
            return check(in, size);
        }
        const std::size_t width = transform_->size();
        if (size > width) {
            ERR_raise(ERR_LIB_RSA, RSA_R_DATA_GREATER_THAN_MOD_LEN);
            return 0;
        }
        // A shorter ciphertext is a smaller number.
        std::array<unsigned char, RsaInDevice::largest_size> padded{};
        std::copy_n(in, size, padded.begin() + static_cast<std::ptrdiff_t>(width - size));
        const int done = transform_->private_power(padded.data(), padded.data())
                             ? check(padded.data(), width)
                             : 0;
        OPENSSL_cleanse(padded.data(), padded.size());
        return done;
    }

  private:
    std::shared_ptr<RsaTransform> transform_;  ///< null: the default provider has the key itself
};

RsaCipher& self(void* context) {
    return *static_cast<RsaCipher*>(context);
}

void* create(void* front_end) {
    const auto& library = static_cast<FrontEnd*>(front_end)->software();
    return ContextLife<RsaCipher>::create(
        front_end, RsaCipher::functions_of(library).get<OSSL_FUNC_asym_cipher_newctx_fn>(
                       OSSL_FUNC_ASYM_CIPHER_NEWCTX)(library.provider_context()));
}

template <int id>
int begin(void* context, void* key, const OSSL_PARAM params[]) {
    return guarded(0, [&] { return self(context).begin(id, key, params); });
}

int encrypt(void* context, unsigned char* out, size_t* out_size, size_t capacity,
            const unsigned char* in, size_t size) {
    return guarded(0, [&] { return self(context).encrypt(out, out_size, capacity, in, size); });
}

int decrypt(void* context, unsigned char* out, size_t* out_size, size_t capacity,
            const unsigned char* in, size_t size) {
    return guarded(0, [&] { return self(context).decrypt(out, out_size, capacity, in, size); });
}

}  // namespace

const OSSL_DISPATCH* rsa_cipher_functions(const PrivateLibcrypto& library) {
    using Life = ContextLife<RsaCipher>;
    static const auto table = RsaCipher::functions_of(library).replace(std::array{
        dispatch_entry(OSSL_FUNC_ASYM_CIPHER_NEWCTX, &create),
        dispatch_entry(OSSL_FUNC_ASYM_CIPHER_FREECTX, &Life::destroy),
        dispatch_entry(OSSL_FUNC_ASYM_CIPHER_DUPCTX, &Life::duplicate),
        dispatch_entry(OSSL_FUNC_ASYM_CIPHER_ENCRYPT_INIT,
                       &begin<OSSL_FUNC_ASYM_CIPHER_ENCRYPT_INIT>),
        dispatch_entry(OSSL_FUNC_ASYM_CIPHER_ENCRYPT, &encrypt),
        dispatch_entry(OSSL_FUNC_ASYM_CIPHER_DECRYPT_INIT,
                       &begin<OSSL_FUNC_ASYM_CIPHER_DECRYPT_INIT>),
        dispatch_entry(OSSL_FUNC_ASYM_CIPHER_DECRYPT, &decrypt),
        forward<RsaCipher, OSSL_FUNC_ASYM_CIPHER_GET_CTX_PARAMS,
                OSSL_FUNC_asym_cipher_get_ctx_params_fn>(),
        forward<RsaCipher, OSSL_FUNC_ASYM_CIPHER_GETTABLE_CTX_PARAMS,
                OSSL_FUNC_asym_cipher_gettable_ctx_params_fn>(),
        forward<RsaCipher, OSSL_FUNC_ASYM_CIPHER_SET_CTX_PARAMS,
                OSSL_FUNC_asym_cipher_set_ctx_params_fn>(),
        forward<RsaCipher, OSSL_FUNC_ASYM_CIPHER_SETTABLE_CTX_PARAMS,
                OSSL_FUNC_asym_cipher_settable_ctx_params_fn>(),
    });
    return table.data();
}

}  // namespace ringside::frontends
