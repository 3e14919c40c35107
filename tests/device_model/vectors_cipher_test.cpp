// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The ciphers against the vectors of NIST's CAVS, of RFC 3686 and of RFC 8439, both ways.

#include "vectors_fixture.hpp"

namespace ringside::testing {
namespace {

class CipherVectors : public Vectors {
  protected:
    /// Of a cipher without authentication: the direction that the section names.
    void check(spec::Algorithm algorithm, const Vector& vector, const char* iv, const char* plain,
               const char* encrypted) {
        const bool decrypt = vector.section == "DECRYPT";
        const Bytes from = vector.bytes(decrypt ? encrypted : plain);
        const Bytes to = vector.bytes(decrypt ? plain : encrypted);
        SCOPED_TRACE(vector.text("count"));
        expect({.algorithm = algorithm,
                .opcode = spec::Opcode::cipher,
                .key = vector.bytes("key"),
                .iv = vector.bytes(iv),
                .decrypt = decrypt,
                .source = from,
                .room = to.size()},
               to);
    }
    /// Of one with it: both directions, or the refusal.
    void check_aead(const Question& common, const Bytes& aad, const Bytes& plain,
                    const Bytes& encrypted, const Bytes& tag, bool forged) {
        Question question = common;
        question.opcode = spec::Opcode::cipher;
        question.first_len = aad.size();
        question.tag_len = tag.size();
        question.decrypt = true;
        question.source = aad + encrypted + tag;
        question.room = encrypted.size();
        if (forged) {
            expect_failure(question, spec::CryptoError::auth_failed);
            return;
        }
        expect(question, plain);
        question.decrypt = false;
        question.source = aad + plain;
        question.room = plain.size() + tag.size();
        expect(question, encrypted + tag);
    }
};

TEST_F(CipherVectors, AesCbcIsThatOfNist) {
    for (const char* file : {"CBCMMT128", "CBCMMT192", "CBCMMT256", "CBCVarKey128", "CBCVarKey192",
                             "CBCVarKey256", "CBCVarTxt128", "CBCKeySbox192", "CBCGFSbox256"}) {
        SCOPED_TRACE(file);
        for (const Vector& vector : read_vectors("ciphers/AES/CBC/" + std::string(file) + ".rsp")) {
            check(spec::Algorithm::aes_cbc, vector, "iv", "plaintext", "ciphertext");
        }
    }
    EXPECT_GT(answered, 1000u);
}

TEST_F(CipherVectors, AesCtrIsThatOfRfc3686) {
    for (const char* file : {"aes-128-ctr", "aes-192-ctr", "aes-256-ctr"}) {
        for (Vector vector : read_vectors("ciphers/AES/CTR/" + std::string(file) + ".txt")) {
            check(spec::Algorithm::aes_ctr, vector, "iv", "plaintext", "ciphertext");
            vector.section = "DECRYPT";
            check(spec::Algorithm::aes_ctr, vector, "iv", "plaintext", "ciphertext");
        }
    }
    EXPECT_GE(answered, 18u);
}

// Data units of 128 to 256 bits; those of a length that is no whole number of bytes are not for us.
TEST_F(CipherVectors, AesXtsIsThatOfNist) {
    for (const char* file : {"XTSGenAES128", "XTSGenAES256"}) {
        for (const Vector& vector :
             read_vectors("ciphers/AES/XTS/tweak-128hexstr/" + std::string(file) + ".rsp")) {
            if (std::stoul(vector.text("dataunitlen")) % 8 == 0) {
                check(spec::Algorithm::aes_xts, vector, "i", "pt", "ct");
            }
        }
    }
    EXPECT_GT(answered, 500u);
}

// The chip takes IVs of up to 16 bytes; the files also have one of 128 bytes.
TEST_F(CipherVectors, AesGcmIsThatOfNistAndRefusesItsForgeries) {
    for (const char* file : {"gcmDecrypt128", "gcmDecrypt192", "gcmDecrypt256"}) {
        const auto all = read_vectors("ciphers/AES/GCM/" + std::string(file) + ".rsp");
        for (std::size_t i = 0; i < all.size(); i += 11) {
            const Bytes iv = all[i].bytes("iv");
            if (iv.size() > 16) {
                continue;
            }
            SCOPED_TRACE(std::string(file) + " " + all[i].section + " " + all[i].text("count"));
            check_aead(
                {.algorithm = spec::Algorithm::aes_gcm, .key = all[i].bytes("key"), .iv = iv},
                all[i].bytes("aad"), all[i].has("pt") ? all[i].bytes("pt") : Bytes{},
                all[i].bytes("ct"), all[i].bytes("tag"), all[i].has("fail"));
        }
    }
    EXPECT_GT(answered, 500u);
    EXPECT_GT(refused, 250u);
}

TEST_F(CipherVectors, ChaCha20Poly1305IsThatOfRfc8439) {
    for (const Vector& vector : read_vectors("ciphers/ChaCha20Poly1305/openssl.txt")) {
        const bool forged = vector.has("result");
        const Bytes iv = vector.bytes("iv");
        if (iv.size() != 12) {
            continue;
        }
        SCOPED_TRACE(vector.text("count"));
        check_aead(
            {.algorithm = spec::Algorithm::chacha20_poly1305, .key = vector.bytes("key"), .iv = iv},
            vector.bytes("aad"), vector.bytes("plaintext"), vector.bytes("ciphertext"),
            vector.bytes("tag"), forged);
    }
    EXPECT_GT(answered, 4u);
    EXPECT_GT(refused, 0u);
}

// libcrypto would go on with 32-bit counters if told to: the block is one number.
TEST(Ctr, CounterWrapsOverItsWholeBlock) {
    CryptoBench bench;
    Question question{.algorithm = spec::Algorithm::aes_ctr,
                      .opcode = spec::Opcode::cipher,
                      .key = Bytes(16),
                      .iv = Bytes(16, std::byte{0xFF}),
                      .source = Bytes(32),
                      .room = 32};
    const Bytes wrapped = bench.ask(question).output;
    question.iv = Bytes(16);
    question.source = Bytes(16);
    question.room = 16;
    EXPECT_EQ(Bytes(wrapped.begin() + 16, wrapped.end()), bench.ask(question).output);
}

}  // namespace
}  // namespace ringside::testing
