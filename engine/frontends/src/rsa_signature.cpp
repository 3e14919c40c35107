// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// provider-signature(7) for RSA keys: PKCS #1 v1.5, PSS and what else the default provider can. It
// works on the identity of RsaTransform, so that "signing" gives the encoded message and
// "verifying" takes it; before or after comes the device's power. What RsaEncoding encodes is
// signed without the identity.

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/proverr.h>
#include <openssl/rsa.h>

#include <array>
#include <optional>
#include <utility>

#include "asymmetric.hpp"
#include "device_hashes.hpp"
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
        copy.collects_ = collects_;
        copy.collected_.append(collected_.octets());
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

    /// From a digest, or a message if the context has none, to the signature. Empty: that is for
    /// the identity to do. Nothing on this stack owns while the device works.
    std::optional<int> sign_encoded(const RsaScheme& how, Octets digest, unsigned char* signature,
                                    std::size_t* size, std::size_t capacity) {
        if (capacity < transform_->size()) {
            return std::nullopt;
        }
        const auto encoded = transform_->encoding().encode(how, digest, signature);
        if (!encoded) {
            return std::nullopt;
        }
        *size = transform_->size();
        if (*encoded && transform_->private_power(signature, signature)) {
            return 1;
        }
        OPENSSL_cleanse(signature, transform_->size());
        return 0;
    }
    int sign(unsigned char* signature, std::size_t* size, std::size_t capacity, Octets digest) {
        const auto how = transform_ != nullptr && signature != nullptr ? scheme() : std::nullopt;
        const auto done =
            how ? sign_encoded(*how, digest, signature, size, capacity) : std::nullopt;
        if (done) {
            return *done;
        }
        return call<OSSL_FUNC_signature_sign_fn>(OSSL_FUNC_SIGNATURE_SIGN, signature, size,
                                                 capacity, digest.data(), digest.size()) == 1
                   ? finish(signature)
                   : 0;
    }

    // ---- a message that comes in pieces and is hashed ----

    /// The digest has been set, and the message begins.
    void begin_message() {
        collects_ = transform_ != nullptr;
        collected_.clear();
    }
    int update(Octets octets) {
        if (collects_ && octets.size() <= most_collected - collected_.size()) {
            collected_.append(octets);
            return 1;
        }
        return give_collected() ? give(octets) : 0;
    }
    int finish_message(unsigned char* signature, std::size_t* size, std::size_t capacity) {
        if (signature != nullptr && collects_) {
            std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
            const auto how = scheme();
            const auto done =
                how && how->digest != nullptr && hash_collected(*how->digest, digest.data())
                    ? sign_encoded(*how, Octets(digest).first(how->digest->size), signature, size,
                                   capacity)
                    : std::nullopt;
            if (done) {
                return *done;
            }
        }
        if (signature != nullptr && !give_collected()) {
            return 0;
        }
        return call<OSSL_FUNC_signature_digest_sign_final_fn>(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL,
                                                              signature, size, capacity) == 1
                   ? finish(signature)
                   : 0;
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
    /// TLS signs less than 300 bytes; what is longer has a digest that costs more than an identity.
    static constexpr std::size_t most_collected = 4096;

    /// Empty: one that RsaEncoding does not know.
    std::optional<RsaScheme> scheme() const {
        RsaScheme found;
        std::array<char, 64> digest{};
        std::array<char, 64> mask_digest{};
        OSSL_PARAM params[] = {
            OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_PAD_MODE, &found.padding),
            OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, &found.salt_size),
            OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, digest.data(),
                                             digest.size()),
            OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, mask_digest.data(),
                                             mask_digest.size()),
            OSSL_PARAM_construct_end(),
        };
        ERR_set_mark();
        const bool answered = call<OSSL_FUNC_signature_get_ctx_params_fn>(
                                  OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, params) == 1;
        ERR_pop_to_mark();
        const auto known = [this](const std::array<char, 64>& name, const HashShape*& shape) {
            shape = name.front() != '\0' ? find_device_hash(front_end(), name.data()) : nullptr;
            return name.front() == '\0' || shape != nullptr;
        };
        return answered && known(digest, found.digest) && known(mask_digest, found.mask_digest)
                   ? std::optional(found)
                   : std::nullopt;
    }

    /// Writes the digest of collected_; false: there was no memory.
    bool hash_collected(const HashShape& shape, unsigned char* digest) const {
        const DigestHandle hash = front_end().software().fetch_digest(shape.name);
        const Octets message = collected_.octets();
        return hash != nullptr && EVP_Digest(message.data(), message.size(), digest, nullptr,
                                             hash.get(), nullptr) == 1;
    }

    int give(Octets octets) const {
        return call<OSSL_FUNC_signature_digest_sign_update_fn>(
            OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, octets.data(), octets.size());
    }
    /// The default provider goes on from here.
    bool give_collected() {
        const bool done = !std::exchange(collects_, false) || give(collected_.octets()) == 1;
        collected_.clear();
        return done;
    }

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
    bool collects_ = false;                    ///< the message so far is collected_
    CollectedOctets collected_;
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
        return self(context).sign(signature, size, capacity, {digest, digest_size});
    });
}

int begin_digest_sign(void* context, const char* digest, void* key, const OSSL_PARAM params[]) {
    return guarded(0, [&] {
        const int begun =
            begin_digest<OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT>(context, digest, key, params);
        self(context).begin_message();
        return begun;
    });
}

int update_digest_sign(void* context, const unsigned char* data, size_t size) {
    return guarded(0, [&] { return self(context).update({data, size}); });
}

int finish_digest_sign(void* context, unsigned char* signature, size_t* size, size_t capacity) {
    return guarded(0, [&] { return self(context).finish_message(signature, size, capacity); });
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
            dispatch_entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, &begin_digest_sign),
            dispatch_entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, &update_digest_sign),
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
