// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// libcrypto's software stays software, also in a process where an ENGINE has taken its ciphers
// over.

#include <gtest/gtest.h>
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/engine.h>

#include <array>
#include <string>

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

/// Another that is the default for SHA-256, and fails at it.
class DigestIntruder {
  public:
    DigestIntruder() {
        EVP_MD_meth_set_result_size(digest(), 32);
        EVP_MD_meth_set_init(digest(), [](EVP_MD_CTX* /*ctx*/) {
            ++intruder_inits;
            return 0;
        });
        ENGINE_set_id(engine_, "digest-intruder");
        ENGINE_set_digests(engine_, &digests);
        intruder_inits = 0;
        EXPECT_EQ(ENGINE_set_default_digests(engine_), 1);
    }
    DigestIntruder(const DigestIntruder&) = delete;
    DigestIntruder& operator=(const DigestIntruder&) = delete;
    ~DigestIntruder() {
        ENGINE_unregister_digests(engine_);
        ENGINE_free(engine_);
        EVP_MD_meth_free(digest());
    }

  private:
    static EVP_MD*& digest() {
        static EVP_MD* method = EVP_MD_meth_new(NID_sha256, NID_undef);
        return method;
    }
    static int digests(ENGINE* /*engine*/, const EVP_MD** found, const int** nids, int /*nid*/) {
        static const int all[] = {NID_sha256};
        if (found == nullptr) {
            *nids = all;
        } else {
            *found = digest();
        }
        return 1;
    }
    ENGINE* engine_ = ENGINE_new();
};

/// By itself, and under an HMAC.
int digest_once(const PrivateLibcrypto& library) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    const DigestHandle digest = library.fetch_digest("SHA2-256");
    const std::string name = PrivateLibcrypto::unnumbered("SHA2-256");
    return EVP_Digest("abc", 3, out.data(), nullptr, digest.get(), nullptr) == 1 &&
                   out[0] == 0xBA  // FIPS 180-4's example: ba 78 16 bf
                   && EVP_Q_mac(library.context(), "HMAC", nullptr, name.c_str(), nullptr, "k", 1,
                                out.data(), 3, out.data(), out.size(), nullptr) != nullptr
               ? 1
               : 0;
}

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

TEST(PrivateLibcrypto, NorItsDigestsNorWhatIsBuiltOnThem) {
    const DigestIntruder intruder;
    const PrivateLibcrypto library;
    EXPECT_EQ(digest_once(library), 1);
    EXPECT_EQ(intruder_inits, 0);
    const DigestHandle numbered(EVP_MD_fetch(library.context(), "SHA2-256", nullptr));
    EXPECT_EQ(EVP_Digest("abc", 3, std::array<unsigned char, 64>().data(), nullptr, numbered.get(),
                         nullptr),
              0)
        << "the ENGINE has it, as in a real process";
    EXPECT_EQ(intruder_inits, 1);
}

}  // namespace
}  // namespace ringside
