// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// TLS records with AES-CBC and HMAC: against libcrypto's cipher and MAC put together here, and with
// every kind of damage.

#include <openssl/evp.h>

#include <ostream>

#include "crypto_bench.hpp"

namespace ringside::testing {
namespace {

struct RecordCase {
    spec::Algorithm algorithm;
    const char* cipher;
    const char* hash;
    std::size_t key_len;
    std::size_t mac_len;
    std::size_t explicit_iv;
};

std::ostream& operator<<(std::ostream& out, const RecordCase& record) {
    return out << record.cipher << "-HMAC-" << record.hash << "/" << record.explicit_iv;
}

constexpr auto sha1 = spec::Algorithm::aes_cbc_hmac_sha1;
constexpr auto sha256 = spec::Algorithm::aes_cbc_hmac_sha256;
constexpr RecordCase record_cases[] = {
    {sha1, "AES-128-CBC", "SHA1", 16, 20, 16},    {sha1, "AES-192-CBC", "SHA1", 24, 20, 0},
    {sha1, "AES-256-CBC", "SHA1", 32, 20, 16},    {sha256, "AES-128-CBC", "SHA256", 16, 32, 16},
    {sha256, "AES-192-CBC", "SHA256", 24, 32, 0}, {sha256, "AES-256-CBC", "SHA256", 32, 32, 0},
};

Bytes counting(std::size_t size, unsigned from) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<std::byte>(from + i);
    }
    return bytes;
}

class Records : public ::testing::TestWithParam<RecordCase> {
  protected:
    /// CBC without padding, by libcrypto.
    Bytes encrypted(const Bytes& plaintext) const {
        Bytes out(plaintext.size() + 16);
        int length = 0;
        EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, GetParam().cipher, nullptr);
        EVP_CIPHER_CTX* ctx = EVP_CIPHER_CTX_new();
        EXPECT_EQ(EVP_EncryptInit_ex(ctx, cipher, nullptr, uchar(key), uchar(iv)), 1);
        EVP_CIPHER_CTX_set_padding(ctx, 0);
        EXPECT_EQ(EVP_EncryptUpdate(ctx, reinterpret_cast<unsigned char*>(out.data()), &length,
                                    uchar(plaintext), static_cast<int>(plaintext.size())),
                  1);
        EVP_CIPHER_CTX_free(ctx);
        EVP_CIPHER_free(cipher);
        out.resize(static_cast<std::size_t>(length));
        return out;
    }
    /// With the payload's length in the header.
    Bytes mac(const Bytes& payload) const {
        const Bytes message = header(payload.size()) + payload;
        Bytes out(GetParam().mac_len);
        std::size_t length = 0;
        EXPECT_NE(EVP_Q_mac(nullptr, "HMAC", nullptr, GetParam().hash, nullptr, mac_key.data(),
                            mac_key.size(), uchar(message), message.size(),
                            reinterpret_cast<unsigned char*>(out.data()), out.size(), &length),
                  nullptr);
        return out;
    }
    static Bytes header(std::size_t length) {
        return from_hex("0102030405060708170303") +
               Bytes{static_cast<std::byte>(length >> 8), static_cast<std::byte>(length)};
    }
    /// `count` bytes of padding, the last of which says so.
    static Bytes padding(std::size_t count) {
        return Bytes(count, static_cast<std::byte>(count - 1));
    }
    /// The shortest that fills the block.
    Bytes padding_of(const Bytes& payload) const {
        return padding(16 - (payload.size() + GetParam().mac_len) % 16);
    }
    /// A record whose header says `said` bytes.
    Question sealing(const Bytes& payload, std::size_t said) const {
        Question question = common();
        question.source = header(said) + explicit_iv + payload;
        question.room = explicit_iv.size() + payload.size() + GetParam().mac_len + 16;
        return question;
    }
    /// Of a ciphertext with the explicit IV before it.
    Question opening(const Bytes& ciphertext) const {
        Question question = common();
        question.decrypt = true;
        question.source = header(ciphertext.size()) + ciphertext;
        question.room = ciphertext.size() - explicit_iv.size() - GetParam().mac_len - 1;
        return question;
    }
    void expect_wrong(const Bytes& content) {
        const Answer answer = bench.ask(opening(encrypted(explicit_iv + content)));
        EXPECT_EQ(answer.status, failed(spec::CryptoError::auth_failed));
        EXPECT_TRUE(answer.output.empty());
    }

    CryptoBench bench;
    const Bytes key = counting(GetParam().key_len, 1);
    const Bytes mac_key = counting(GetParam().mac_len, 100);
    const Bytes iv = counting(16, 200);
    const Bytes explicit_iv = counting(GetParam().explicit_iv, 50);

  private:
    static const unsigned char* uchar(const Bytes& bytes) {
        return reinterpret_cast<const unsigned char*>(bytes.data());
    }
    Question common() const {
        return {.algorithm = GetParam().algorithm,
                .opcode = spec::Opcode::cipher,
                .key = key,
                .second_key = mac_key,
                .iv = iv,
                .first_len = 13,
                .second_len = explicit_iv.size()};
    }
};

