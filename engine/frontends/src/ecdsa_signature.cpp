// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// provider-signature(7) for EC keys. The device signs and verifies digests; what is hashed is
// hashed here. Curves and sizes that it does not take are the default provider's, with the same
// context.

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/proverr.h>

#include "asymmetric.hpp"
#include "operation_context.hpp"

namespace ringside::frontends {
namespace {

constexpr std::size_t largest_digest = 64;
constexpr std::size_t largest_signature = 2 * 48;
using RawSignature = std::array<unsigned char, largest_signature>;

struct Deleter {
    void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
    void operator()(unsigned char* der) const { OPENSSL_free(der); }
};
template <typename Object>
using Handle = std::unique_ptr<Object, Deleter>;

/// From r and s to DER; 0: no memory.
std::size_t encode(const RawSignature& raw, std::size_t number_size, unsigned char* der) {
    const int size = static_cast<int>(number_size);
    const Handle<ECDSA_SIG> signature(ECDSA_SIG_new());
    BIGNUM* const r = BN_bin2bn(raw.data(), size, nullptr);
    BIGNUM* const s = BN_bin2bn(raw.data() + size, size, nullptr);
    if (signature == nullptr || r == nullptr || s == nullptr) {
        BN_free(r);
        BN_free(s);
        return 0;
    }
    ECDSA_SIG_set0(signature.get(), r, s);
    const int length = i2d_ECDSA_SIG(signature.get(), &der);
    return length > 0 ? static_cast<std::size_t>(length) : 0;
}

/// From DER to r and s. False: it is not DER, or they cannot be right.
bool decode(const unsigned char* der, std::size_t size, std::size_t number_size,
            RawSignature& raw) {
    const unsigned char* in = der;
    const Handle<ECDSA_SIG> signature(d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(size)));
    if (signature == nullptr) {
        return false;
    }
    // One value has one encoding, and nothing stands behind it.
    unsigned char* again = nullptr;
    const int length = i2d_ECDSA_SIG(signature.get(), &again);
    const Handle<unsigned char> owned(again);
    if (length < 0 || static_cast<std::size_t>(length) != size ||
        !std::equal(der, der + size, again)) {
        return false;
    }
    const BIGNUM* const r = ECDSA_SIG_get0_r(signature.get());
    const BIGNUM* const s = ECDSA_SIG_get0_s(signature.get());
    const int width = static_cast<int>(number_size);
    return BN_is_negative(r) == 0 && BN_is_negative(s) == 0 &&
           BN_bn2binpad(r, raw.data(), width) == width &&
           BN_bn2binpad(s, raw.data() + width, width) == width;
}

class EcdsaSignature : public OperationContext {
  public:
    static constexpr int duplicate_id = OSSL_FUNC_SIGNATURE_DUPCTX;
    static const SoftwareAlgorithm& functions_of(const PrivateLibcrypto& library) {
        static const SoftwareAlgorithm ecdsa(library, OSSL_OP_SIGNATURE, "ECDSA");
        return ecdsa;
    }

    EcdsaSignature(FrontEnd& front_end, void* software)
        : OperationContext(front_end, functions_of(front_end.software()),
                           OSSL_FUNC_SIGNATURE_FREECTX, software) {}
    bool copy_to(EcdsaSignature& copy) const {
        copy.keep(key().get());
        copy.pair_ = pair_;
        if (hash_ != nullptr) {
            copy.hash_.reset(EVP_MD_CTX_new());
            return copy.hash_ != nullptr && EVP_MD_CTX_copy_ex(copy.hash_.get(), hash_.get()) == 1;
        }
        return true;
    }

    int begin(int id, void* given, const OSSL_PARAM params[]) {
        return call<OSSL_FUNC_signature_sign_init_fn>(id, take(given), params);
    }
    int begin_digest(int id, const char* digest, void* given, const OSSL_PARAM params[]) {
        const int begun =
            call<OSSL_FUNC_signature_digest_sign_init_fn>(id, digest, take(given), params);
        return begun == 1 && begin_hash() ? 1 : 0;
    }
    int update(const unsigned char* data, std::size_t size) {
        return EVP_DigestUpdate(hash_.get(), data, size);
    }

