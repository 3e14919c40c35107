// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#define OPENSSL_SUPPRESS_DEPRECATED  // the padding functions, which have no successors
#include "rsa_encoding.hpp"

#include <openssl/bn.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <new>

namespace ringside::frontends {
namespace {

/// RFC 8017, 9.2: what stands before a digest of SHA-2 in a DigestInfo.
using Prefix = std::array<unsigned char, 19>;

struct LastArc {
    const HashShape* digest;
    unsigned char arc;  ///< x in 2.16.840.1.101.3.4.2.x
};
constexpr LastArc last_arcs[] = {{&sha2_256, 1}, {&sha2_384, 2}, {&sha2_512, 3}, {&sha2_224, 4}};

std::optional<Prefix> prefix_of(const HashShape* digest) {
    const auto* const found =
        std::find_if(std::begin(last_arcs), std::end(last_arcs),
                     [&](const LastArc& each) { return each.digest == digest; });
    if (found == std::end(last_arcs)) {
        return std::nullopt;
    }
    const auto size = static_cast<unsigned char>(digest->size);
    const auto all = static_cast<unsigned char>(Prefix{}.size() - 2 + size);
    return Prefix{0x30, all,  0x30, 0x0d, 0x06,       0x09, 0x60, 0x86, 0x48, 0x01,
                  0x65, 0x03, 0x04, 0x02, found->arc, 0x05, 0x00, 0x04, size};
}

/// The salt comes from the private context's generator.
class WithDefaultContext {
  public:
    explicit WithDefaultContext(OSSL_LIB_CTX* context)
        : former_(OSSL_LIB_CTX_set0_default(context)) {}
    WithDefaultContext(const WithDefaultContext&) = delete;
    WithDefaultContext& operator=(const WithDefaultContext&) = delete;
    ~WithDefaultContext() { OSSL_LIB_CTX_set0_default(former_); }

  private:
    OSSL_LIB_CTX* const former_;
};

}  // namespace

void RsaEncoding::Free::operator()(RSA* rsa) const {
    RSA_free(rsa);
}

RsaEncoding::RsaEncoding(const PrivateLibcrypto& library, std::span<const std::byte> modulus)
    : library_(library), size_(static_cast<int>(modulus.size())), public_key_(RSA_new()) {
    BIGNUM* const n =
        BN_bin2bn(reinterpret_cast<const unsigned char*>(modulus.data()), size_, nullptr);
    BIGNUM* const e = BN_new();
    if (public_key_ == nullptr || n == nullptr || e == nullptr || BN_one(e) != 1 ||
        RSA_set0_key(public_key_.get(), n, e, nullptr) != 1) {
        BN_free(n);
        BN_free(e);
        throw std::bad_alloc();
    }
}

std::optional<bool> RsaEncoding::encode(const RsaScheme& scheme, Octets message,
                                        unsigned char* out) const {
    const HashShape* const digest = scheme.digest;
    if (digest != nullptr && message.size() != digest->size) {
        return std::nullopt;
    }
    if (scheme.padding == RSA_PKCS1_PSS_PADDING && digest != nullptr) {
        return encode_pss(scheme, message, out);
    }
    if (scheme.padding == RSA_PKCS1_PADDING && digest == nullptr) {
        return encode_pkcs1(message, out);
    }
    const auto prefix = prefix_of(digest);
    if (scheme.padding != RSA_PKCS1_PADDING || !prefix) {
        return std::nullopt;
    }
    std::array<unsigned char, Prefix{}.size() + EVP_MAX_MD_SIZE> info{};
    auto* const end = std::copy(message.begin(), message.end(),
                                std::copy(prefix->begin(), prefix->end(), info.begin()));
    return encode_pkcs1({info.begin(), end}, out);
}

bool RsaEncoding::encode_pss(const RsaScheme& scheme, Octets digest, unsigned char* out) const {
    const DigestHandle hash = library_.fetch_digest(scheme.digest->name);
    const DigestHandle mask_hash =
        scheme.mask_digest != nullptr ? library_.fetch_digest(scheme.mask_digest->name) : nullptr;
    if (hash == nullptr || (scheme.mask_digest != nullptr && mask_hash == nullptr)) {
        return false;
    }
    const WithDefaultContext in_private(library_.context());
    return RSA_padding_add_PKCS1_PSS_mgf1(public_key_.get(), out, digest.data(), hash.get(),
                                          mask_hash.get(), scheme.salt_size) == 1;
}

bool RsaEncoding::encode_pkcs1(Octets message, unsigned char* out) const {
    return RSA_padding_add_PKCS1_type_1(out, size_, message.data(),
                                        static_cast<int>(message.size())) == 1;
}

}  // namespace ringside::frontends