TEST_P(Records, AreSealedAsRfc5246SaysAndOpenAgain) {
    for (const std::size_t size : {0, 1, 10, 11, 12, 15, 16, 17, 27, 28, 1'000, 16'384}) {
        SCOPED_TRACE(size);
        const Bytes payload = counting(size, 7);
        const Bytes sealed = encrypted(explicit_iv + payload + mac(payload) + padding_of(payload));
        EXPECT_EQ(bench.ask(sealing(payload, 0xABCD)).output, sealed)
            << "whatever length the header says";
        const Answer opened = bench.ask(opening(sealed));
        EXPECT_TRUE(opened.status.ok());
        EXPECT_EQ(opened.output, payload);
    }
}

TEST_P(Records, OpenWithEveryLengthOfPadding) {
    const Bytes payload = counting(100, 7);
    for (std::size_t count = padding_of(payload).size(); count <= 256; count += 16) {
        const Answer opened =
            bench.ask(opening(encrypted(explicit_iv + payload + mac(payload) + padding(count))));
        EXPECT_TRUE(opened.status.ok()) << count;
        EXPECT_EQ(opened.output, payload);
    }
}

TEST_P(Records, AWrongByteAnywhereWithholdsThePayload) {
    const Bytes payload = counting(40, 7);
    const Bytes good = payload + mac(payload) + padding(padding_of(payload).size() + 16);
    for (std::size_t i = 0; i < good.size(); ++i) {
        SCOPED_TRACE(i);
        Bytes content = good;
        content[i] ^= std::byte{0x01};
        expect_wrong(content);
    }
    Question question = opening(encrypted(explicit_iv + good));
    for (std::size_t i = 0; i < 11; ++i) {
        Question changed = question;
        changed.source[i] ^= std::byte{0x80};
        EXPECT_EQ(bench.ask(changed).status, failed(spec::CryptoError::auth_failed)) << i;
    }
    question.source[11] ^= std::byte{0x80};
    EXPECT_TRUE(bench.ask(question).status.ok()) << "the length is the chip's own";
}

// The MAC is right if the last byte is taken for all of the padding, but it claims more.
TEST_P(Records, ARightMacDoesNotMakeUpForWrongPadding) {
    const Bytes payload = counting(63 - GetParam().mac_len, 7);
    for (const unsigned claimed : {1u, 5u, 255u}) {
        expect_wrong(payload + mac(payload) + Bytes{static_cast<std::byte>(claimed)});
    }
}

// The padding claims more than there is: bytes of 255 up to the front.
TEST_P(Records, PaddingThatLeavesNoRoomForTheMacIsWrong) {
    expect_wrong(Bytes(64, std::byte{0xFF}));
    expect_wrong(padding(64));
    expect_wrong(Bytes(GetParam().mac_len - 1) + padding(64 - GetParam().mac_len + 1));
}

INSTANTIATE_TEST_SUITE_P(Ciphers, Records, ::testing::ValuesIn(record_cases));

}  // namespace
}  // namespace ringside::testing
