// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Hashes, HMAC, key derivation and random numbers: vectors of NIST and of RFCs where there are any,
// and the standards' own formulas where there are none.

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "ringside/base/prng.hpp"
#include "vectors_fixture.hpp"

namespace ringside::testing {
namespace {

struct HashCase {
    spec::Hash hash;
    const char* files;
};
constexpr HashCase hash_cases[] = {
    {spec::Hash::sha1, "SHA1/SHA1"},
    {spec::Hash::sha224, "SHA2/SHA224"},
    {spec::Hash::sha256, "SHA2/SHA256"},
    {spec::Hash::sha384, "SHA2/SHA384"},
    {spec::Hash::sha512, "SHA2/SHA512"},
    {spec::Hash::sha512_224, "SHA2/SHA512_224"},
    {spec::Hash::sha512_256, "SHA2/SHA512_256"},
    {spec::Hash::sha3_256, "SHA3/SHA3_256"},
};

using HashVectors = Vectors;

TEST_F(HashVectors, HashesAreThoseOfNist) {
    for (const auto& [hash, files] : hash_cases) {
        for (const char* which : {"ShortMsg.rsp", "LongMsg.rsp"}) {
            SCOPED_TRACE(std::string(files) + which);
            const auto all = read_vectors("hashes/" + std::string(files) + which);
            for (std::size_t i = 0; i < all.size(); i += 3) {
                if (!all[i].has("msg")) {
                    continue;
                }
                Bytes message = all[i].bytes("msg");
                message.resize(std::stoul(all[i].text("len")) / 8);
                const Bytes digest = all[i].bytes("md");
                expect({.algorithm = spec::Algorithm::hash,
                        .opcode = spec::Opcode::digest,
                        .hash = hash,
                        .source = message,
                        .room = digest.size()},
                       digest);
            }
        }
    }
    EXPECT_GT(answered, 8u * 40);
}

TEST_F(HashVectors, HmacIsThatOfTheRfcs) {
    constexpr std::pair<spec::Hash, const char*> files[] = {
        {spec::Hash::sha1, "rfc-2202-sha1"},     {spec::Hash::sha224, "rfc-4231-sha224"},
        {spec::Hash::sha256, "rfc-4231-sha256"}, {spec::Hash::sha384, "rfc-4231-sha384"},
        {spec::Hash::sha512, "rfc-4231-sha512"},
    };
    for (const auto& [hash, file] : files) {
        for (const Vector& vector : read_vectors("HMAC/" + std::string(file) + ".txt")) {
            const Bytes mac = vector.bytes("md");
            expect({.algorithm = spec::Algorithm::hmac,
                    .opcode = spec::Opcode::digest,
                    .key = vector.bytes("key"),
                    .hash = hash,
                    .source = vector.bytes("msg"),
                    .room = mac.size()},
                   mac);
        }
    }
    EXPECT_GE(answered, 30u);
}

TEST_F(HashVectors, HkdfIsThatOfRfc5869InOneStepAndInTwo) {
    constexpr std::pair<spec::Hash, const char*> files[] = {
        {spec::Hash::sha1, "rfc-5869-HKDF-SHA1"},
        {spec::Hash::sha256, "rfc-5869-HKDF-SHA256"},
        {spec::Hash::sha256, "hkdf-generated"},
    };
    for (const auto& [hash, file] : files) {
        for (const Vector& vector : read_vectors("KDF/" + std::string(file) + ".txt")) {
            const bool no_salt = vector.text("salt") == "not provided";
            const Bytes salt = no_salt ? Bytes{} : vector.bytes("salt");
            const Bytes secret = vector.bytes("ikm");
            const Bytes info = vector.bytes("info");
            const Bytes output = vector.bytes("okm");
            Question question{.algorithm = spec::Algorithm::hkdf,
                              .opcode = spec::Opcode::derive,
                              .hash = hash,
                              .first_len = salt.size(),
                              .second_len = secret.size(),
                              .source = salt + secret + info,
                              .room = output.size()};
            expect(question, output);
            if (!vector.has("prk")) {
                continue;
            }
            const Bytes pseudo_random_key = vector.bytes("prk");
            question.algorithm = spec::Algorithm::hkdf_extract;
            question.second_len = 0;
            question.source = salt + secret;
            question.room = pseudo_random_key.size();
            expect(question, pseudo_random_key);
            question.algorithm = spec::Algorithm::hkdf_expand;
            question.first_len = pseudo_random_key.size();
            question.source = pseudo_random_key + info;
            question.room = output.size();
            expect(question, output);
        }
    }
    EXPECT_GE(answered, 20u);
}

// ---- no file has these ----

Bytes as_bytes(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

Bytes hmac(const char* hash, const Bytes& key, const Bytes& message) {
    Bytes mac(EVP_MAX_MD_SIZE);
    std::size_t length = 0;
    EXPECT_NE(EVP_Q_mac(nullptr, "HMAC", nullptr, hash, nullptr, key.data(), key.size(),
                        reinterpret_cast<const unsigned char*>(message.data()), message.size(),
                        reinterpret_cast<unsigned char*>(mac.data()), mac.size(), &length),
              nullptr);
    mac.resize(length);
    return mac;
}

/// RFC 5246, 5: P_hash.
Bytes tls_prf(const char* hash, const Bytes& secret, const Bytes& seed, std::size_t length) {
    Bytes output;
    for (Bytes a = hmac(hash, secret, seed); output.size() < length; a = hmac(hash, secret, a)) {
        output = output + hmac(hash, secret, a + seed);
    }
    output.resize(length);
    return output;
}

Question prf(spec::Hash hash, const Bytes& secret, const Bytes& seed, std::size_t length) {
    return {.algorithm = spec::Algorithm::tls12_prf,
            .opcode = spec::Opcode::derive,
            .hash = hash,
            .first_len = secret.size(),
            .source = secret + seed,
            .room = length};
}

// Published by the TLS working group (ietf.org/mail-archive/web/tls/current/msg03416.html).
TEST(TlsPrf, IsThatOfTheKnownVectors) {
    CryptoBench bench;
    const Bytes label = as_bytes("test label");
    EXPECT_EQ(
        bench
            .ask(prf(spec::Hash::sha256, from_hex("9bbe436ba940f017b17652849a71db35"),
                     label + from_hex("a0ba9f936cda311827a6f796ffd5198c"), 100))
            .output,
        from_hex("e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9"
                 "c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789ba"
                 "a48082d122ee42c5a72e5a5110fff70187347b66"));
    EXPECT_EQ(
        bench
            .ask(prf(spec::Hash::sha384, from_hex("b80b733d6ceefcdc71566ea48e5567df"),
                     label + from_hex("cd665cf6a8447dd6ff8b27555edb7465"), 148))
            .output,
        from_hex("7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cde9ca0faa60be9fe3"
                 "4f82b1233c9146a0e534cb400fed2700884f9dc236f80edd8bfa961144c9e8d792eca722a7b32fc3"
                 "d416d473ebc2c5fd4abfdad05d9184259b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236"
                 "a3e52655c9e9aee691c8f3a26854308d5eaa3be85e0990703d73e56f"));
}

TEST(TlsPrf, IsTheFormulaForEveryLength) {
    CryptoBench bench;
    const Bytes secret(48, std::byte{0x17});
    const Bytes seed = as_bytes("key expansion") + Bytes(64, std::byte{0x2B});
    for (const std::size_t length : {1, 31, 32, 33, 48, 49, 104, 4096}) {
        EXPECT_EQ(bench.ask(prf(spec::Hash::sha256, secret, seed, length)).output,
                  tls_prf("SHA256", secret, seed, length));
        EXPECT_EQ(bench.ask(prf(spec::Hash::sha384, secret, seed, length)).output,
                  tls_prf("SHA384", secret, seed, length));
    }
}

TEST(Hmac, OfOtherHashesIsThatOfAnotherLibraryContext) {
    CryptoBench bench;
    constexpr std::pair<spec::Hash, const char*> cases[] = {
        {spec::Hash::sha512_224, "SHA512-224"},
        {spec::Hash::sha512_256, "SHA512-256"},
        {spec::Hash::sha3_256, "SHA3-256"},
    };
    for (const auto& [hash, name] : cases) {
        for (const std::size_t key_len : {1, 64, 200, 1024}) {
            const Bytes key(key_len, std::byte{0x5C});
            const Bytes message(777, std::byte{3});
            EXPECT_EQ(bench
                          .ask({.algorithm = spec::Algorithm::hmac,
                                .opcode = spec::Opcode::digest,
                                .key = key,
                                .hash = hash,
                                .source = message,
                                .room = 32})
                          .output,
                      hmac(name, key, message));
        }
    }
}

Question random_bytes(std::size_t length) {
    return {.algorithm = spec::Algorithm::random, .opcode = spec::Opcode::random, .room = length};
}

TEST(Random, AreAsManyAsWantedAndNeverTwiceTheSame) {
    CryptoBench bench;
    for (const std::size_t length : {1, 16, 33, 4096, 65'536, 100'000}) {
        EXPECT_EQ(bench.ask(random_bytes(length)).output.size(), length);
    }
    EXPECT_NE(bench.ask(random_bytes(32)).output, bench.ask(random_bytes(32)).output);
}

TEST(Random, AreTheSameInTheSameRunAndOthersInAnother) {
    CryptoBench one;
    CryptoBench other;
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(one.ask(random_bytes(48)).output, other.ask(random_bytes(48)).output);
    }
}

/// CTR_DRBG with AES-256 and without derivation function (NIST SP 800-90A, 10.2.1), of whose parts
/// only AES is libcrypto's.
class CtrDrbg {
  public:
    explicit CtrDrbg(const Bytes& entropy) { update(entropy); }

