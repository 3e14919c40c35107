// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Every algorithm that the provider offers, and one message's worth of work with each, as an
// application does it with EVP: what the tests of policies and of jobs are run over.

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "ringside/base/private_libcrypto.hpp"
#include "ringside/base/prng.hpp"

namespace ringside::testing {

using Bytes = std::vector<unsigned char>;

struct Algorithm;
/// Gives everything that came out; empty: it failed.
using Work = Bytes (*)(OSSL_LIB_CTX* context, const char* properties, const Algorithm& algorithm,
                       Prng& stream, std::size_t size);

struct Algorithm {
    const char* name;
    const char* family;  ///< as in the option `algorithms`
    Work work;
    std::size_t key_size = 0;
    const char* digest = nullptr;  ///< what a MAC or a KDF is built on
    int mode = -1;                 ///< of a KDF; -1: it has none
    std::array<const char*, 5> parts{};
    std::size_t counted = 64;  ///< what the option min_bytes compares, of work of 64 bytes
};

// NOLINTNEXTLINE(readability-identifier-naming): GoogleTest's
inline void PrintTo(const Algorithm& algorithm, std::ostream* out) {
    *out << algorithm.name;
}

inline Bytes draw(Prng& stream, std::size_t size) {
    Bytes bytes(size);
    stream.fill(std::as_writable_bytes(std::span(bytes)));
    return bytes;
}

/// Encrypts `size` bytes, with additional data and tag if the cipher has them, and decrypts them.
inline Bytes encrypt_and_decrypt(OSSL_LIB_CTX* context, const char* properties,
                                 const Algorithm& algorithm, Prng& stream, std::size_t size) {
    const CipherHandle cipher(EVP_CIPHER_fetch(context, algorithm.name, properties));
    if (cipher == nullptr) {
        return {};
    }
    const bool is_aead = (EVP_CIPHER_get_flags(cipher.get()) & EVP_CIPH_FLAG_AEAD_CIPHER) != 0;
    const Bytes key = draw(stream, algorithm.key_size);
    const Bytes iv = draw(stream, 16);
    const Bytes aad = draw(stream, 20);
    Bytes data = draw(stream, size);
    Bytes output;
    std::array<unsigned char, 16> tag{};
    for (const bool encrypts : {true, false}) {
        const CipherContextHandle ctx(EVP_CIPHER_CTX_new());
        Bytes out(data.size() + 16);
        int length = 0;
        int last = 0;
        const bool done =
            EVP_CipherInit_ex2(ctx.get(), cipher.get(), key.data(), iv.data(), encrypts ? 1 : 0,
                               nullptr) == 1 &&
            (!is_aead || encrypts ||
             EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_SET_TAG, 16, tag.data()) == 1) &&
            (!is_aead || EVP_CipherUpdate(ctx.get(), nullptr, &length, aad.data(),
                                          static_cast<int>(aad.size())) == 1) &&
            EVP_CipherUpdate(ctx.get(), out.data(), &length, data.data(),
                             static_cast<int>(data.size())) == 1 &&
            EVP_CipherFinal_ex(ctx.get(), out.data() + length, &last) == 1 &&
            (!is_aead || !encrypts ||
             EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_GET_TAG, 16, tag.data()) == 1);
        if (!done) {
            return {};
        }
        out.resize(static_cast<std::size_t>(length) + static_cast<std::size_t>(last));
        output.insert(output.end(), out.begin(), out.end());
        data = out;
    }
    output.insert(output.end(), tag.begin(), tag.end());
    return output;
}

/// Hashes `size` bytes in two pieces, and what it was after the first.
inline Bytes hash(OSSL_LIB_CTX* context, const char* properties, const Algorithm& algorithm,
                  Prng& stream, std::size_t size) {
    const DigestHandle digest(EVP_MD_fetch(context, algorithm.name, properties));
    const Bytes data = draw(stream, size);
    const std::size_t cut = stream.between(0, size);
    Bytes output(2 * EVP_MAX_MD_SIZE);
    unsigned length = 0;
    const DigestContextHandle ctx(EVP_MD_CTX_new());
    const DigestContextHandle copy(EVP_MD_CTX_new());
    const bool done = digest != nullptr &&
                      EVP_DigestInit_ex2(ctx.get(), digest.get(), nullptr) == 1 &&
                      EVP_DigestUpdate(ctx.get(), data.data(), cut) == 1 &&
                      EVP_MD_CTX_copy_ex(copy.get(), ctx.get()) == 1 &&
                      EVP_DigestUpdate(ctx.get(), data.data() + cut, size - cut) == 1 &&
                      EVP_DigestFinal_ex(ctx.get(), output.data(), &length) == 1 &&
                      EVP_DigestFinal_ex(copy.get(), output.data() + length, &length) == 1;
    return done ? output : Bytes();
}