    int sign(unsigned char* out, std::size_t* out_size, std::size_t capacity,
             const unsigned char* digest, std::size_t digest_size) {
        std::size_t largest = 0;
        const auto in_software = [&] {
            return call<OSSL_FUNC_signature_sign_fn>(OSSL_FUNC_SIGNATURE_SIGN, out, out_size,
                                                     capacity, digest, digest_size);
        };
        if (out == nullptr || !suits_device(digest_size) || !pair_->has_private_half() ||
            call<OSSL_FUNC_signature_sign_fn>(OSSL_FUNC_SIGNATURE_SIGN, nullptr, &largest, 0,
                                              digest, digest_size) != 1 ||
            capacity < largest || !front_end().wants_device(AlgorithmFamily::ecdsa)) {
            return in_software();
        }
        RawSignature raw{};
        const std::size_t width = number_size();
        const auto done =
            pair_->run(&driver::sign, {octets(digest, digest_size)}, octets(raw.data(), 2 * width));
        if (!done && front_end().falls_back(done.error())) {
            return in_software();
        }
        if (!done) {
            raise_error(PROV_R_FAILED_TO_SIGN, done.error());
            return 0;
        }
        *out_size = encode(raw, width, out);
        return *out_size != 0 ? 1 : 0;
    }

    int verify(const unsigned char* signature, std::size_t size, const unsigned char* digest,
               std::size_t digest_size) {
        const auto in_software = [&] {
            return call<OSSL_FUNC_signature_verify_fn>(OSSL_FUNC_SIGNATURE_VERIFY, signature, size,
                                                       digest, digest_size);
        };
        RawSignature raw{};
        if (!suits_device(digest_size) || pair_->public_half().empty() ||
            !decode(signature, size, number_size(), raw) ||
            !front_end().wants_device(AlgorithmFamily::ecdsa)) {
            return in_software();
        }
        const auto done =
            pair_->run(&driver::verify,
                       {octets(raw.data(), 2 * number_size()), octets(digest, digest_size)}, {});
        if (!done && front_end().falls_back(done.error())) {
            return in_software();
        }
        if (!done && done.error() != driver::Errc::crypto_failed) {
            raise_error(PROV_R_FAILED_TO_SIGN, done.error());
        }
        return done ? 1 : 0;
    }

    int finish_sign(unsigned char* out, std::size_t* out_size, std::size_t capacity) {
        Digest digest{};
        const unsigned size = out != nullptr ? finish_hash(digest) : 0;
        return out == nullptr || size != 0 ? sign(out, out_size, capacity, digest.data(), size) : 0;
    }
    int finish_verify(const unsigned char* signature, std::size_t size) {
        Digest digest{};
        const unsigned digest_size = finish_hash(digest);
        return digest_size != 0 ? verify(signature, size, digest.data(), digest_size) : 0;
    }

  private:
    using Digest = std::array<unsigned char, EVP_MAX_MD_SIZE>;

    void* take(void* given) {
        keep(given);
        if (given != nullptr) {
            pair_ = key()->in_device();
        }
        return given != nullptr ? key()->software() : nullptr;
    }
    std::size_t number_size() const {
        return pair_->algorithm() == spec::Algorithm::ec_p256 ? 32 : 48;
    }

    /// With the digest that the default provider has settled on.
    bool begin_hash() {
        std::array<char, 64> name{};
        OSSL_PARAM params[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, name.data(), name.size()),
            OSSL_PARAM_construct_end(),
        };
        if (call<OSSL_FUNC_signature_get_ctx_params_fn>(OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS,
                                                        params) != 1) {
            return false;
        }
        const Handle<EVP_MD> digest(
            EVP_MD_fetch(front_end().software().context(), name.data(), nullptr));
        hash_.reset(EVP_MD_CTX_new());
        return digest != nullptr && hash_ != nullptr &&
               EVP_DigestInit_ex2(hash_.get(), digest.get(), nullptr) == 1;
    }
    unsigned finish_hash(Digest& digest) {
        unsigned size = 0;
        return hash_ != nullptr && EVP_DigestFinal_ex(hash_.get(), digest.data(), &size) == 1 ? size
                                                                                              : 0;
    }

