// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// libcrypto's software stays software, also in a process where an ENGINE has taken its ciphers
// over.

#include <gtest/gtest.h>
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/engine.h>

#include <array>

#include "ringside/base/private_libcrypto.hpp"

namespace ringside {
namespace {

int intruder_inits = 0;

int intrude(EVP_CIPHER_CTX* /*ctx*/, const unsigned char* /*key*/, const unsigned char* /*iv*/,
            int /*encrypt*/) {
    ++intruder_inits;
    return 0;
}

/// An ENGINE that is the process's default for AES-128-CBC, and fails at it.
class Intruder {
  public:
    Intruder() {
        intruder_inits = 0;
        EVP_CIPHER_meth_set_init(cipher(), &intrude);
        EVP_CIPHER_meth_set_iv_length(cipher(), 16);
        ENGINE_set_id(engine_, "intruder");
        ENGINE_set_name(engine_, "takes AES-128-CBC over");
        ENGINE_set_ciphers(engine_, &ciphers);
        EXPECT_EQ(ENGINE_set_default_ciphers(engine_), 1);
    }
    Intruder(const Intruder&) = delete;
    Intruder& operator=(const Intruder&) = delete;
    ~Intruder() {
        ENGINE_unregister_ciphers(engine_);
        ENGINE_free(engine_);
        EVP_CIPHER_meth_free(cipher());
    }

  private:
    static EVP_CIPHER*& cipher() {
        static EVP_CIPHER* method = EVP_CIPHER_meth_new(NID_aes_128_cbc, 16, 16);
        return method;
    }
    static int ciphers(ENGINE* /*engine*/, const EVP_CIPHER** found, const int** nids,
                       int /*nid*/) {
        static const int all[] = {NID_aes_128_cbc};
        if (found == nullptr) {
            *nids = all;
        } else {
            *found = cipher();
        }
        return 1;
    }
    ENGINE* engine_ = ENGINE_new();
};

int encrypt_once(const EVP_CIPHER* cipher) {
    const CipherContextHandle ctx(EVP_CIPHER_CTX_new());
    const std::array<unsigned char, 16> zeroes{};
    std::array<unsigned char, 32> out{};
    int length = 0;
    return EVP_EncryptInit_ex2(ctx.get(), cipher, zeroes.data(), zeroes.data(), nullptr) == 1 &&
                   EVP_EncryptUpdate(ctx.get(), out.data(), &length, zeroes.data(), 16) == 1 &&
                   out[0] == 0x66  // FIPS 197's AES of zeroes under a key of zeroes: 66 e9 4b d4
               ? 1
               : 0;
}

TEST(PrivateLibcrypto, NoEngineTakesItsCiphersOver) {
    const Intruder intruder;
    const PrivateLibcrypto library;
    ASSERT_TRUE(library.is_usable());
    EXPECT_EQ(encrypt_once(library.fetch_cipher("AES-128-CBC").get()), 1);
    EXPECT_EQ(intruder_inits, 0);
    const CipherHandle exposed(EVP_CIPHER_fetch(nullptr, "AES-128-CBC", "provider=default"));
    EXPECT_EQ(encrypt_once(exposed.get()), 0);
    EXPECT_EQ(intruder_inits, 1) << "the intruder must be able to intrude";
}

TEST(PrivateLibcrypto, HasWhatTheDefaultProviderHasAndNothingElse) {
    const PrivateLibcrypto library;
    for (const char* name : {"AES-256-GCM", "ChaCha20-Poly1305", "AES-128-XTS"}) {
        EXPECT_NE(library.fetch_cipher(name), nullptr) << name;
    }
    EXPECT_EQ(library.fetch_cipher("AES-129-CBC"), nullptr);
}

TEST(PrivateLibcrypto, TwoLiveBesideEachOtherAndApart) {
    const PrivateLibcrypto kept;
    {
        const PrivateLibcrypto other;
        EXPECT_EQ(encrypt_once(other.fetch_cipher("AES-128-CBC").get()), 1);
    }
    EXPECT_EQ(encrypt_once(kept.fetch_cipher("AES-128-CBC").get()), 1);
}

}  // namespace
}  // namespace ringside