/// HMAC of `size` bytes with a hash of the row's, half-way and at the end.
inline Bytes authenticate(OSSL_LIB_CTX* context, const char* properties, const Algorithm& algorithm,
                          Prng& stream, std::size_t size) {
    const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(
        EVP_MAC_fetch(context, "HMAC", properties), &EVP_MAC_free);
    if (mac == nullptr) {
        return {};
    }
    using Context = std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)>;
    const Bytes key = draw(stream, algorithm.key_size);
    const Bytes data = draw(stream, size);
    const std::size_t cut = stream.between(0, size);
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(
                                     OSSL_MAC_PARAM_DIGEST, const_cast<char*>(algorithm.digest), 0),
                                 OSSL_PARAM_construct_end()};
    Bytes output(2 * EVP_MAX_MD_SIZE);
    std::size_t length = 0;
    const Context ctx(EVP_MAC_CTX_new(mac.get()), &EVP_MAC_CTX_free);
    if (EVP_MAC_init(ctx.get(), key.data(), key.size(), params) != 1 ||
        EVP_MAC_update(ctx.get(), data.data(), cut) != 1) {
        return {};
    }
    const Context copy(EVP_MAC_CTX_dup(ctx.get()), &EVP_MAC_CTX_free);
    const bool done =
        EVP_MAC_update(ctx.get(), data.data() + cut, size - cut) == 1 &&
        EVP_MAC_final(ctx.get(), output.data(), &length, EVP_MAX_MD_SIZE) == 1 &&
        EVP_MAC_final(copy.get(), output.data() + length, &length, EVP_MAX_MD_SIZE) == 1;
    return done ? output : Bytes();
}

/// Derives `size` bytes with the row's parts, which are of random lengths.
inline Bytes derive(OSSL_LIB_CTX* context, const char* properties, const Algorithm& algorithm,
                    Prng& stream, std::size_t size) {
    const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf(
        EVP_KDF_fetch(context, algorithm.name, properties), &EVP_KDF_free);
    if (kdf == nullptr) {
        return {};
    }
    std::vector<OSSL_PARAM> params = {OSSL_PARAM_construct_utf8_string(
        OSSL_KDF_PARAM_DIGEST, const_cast<char*>(algorithm.digest), 0)};
    int mode = algorithm.mode;
    if (mode >= 0) {
        params.push_back(OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode));
    }
    std::deque<Bytes> parts;
    for (const char* name : algorithm.parts) {
        if (name != nullptr) {
            parts.push_back(draw(stream, stream.between(1, 60)));
            params.push_back(
                OSSL_PARAM_construct_octet_string(name, parts.back().data(), parts.back().size()));
        }
    }
    params.push_back(OSSL_PARAM_construct_end());
    const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> ctx(EVP_KDF_CTX_new(kdf.get()),
                                                                        &EVP_KDF_CTX_free);
    Bytes output(mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY ? 32 : std::min<std::size_t>(size, 5000));
    const bool done = EVP_KDF_derive(ctx.get(), output.data(), output.size(), params.data()) == 1;
    return done ? output : Bytes();
}

/// A TLS 1.2 record of `size` bytes is made and opened, as libssl does both.
inline Bytes protect_record(OSSL_LIB_CTX* context, const char* properties,
                            const Algorithm& algorithm, Prng& stream, std::size_t size) {
    const CipherHandle cipher(EVP_CIPHER_fetch(context, algorithm.name, properties));
    if (cipher == nullptr) {
        return {};
    }
    const Bytes key = draw(stream, algorithm.key_size);
    const Bytes iv = draw(stream, 16);
    Bytes mac_key = draw(stream, 32);
    Bytes record = draw(stream, 16 + size);  // explicit IV, payload
    const Bytes sequence = draw(stream, 8);
    Bytes output;
    for (const bool encrypts : {true, false}) {
        const CipherContextHandle ctx(EVP_CIPHER_CTX_new());
        unsigned version = 0x0303;
        const OSSL_PARAM params[] = {
            OSSL_PARAM_construct_uint(OSSL_CIPHER_PARAM_TLS_VERSION, &version),
            OSSL_PARAM_construct_end()};
        Bytes header = sequence;
        for (const std::size_t byte :
             {std::size_t{23}, std::size_t{3}, std::size_t{3}, record.size() >> 8, record.size()}) {
            header.push_back(static_cast<unsigned char>(byte));
        }
        if (EVP_CipherInit_ex2(ctx.get(), cipher.get(), key.data(), iv.data(), encrypts ? 1 : 0,
                               nullptr) != 1 ||
            EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_SET_MAC_KEY,
                                static_cast<int>(mac_key.size()), mac_key.data()) != 1 ||
            EVP_CIPHER_CTX_set_params(ctx.get(), params) != 1) {
            return {};
        }
        const int padding =
            EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_TLS1_AAD, 13, header.data());
        if (padding <= 0) {
            return {};
        }
        record.resize(record.size() + (encrypts ? static_cast<std::size_t>(padding) : 0));
        int length = 0;
        if (EVP_CipherUpdate(ctx.get(), record.data(), &length, record.data(),
                             static_cast<int>(record.size())) != 1) {
            return {};
        }
        const auto from = record.begin() + (encrypts ? 0 : 16);
        output.insert(output.end(), from, from + length);
        output.push_back(static_cast<unsigned char>(padding));
    }
    return output;
}