    /// Deterministic nonces, and a digest that is not of the size that was announced, are the
    /// default provider's, to do or to refuse.
    bool suits_device(std::size_t digest_size) const {
        if (pair_ == nullptr || digest_size == 0 || digest_size > largest_digest) {
            return false;
        }
        std::size_t announced = 0;
        unsigned nonce_type = 0;
        OSSL_PARAM params[] = {
            OSSL_PARAM_construct_size_t(OSSL_SIGNATURE_PARAM_DIGEST_SIZE, &announced),
            OSSL_PARAM_construct_uint("nonce-type", &nonce_type),
            OSSL_PARAM_construct_end(),
        };
        return call<OSSL_FUNC_signature_get_ctx_params_fn>(OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS,
                                                           params) == 1 &&
               (announced == 0 || announced == digest_size) && nonce_type == 0;
    }

    std::shared_ptr<DeviceKeyPair> pair_;  ///< null: a key that the device does not take
    Handle<EVP_MD_CTX> hash_;
};

EcdsaSignature& self(void* context) {
    return *static_cast<EcdsaSignature*>(context);
}

template <int Id>
int begin(void* context, void* key, const OSSL_PARAM params[]) {
    return guarded(0, [&] { return self(context).begin(Id, key, params); });
}

template <int Id>
int begin_digest(void* context, const char* digest, void* key, const OSSL_PARAM params[]) {
    return guarded(0, [&] { return self(context).begin_digest(Id, digest, key, params); });
}

int update(void* context, const unsigned char* data, size_t size) {
    return self(context).update(data, size);
}

int sign(void* context, unsigned char* signature, size_t* size, size_t capacity,
         const unsigned char* digest, size_t digest_size) {
    return guarded(
        0, [&] { return self(context).sign(signature, size, capacity, digest, digest_size); });
}

int finish_sign(void* context, unsigned char* signature, size_t* size, size_t capacity) {
    return guarded(0, [&] { return self(context).finish_sign(signature, size, capacity); });
}

int verify(void* context, const unsigned char* signature, size_t size, const unsigned char* digest,
           size_t digest_size) {
    return guarded(0, [&] { return self(context).verify(signature, size, digest, digest_size); });
}

int finish_verify(void* context, const unsigned char* signature, size_t size) {
    return guarded(0, [&] { return self(context).finish_verify(signature, size); });
}

}  // namespace

const OSSL_DISPATCH* ecdsa_functions(const PrivateLibcrypto& library) {
    static const auto table = signature_table<EcdsaSignature>(
        library,
        {
            dispatch_entry(OSSL_FUNC_SIGNATURE_SIGN_INIT, &begin<OSSL_FUNC_SIGNATURE_SIGN_INIT>),
            dispatch_entry(OSSL_FUNC_SIGNATURE_SIGN, &sign),
            dispatch_entry(OSSL_FUNC_SIGNATURE_VERIFY_INIT,
                           &begin<OSSL_FUNC_SIGNATURE_VERIFY_INIT>),
            dispatch_entry(OSSL_FUNC_SIGNATURE_VERIFY, &verify),
            dispatch_entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT,
                           &begin_digest<OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT>),
            dispatch_entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, &update),
            dispatch_entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, &finish_sign),
            dispatch_entry(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT,
                           &begin_digest<OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT>),
            dispatch_entry(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_UPDATE, &update),
            dispatch_entry(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_FINAL, &finish_verify),
        });
    return table.data();
}

}  // namespace ringside::frontends
