// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Every algorithm that the provider offers, and one message's worth of work with each, as an
// application does it with EVP: what the tests of policies and of jobs are run over.

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <array>
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
};

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

inline constexpr Algorithm algorithms[] = {
    {"AES-256-CBC", "AES-CBC", &encrypt_and_decrypt, 32},
    {"AES-128-GCM", "AES-GCM", &encrypt_and_decrypt, 16},
    {"AES-192-CTR", "AES-CTR", &encrypt_and_decrypt, 24},
    {"AES-128-XTS", "AES-XTS", &encrypt_and_decrypt, 32},
    {"ChaCha20-Poly1305", "ChaCha20-Poly1305", &encrypt_and_decrypt, 32},
    {"SHA-256", "SHA-2", &hash},
    {"SHA2-512/224", "SHA-2", &hash},
    {"SHA3-256", "SHA-3", &hash},
};

/// For the names of tests.
inline std::string identifier(const Algorithm& algorithm) {
    std::string name = algorithm.name;
    for (char& letter : name) {
        letter = letter == '-' || letter == '/' ? '_' : letter;
    }
    return name;
}

}  // namespace ringside::testing