inline constexpr Algorithm algorithms[] = {
    {"AES-256-CBC", "AES-CBC", &encrypt_and_decrypt, 32},
    {"AES-128-GCM", "AES-GCM", &encrypt_and_decrypt, 16},
    {"AES-192-CTR", "AES-CTR", &encrypt_and_decrypt, 24},
    {"AES-128-XTS", "AES-XTS", &encrypt_and_decrypt, 32},
    {"ChaCha20-Poly1305", "ChaCha20-Poly1305", &encrypt_and_decrypt, 32},
    {"SHA-256", "SHA-2", &hash},
    {"SHA2-512/224", "SHA-2", &hash},
    {"SHA3-256", "SHA-3", &hash},
    {"HMAC", "HMAC", &authenticate, 40, "SHA-256"},
    {"HMAC", "HMAC", &authenticate, 200, "SHA1"},
    {"HKDF",
     "KDF",
     &derive,
     0,
     "SHA2-384",
     EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND,
     {OSSL_KDF_PARAM_KEY, OSSL_KDF_PARAM_SALT, OSSL_KDF_PARAM_INFO, OSSL_KDF_PARAM_INFO}},
    {"HKDF", "KDF", &derive, 0, "SHA256", EVP_KDF_HKDF_MODE_EXTRACT_ONLY, {OSSL_KDF_PARAM_KEY}, 32},
    {"HKDF",
     "KDF",
     &derive,
     0,
     "SHA3-256",
     EVP_KDF_HKDF_MODE_EXPAND_ONLY,
     {OSSL_KDF_PARAM_KEY, OSSL_KDF_PARAM_INFO}},
    {"TLS1-PRF",
     "KDF",
     &derive,
     0,
     "SHA256",
     -1,
     {OSSL_KDF_PARAM_SECRET, OSSL_KDF_PARAM_SEED, OSSL_KDF_PARAM_SEED}},
    {"TLS13-KDF",
     "KDF",
     &derive,
     0,
     "SHA256",
     EVP_KDF_HKDF_MODE_EXPAND_ONLY,
     {OSSL_KDF_PARAM_KEY, OSSL_KDF_PARAM_PREFIX, OSSL_KDF_PARAM_LABEL, OSSL_KDF_PARAM_DATA}},
    {"TLS13-KDF",
     "KDF",
     &derive,
     0,
     "SHA256",
     EVP_KDF_HKDF_MODE_EXTRACT_ONLY,
     {OSSL_KDF_PARAM_KEY, OSSL_KDF_PARAM_PREFIX, OSSL_KDF_PARAM_LABEL, OSSL_KDF_PARAM_SALT},
     32},
    {"TLS13-KDF",
     "KDF",
     &derive,
     0,
     "SHA256",
     EVP_KDF_HKDF_MODE_EXTRACT_ONLY,
     {OSSL_KDF_PARAM_PREFIX, OSSL_KDF_PARAM_LABEL},
     32},
    {"AES-128-CBC-HMAC-SHA1", "AES-CBC-HMAC", &protect_record, 16, nullptr, -1, {}, 112},
    {"AES-256-CBC-HMAC-SHA256", "AES-CBC-HMAC", &protect_record, 32, nullptr, -1, {}, 128},
};

/// For the names of tests; the first of a name has it alone.
inline std::string identifier(const Algorithm& algorithm) {
    std::string name = algorithm.name;
    for (char& letter : name) {
        letter = letter == '-' || letter == '/' ? '_' : letter;
    }
    for (const Algorithm& each : algorithms) {
        if (each.work == algorithm.work && each.digest == algorithm.digest &&
            each.mode == algorithm.mode && each.parts == algorithm.parts) {
            break;
        }
        name += std::string(each.name) == algorithm.name ? "_again" : "";
    }
    return name;
}

}  // namespace ringside::testing
