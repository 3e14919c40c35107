// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// provider-signature(7) for Ed25519 keys: whole messages at once. Messages that are longer than the
// device takes, and the variants of RFC 8032 with a context or a hash, are the default provider's.

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/proverr.h>

#include "asymmetric.hpp"
#include "operation_context.hpp"

namespace ringside::frontends {
namespace {

constexpr std::size_t signature_size = 64;

class Ed25519Signature : public OperationContext {
  public:
    static constexpr int duplicate_id = OSSL_FUNC_SIGNATURE_DUPCTX;
    static const SoftwareAlgorithm& functions_of(const PrivateLibcrypto& library) {
        static const SoftwareAlgorithm ed25519(library, OSSL_OP_SIGNATURE, "ED25519");
        return ed25519;
    }

    Ed25519Signature(FrontEnd& front_end, void* software)
        : OperationContext(front_end, functions_of(front_end.software()),
                           OSSL_FUNC_SIGNATURE_FREECTX, software) {}
    bool copy_to(Ed25519Signature& copy) const {
        copy.keep(key().get());
        copy.pair_ = pair_;
        copy.is_pure_ = is_pure_;
        return true;
    }

    int begin(int id, const char* digest, void* given, const OSSL_PARAM params[]) {
        keep(given);
        if (given != nullptr) {
            pair_ = key()->in_device();
            is_pure_ = true;
        }
        note_variant(params);
        return call<OSSL_FUNC_signature_digest_sign_init_fn>(
            id, digest, given != nullptr ? key()->software() : nullptr, params);
    }
    int set_params(const OSSL_PARAM params[]) {
        note_variant(params);
        return call<OSSL_FUNC_signature_set_ctx_params_fn>(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS,
                                                           params);
    }

    int sign(unsigned char* out, std::size_t* out_size, std::size_t capacity,
             const unsigned char* message, std::size_t size) {
        const auto in_software = [&] {
            return call<OSSL_FUNC_signature_digest_sign_fn>(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, out,
                                                            out_size, capacity, message, size);
        };
        if (out == nullptr || capacity < signature_size || !suits_device() ||
            !pair_->has_private_half() || !front_end().wants_device(AlgorithmFamily::ed25519)) {
            return in_software();
        }
        const auto done =
            pair_->run(&driver::sign, {octets(message, size)}, octets(out, signature_size));
        if (!done && goes_to_software(done.error())) {
            return in_software();
        }
        if (!done) {
            raise_error(PROV_R_FAILED_TO_SIGN, done.error());
            return 0;
        }
        *out_size = signature_size;
        return 1;
    }

    int verify(const unsigned char* signature, std::size_t size, const unsigned char* message,
               std::size_t message_size) {
        const auto in_software = [&] {
            return call<OSSL_FUNC_signature_digest_verify_fn>(
                OSSL_FUNC_SIGNATURE_DIGEST_VERIFY, signature, size, message, message_size);
        };
        if (size != signature_size || !suits_device() || pair_->public_half().empty() ||
            !front_end().wants_device(AlgorithmFamily::ed25519)) {
            return in_software();
        }
        const auto done = pair_->run(&driver::verify,
                                     {octets(signature, size), octets(message, message_size)}, {});
        if (!done && goes_to_software(done.error())) {
            return in_software();
        }
        if (!done && done.error() != driver::Errc::crypto_failed) {
            raise_error(PROV_R_FAILED_TO_SIGN, done.error());
        }
        return done ? 1 : 0;
    }

  private:
    bool suits_device() const { return pair_ != nullptr && is_pure_; }
    bool goes_to_software(const boost::system::error_code& error) {
        return error == driver::Errc::invalid_request /* too long */ ||
               front_end().falls_back(error);
    }
    void note_variant(const OSSL_PARAM params[]) {
        for (const char* name : {"instance", "context-string"}) {  // from OpenSSL 3.2 on
            is_pure_ =
                is_pure_ && (params == nullptr || OSSL_PARAM_locate_const(params, name) == nullptr);
        }
    }

    std::shared_ptr<DeviceKeyPair> pair_;
    bool is_pure_ = true;
};

Ed25519Signature& self(void* context) {
    return *static_cast<Ed25519Signature*>(context);
}

template <int Id>
int begin(void* context, const char* digest, void* key, const OSSL_PARAM params[]) {
    return guarded(0, [&] { return self(context).begin(Id, digest, key, params); });
}

int set_params(void* context, const OSSL_PARAM params[]) {
    return self(context).set_params(params);
}

int sign(void* context, unsigned char* signature, size_t* size, size_t capacity,
         const unsigned char* message, size_t message_size) {
    return guarded(
        0, [&] { return self(context).sign(signature, size, capacity, message, message_size); });
}

int verify(void* context, const unsigned char* signature, size_t size, const unsigned char* message,
           size_t message_size) {
    return guarded(0, [&] { return self(context).verify(signature, size, message, message_size); });
}

}  // namespace

const OSSL_DISPATCH* ed25519_functions(const PrivateLibcrypto& library) {
    static const auto table = signature_table<Ed25519Signature>(
        library, {
                     dispatch_entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT,
                                    &begin<OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT>),
                     dispatch_entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, &sign),
                     dispatch_entry(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT,
                                    &begin<OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT>),
                     dispatch_entry(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY, &verify),
                     dispatch_entry(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, &set_params),
                 });
    return table.data();
}

}  // namespace ringside::frontends
