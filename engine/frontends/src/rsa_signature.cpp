// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// provider-signature(7) for RSA keys: PKCS #1 v1.5, PSS and what else the default provider can. It
// works on the identity of RsaTransform, so that "signing" gives the encoded message and
// "verifying" takes it; before or after comes the device's power.

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/proverr.h>
#include <openssl/rsa.h>

#include "asymmetric.hpp"
#include "forwarding.hpp"
#include "operation_context.hpp"

namespace ringside::frontends {
namespace {

using Number = std::unique_ptr<BIGNUM, decltype(&BN_clear_free)>;

class RsaSignature : public OperationContext {
  public:
    static constexpr int duplicate_id = OSSL_FUNC_SIGNATURE_DUPCTX;
    static const SoftwareAlgorithm& functions_of(const PrivateLibcrypto& library) {
        static const SoftwareAlgorithm rsa(library, OSSL_OP_SIGNATURE, "RSA");
        return rsa;
    }

    RsaSignature(FrontEnd& front_end, void* software)
        : OperationContext(front_end, functions_of(front_end.software()),
                           OSSL_FUNC_SIGNATURE_FREECTX, software) {}
    bool copy_to(RsaSignature& copy) const {
        copy.keep(key().get());
        copy.transform_ = transform_;
        return true;
    }

    /// Keeps the key; what the default provider is to have in its place.
    void* take(void* given) {
        keep(given);
        if (given == nullptr) {
            return nullptr;
        }
        transform_ = key()->rsa();
        return transform_ != nullptr ? transform_->identity() : key()->software();
    }

    /// From the encoded message, in place, to the signature.
    int finish(unsigned char* signature) {
        if (signature == nullptr || transform_ == nullptr) {
            return 1;
        }
        if (transform_->private_power(signature, signature) &&
            (padding() != RSA_X931_PADDING || take_smaller(signature))) {
            return 1;
        }
        OPENSSL_cleanse(signature, transform_->size());
        return 0;
    }

    /// Writes to `encoded` what a signature was made from. False if it was made with another key.
    bool open(const unsigned char* signature, std::size_t size, unsigned char* encoded) {
        if (size != transform_->size()) {
            ERR_raise(ERR_LIB_RSA, RSA_R_WRONG_SIGNATURE_LENGTH);
            return false;
        }
        return transform_->public_power(signature, encoded);
    }
    bool is_direct() const { return transform_ == nullptr; }

  private:
    int padding() const {
        int mode = 0;
        OSSL_PARAM params[] = {
            OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_PAD_MODE, &mode),
            OSSL_PARAM_construct_end(),
        };
        call<OSSL_FUNC_signature_get_ctx_params_fn>(OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, params);
        return mode;
    }
    /// ANSI X9.31: of s and n - s.
    bool take_smaller(unsigned char* signature) const {
        const auto modulus = transform_->modulus();
        const int size = static_cast<int>(modulus.size());
        const Number s(BN_bin2bn(signature, size, nullptr), &BN_clear_free);
        const Number other(
            BN_bin2bn(reinterpret_cast<const unsigned char*>(modulus.data()), size, nullptr),
            &BN_clear_free);
        return s != nullptr && other != nullptr && BN_sub(other.get(), other.get(), s.get()) == 1 &&
               (BN_cmp(other.get(), s.get()) > 0 ||
                BN_bn2binpad(other.get(), signature, size) == size);
    }