    /// The first output.
    Bytes generate(std::size_t length) { return next(length); }

  private:
    static constexpr std::size_t key_size = 32;
    static constexpr std::size_t block_size = 16;

    /// The blocks that the counter gives, from the next one on.
    Bytes next(std::size_t length) {
        Bytes output;
        while (output.size() < length) {
            for (std::size_t i = block_size; i-- != 0;) {
                counter_[i] = static_cast<std::byte>(std::to_integer<unsigned>(counter_[i]) + 1);
                if (counter_[i] != std::byte{0}) {
                    break;
                }
            }
            output = output + encrypt(counter_);
        }
        output.resize(length);
        return output;
    }
    void update(const Bytes& with) {
        Bytes state = next(key_size + block_size);
        for (std::size_t i = 0; i < state.size(); ++i) {
            state[i] ^= with[i];
        }
        key_.assign(state.begin(), state.begin() + key_size);
        counter_.assign(state.begin() + key_size, state.end());
    }
    Bytes encrypt(const Bytes& block) const {
        Bytes encrypted(block_size);
        int length = 0;
        EVP_CIPHER_CTX* const ctx = EVP_CIPHER_CTX_new();
        EXPECT_EQ(EVP_EncryptInit_ex(ctx, EVP_aes_256_ecb(), nullptr,
                                     reinterpret_cast<const unsigned char*>(key_.data()), nullptr),
                  1);
        EXPECT_EQ(EVP_EncryptUpdate(ctx, reinterpret_cast<unsigned char*>(encrypted.data()),
                                    &length, reinterpret_cast<const unsigned char*>(block.data()),
                                    static_cast<int>(block_size)),
                  1);
        EVP_CIPHER_CTX_free(ctx);
        return encrypted;
    }

    Bytes key_ = Bytes(key_size);
    Bytes counter_ = Bytes(block_size);
};

TEST(Random, AreThoseOfTheStandardsGeneratorWithTheRunsEntropy) {
    CryptoBench bench;
    Prng stream(bench.trace.seed(), "device entropy");
    for (const std::size_t length : {200, 16, 1, 4097}) {
        Bytes entropy(48);
        stream.fill(entropy);
        EXPECT_EQ(bench.ask(random_bytes(length)).output, CtrDrbg(entropy).generate(length));
    }
}

// A coarse look: about half of the bits are ones, in every position of a byte.
TEST(Random, BitsAreBalanced) {
    CryptoBench bench;
    constexpr std::size_t length = 100'000;
    std::array<std::size_t, 8> ones{};
    for (const std::byte byte : bench.ask(random_bytes(length)).output) {
        for (std::size_t bit = 0; bit < ones.size(); ++bit) {
            ones[bit] += std::to_integer<unsigned>(byte >> bit) & 1;
        }
    }
    for (const std::size_t count : ones) {
        EXPECT_NEAR(static_cast<double>(count), length / 2.0, 1'000);  // six standard deviations
    }
}

}  // namespace
}  // namespace ringside::testing