    std::shared_ptr<RsaTransform> transform_;  ///< null: the default provider has the key itself
};

RsaSignature& self(void* context) {
    return *static_cast<RsaSignature*>(context);
}

template <int Id>
int begin(void* context, void* key, const OSSL_PARAM params[]) {
    return guarded(0, [&] {
        void* const taken = self(context).take(key);
        return self(context).call<OSSL_FUNC_signature_sign_init_fn>(Id, taken, params);
    });
}

template <int Id>
int begin_digest(void* context, const char* digest, void* key, const OSSL_PARAM params[]) {
    return guarded(0, [&] {
        void* const taken = self(context).take(key);
        return self(context).call<OSSL_FUNC_signature_digest_sign_init_fn>(Id, digest, taken,
                                                                           params);
    });
}

int sign(void* context, unsigned char* signature, size_t* size, size_t capacity,
         const unsigned char* digest, size_t digest_size) {
    return guarded(0, [&] {
        return self(context).call<OSSL_FUNC_signature_sign_fn>(
                   OSSL_FUNC_SIGNATURE_SIGN, signature, size, capacity, digest, digest_size) == 1
                   ? self(context).finish(signature)
                   : 0;
    });
}

int finish_digest_sign(void* context, unsigned char* signature, size_t* size, size_t capacity) {
    return guarded(0, [&] {
        return self(context).call<OSSL_FUNC_signature_digest_sign_final_fn>(
                   OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, signature, size, capacity) == 1
                   ? self(context).finish(signature)
                   : 0;
    });
}

int verify(void* context, const unsigned char* signature, size_t size, const unsigned char* digest,
           size_t digest_size) {
    return guarded(0, [&] {
        std::array<unsigned char, RsaInDevice::largest_size> encoded{};
        if (!self(context).is_direct()) {
            if (!self(context).open(signature, size, encoded.data())) {
                return 0;
            }
            signature = encoded.data();
        }
        return self(context).call<OSSL_FUNC_signature_verify_fn>(
            OSSL_FUNC_SIGNATURE_VERIFY, signature, size, digest, digest_size);
    });
}

int finish_digest_verify(void* context, const unsigned char* signature, size_t size) {
    return guarded(0, [&] {
        std::array<unsigned char, RsaInDevice::largest_size> encoded{};
        if (!self(context).is_direct()) {
            if (!self(context).open(signature, size, encoded.data())) {
                return 0;
            }
            signature = encoded.data();
        }
        return self(context).call<OSSL_FUNC_signature_digest_verify_final_fn>(
            OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_FINAL, signature, size);
    });
}

int recover(void* context, unsigned char* out, size_t* out_size, size_t capacity,
            const unsigned char* signature, size_t size) {
    return guarded(0, [&] {
        std::array<unsigned char, RsaInDevice::largest_size> encoded{};
        if (!self(context).is_direct() && out != nullptr) {
            if (!self(context).open(signature, size, encoded.data())) {
                return 0;
            }
            signature = encoded.data();
        }
        return self(context).call<OSSL_FUNC_signature_verify_recover_fn>(
            OSSL_FUNC_SIGNATURE_VERIFY_RECOVER, out, out_size, capacity, signature, size);
    });
}

}  // namespace

const OSSL_DISPATCH* rsa_signature_functions(const PrivateLibcrypto& library) {
    static const auto table = signature_table<RsaSignature>(
        library,
        {
            dispatch_entry(OSSL_FUNC_SIGNATURE_SIGN_INIT, &begin<OSSL_FUNC_SIGNATURE_SIGN_INIT>),
            dispatch_entry(OSSL_FUNC_SIGNATURE_SIGN, &sign),
            dispatch_entry(OSSL_FUNC_SIGNATURE_VERIFY_INIT,
                           &begin<OSSL_FUNC_SIGNATURE_VERIFY_INIT>),
            dispatch_entry(OSSL_FUNC_SIGNATURE_VERIFY, &verify),
            dispatch_entry(OSSL_FUNC_SIGNATURE_VERIFY_RECOVER_INIT,
                           &begin<OSSL_FUNC_SIGNATURE_VERIFY_RECOVER_INIT>),
            dispatch_entry(OSSL_FUNC_SIGNATURE_VERIFY_RECOVER, &recover),
            dispatch_entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT,
                           &begin_digest<OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT>),
            forward<RsaSignature, OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE,
                    OSSL_FUNC_signature_digest_sign_update_fn>(),
            dispatch_entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, &finish_digest_sign),
            dispatch_entry(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT,
                           &begin_digest<OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT>),
            forward<RsaSignature, OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_UPDATE,
                    OSSL_FUNC_signature_digest_verify_update_fn>(),
            dispatch_entry(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_FINAL, &finish_digest_verify),
        });
    return table.data();
}

}  // namespace ringside::frontends
