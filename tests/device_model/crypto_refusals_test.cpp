// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// What the chip refuses, for every algorithm: fields that a command does not use, lengths, keys,
// commands that a session does not do, and data that is no input.

#include <functional>
#include <ostream>
#include <set>

#include "crypto_questions.hpp"

namespace ringside::testing {
namespace {

using spec::Algorithm;
using spec::CryptoError;
using spec::Hash;
using spec::Opcode;
using spec::RequestError;

bool has_first_part(const Question& question) {
    return question.first_len != 0;
}
bool has_second_part(const Question& question) {
    return question.second_len != 0;
}
bool is_cipher(const Question& question) {
    return question.opcode == Opcode::cipher;
}

class EveryCommand : public ::testing::TestWithParam<Question> {
  protected:
    EveryCommand() {
        const Question& question = GetParam();
        session = bench.create_session(question.algorithm, question.key, question.second_key,
                                       question.hash);
        entry = bench.descriptor_of(question, session);
    }
    /// The chip answers so, writes nothing, and goes on working.
    void expect_refused(spec::SubmissionEntry wrong, RequestError error) {
        const auto completion = bench.execute(SliceBench::io, wrong);
        EXPECT_EQ(status_of(completion), refused(error));
        EXPECT_EQ(completion.result, 0u);
        EXPECT_EQ(bench.output(entry), Bytes(entry.dst_len, SliceBench::untouched));
    }
    void TearDown() override {
        EXPECT_TRUE(bench.execute_status(SliceBench::io, entry).ok()) << "the right one works";
        EXPECT_EQ(bench.read(spec::at("ERR_SRC").of()), 0u);
    }

    CryptoBench bench;
    std::uint32_t session = 0;
    spec::SubmissionEntry entry;
};

TEST_P(EveryCommand, WantsZeroWhereItUsesNothing) {
    auto wrong = entry;
    wrong.reserved = 1;
    expect_refused(wrong, RequestError::bad_field);
    if (!has_first_part(GetParam())) {
        wrong = entry;
        wrong.first_len = 1;
        expect_refused(wrong, RequestError::bad_field);
    }
    if (!has_second_part(GetParam())) {
        wrong = entry;
        wrong.second_len = 1;
        expect_refused(wrong, RequestError::bad_field);
    }
    if (GetParam().tag_len == 0) {
        wrong = entry;
        wrong.tag_len = 1;
        expect_refused(wrong, RequestError::bad_field);
    }
    if (!is_cipher(GetParam())) {
        wrong = entry;
        wrong.iv_len = 1;
        expect_refused(wrong, RequestError::bad_field);
        wrong = entry;
        wrong.flags = static_cast<std::uint8_t>(spec::SubmissionFlag::decrypt);
        expect_refused(wrong, RequestError::bad_field);
    }
}

TEST_P(EveryCommand, WantsRoomForItsOutput) {
    const Opcode opcode = GetParam().opcode;
    if (opcode == Opcode::derive || opcode == Opcode::random || opcode == Opcode::verify) {
        return;  // the room is what is wanted, or not used
    }
    const std::uint32_t needed = bench.execute(SliceBench::io, entry).result;
    ASSERT_GT(needed, 0u);
    entry.dst = bench.place(Bytes(entry.dst_len, SliceBench::untouched));
    auto wrong = entry;
    wrong.dst_len = needed - 1;
    expect_refused(wrong, RequestError::dst_too_small);
}

TEST_P(EveryCommand, IsRefusedByEverySessionThatDoesNotDoIt) {
    std::set<Opcode> done;
    for (const Question& question : all_questions()) {
        if (question.algorithm == GetParam().algorithm && question.hash == GetParam().hash) {
            done.insert(question.opcode);
        }
    }
    if (!GetParam().key.empty() && (GetParam().algorithm == Algorithm::ec_p256 ||
                                    GetParam().algorithm == Algorithm::ec_p384)) {
        done.insert(Opcode::verify);
    }
    if (GetParam().algorithm == Algorithm::ed25519 && GetParam().second_key.empty()) {
        done.erase(Opcode::sign);
    }
    for (unsigned opcode = 0x10; opcode <= 0x24; ++opcode) {
        const bool exists = opcode <= 0x13 || opcode >= 0x20;
        if (!exists || done.count(static_cast<Opcode>(opcode)) != 0) {
            continue;
        }
        auto wrong = entry;
        wrong.opcode = static_cast<std::uint8_t>(opcode);
        expect_refused(wrong, RequestError::bad_session);
    }
}

TEST_P(EveryCommand, IsNoneOfTheAdminQueue) {
    EXPECT_EQ(bench.execute_status(SliceBench::admin, entry), refused(RequestError::bad_opcode));
}

INSTANTIATE_TEST_SUITE_P(Questions, EveryCommand, ::testing::ValuesIn(all_questions()));

// ---- lengths ----

struct WrongLength {
    const char* what;
    Algorithm algorithm;
    Opcode opcode;
    std::function<void(Question&)> spoil;
};

std::ostream& operator<<(std::ostream& out, const WrongLength& wrong) {
    return out << wrong.what;
}

const WrongLength wrong_lengths[] = {
    {"CTR over nothing", Algorithm::aes_ctr, Opcode::cipher, [](auto& q) { q.source.clear(); }},
    {"XTS over less than a block", Algorithm::aes_xts, Opcode::cipher,
     [](auto& q) { q.source.resize(15); }},
    {"ChaCha20-Poly1305 with less source than AAD", Algorithm::chacha20_poly1305, Opcode::cipher,
     [](auto& q) { q.source.resize(12); }},
    {"ChaCha20-Poly1305 decrypting less than AAD and tag", Algorithm::chacha20_poly1305,
     Opcode::cipher,
     [](auto& q) {
         q.decrypt = true;
         q.source.resize(28);
     }},
    {"a record shorter than header and IV", Algorithm::aes_cbc_hmac_sha1, Opcode::cipher,
     [](auto& q) { q.source.resize(28); }},
    {"a record of more than 65,535 bytes", Algorithm::aes_cbc_hmac_sha1, Opcode::cipher,
     [](auto& q) {
         q.source.resize(13 + 16 + 65'536);
         q.room = 66'000;
     }},
    {"a record to open that is no whole number of blocks", Algorithm::aes_cbc_hmac_sha1,
     Opcode::cipher,
     [](auto& q) {
         q.decrypt = true;
         q.source.resize(13 + 16 + 40);
     }},
    {"a record to open that has no room for its MAC", Algorithm::aes_cbc_hmac_sha256,
     Opcode::cipher,
     [](auto& q) {
         q.decrypt = true;
         q.source.resize(13 + 16 + 32);
     }},
    {"HKDF with more parts than source", Algorithm::hkdf, Opcode::derive,
     [](auto& q) { q.first_len = 49; }},
    {"HKDF without keying material", Algorithm::hkdf, Opcode::derive,
     [](auto& q) { q.second_len = 0; }},
    {"HKDF of nothing", Algorithm::hkdf, Opcode::derive, [](auto& q) { q.room = 0; }},
    {"HKDF of more than 255 digests", Algorithm::hkdf, Opcode::derive,
     [](auto& q) { q.room = 255 * 32 + 1; }},
    {"HKDF with info of 1,025 bytes", Algorithm::hkdf, Opcode::derive,
     [](auto& q) { q.source.resize(16 + 32 + 1'025); }},
    {"HKDF-Extract without keying material", Algorithm::hkdf_extract, Opcode::derive,
     [](auto& q) { q.source.resize(16); }},
    {"HKDF-Extract of less than a digest", Algorithm::hkdf_extract, Opcode::derive,
     [](auto& q) { q.room = 31; }},
    {"HKDF-Extract of more than a digest", Algorithm::hkdf_extract, Opcode::derive,
     [](auto& q) { q.room = 33; }},
    {"HKDF-Expand without a key", Algorithm::hkdf_expand, Opcode::derive,
     [](auto& q) { q.first_len = 0; }},
    {"HKDF-Expand with info of 1,025 bytes", Algorithm::hkdf_expand, Opcode::derive,
     [](auto& q) { q.source.resize(16 + 1'025); }},
    {"the PRF without a secret", Algorithm::tls12_prf, Opcode::derive,
     [](auto& q) { q.first_len = 0; }},
    {"the PRF without a seed", Algorithm::tls12_prf, Opcode::derive,
     [](auto& q) { q.source.resize(16); }},
    {"the PRF with a seed of 1,025 bytes", Algorithm::tls12_prf, Opcode::derive,
     [](auto& q) { q.source.resize(16 + 1'025); }},
    {"the PRF of nothing", Algorithm::tls12_prf, Opcode::derive, [](auto& q) { q.room = 0; }},
    {"random numbers from a source", Algorithm::random, Opcode::random,
     [](auto& q) { q.source.resize(1); }},
    {"no random numbers", Algorithm::random, Opcode::random, [](auto& q) { q.room = 0; }},
    {"RSA of less than a modulus", Algorithm::rsa, Opcode::rsa_private,
     [](auto& q) { q.source.resize(255); }},
    {"RSA of more than a modulus", Algorithm::rsa, Opcode::rsa_public,
     [](auto& q) { q.source.resize(257); }},
    {"ECDSA without a digest", Algorithm::ec_p256, Opcode::sign, [](auto& q) { q.source.clear(); }},
    {"ECDSA with a digest of 65 bytes", Algorithm::ec_p384, Opcode::sign,
     [](auto& q) { q.source.resize(65); }},
    {"ECDSA, a signature without a digest", Algorithm::ec_p256, Opcode::sign,
     [](auto& q) {
         q.opcode = Opcode::verify;
         q.source.resize(64);
     }},
    {"ECDH with half a point", Algorithm::ec_p256, Opcode::agree,
     [](auto& q) { q.source.resize(32); }},
    {"ECDH with an encoded point", Algorithm::ec_p256, Opcode::agree,
     [](auto& q) { q.source.resize(65); }},
    {"X25519 with 31 bytes", Algorithm::x25519, Opcode::agree,
     [](auto& q) { q.source.resize(31); }},
    {"X25519 with 33 bytes", Algorithm::x25519, Opcode::agree,
     [](auto& q) { q.source.resize(33); }},
    {"Ed25519, less than a signature", Algorithm::ed25519, Opcode::verify,
     [](auto& q) { q.source.resize(63); }},
};

Question question_for(Algorithm algorithm, Opcode opcode) {
    for (const Question& question : all_questions()) {
        if (question.algorithm == algorithm && question.opcode == opcode) {
            return question;
        }
    }
    ADD_FAILURE() << "no such question";
    return {};
}

class Length : public ::testing::TestWithParam<WrongLength> {};

TEST_P(Length, IsRefused) {
    CryptoBench bench;
    Question question = question_for(GetParam().algorithm, GetParam().opcode);
    GetParam().spoil(question);
    const Answer answer = bench.ask(question);
    EXPECT_EQ(answer.status, refused(RequestError::bad_length));
    EXPECT_TRUE(answer.output.empty());
}

INSTANTIATE_TEST_SUITE_P(Wrong, Length, ::testing::ValuesIn(wrong_lengths));

TEST(Length, LimitsThemselvesAreAllowed) {
    CryptoBench bench;
    Question hkdf = question_for(Algorithm::hkdf, Opcode::derive);
    hkdf.room = 255 * 32;
    hkdf.source.resize(16 + 32 + 1'024);
    EXPECT_EQ(bench.ask(hkdf).output.size(), hkdf.room);
    hkdf.source.resize(16 + 32);
    EXPECT_EQ(bench.ask(hkdf).output.size(), hkdf.room);
    Question record = question_for(Algorithm::aes_cbc_hmac_sha1, Opcode::cipher);
    record.source.resize(13 + 16 + 65'535);
    record.room = 66'000;
    EXPECT_TRUE(bench.ask(record).status.ok());
    Question signature = question_for(Algorithm::ec_p256, Opcode::sign);
    signature.source.resize(64);
    EXPECT_TRUE(bench.ask(signature).status.ok());
    Question message = question_for(Algorithm::ed25519, Opcode::sign);
    message.source.clear();
    EXPECT_TRUE(bench.ask(message).status.ok());
    Question one_byte = question_for(Algorithm::aes_ctr, Opcode::cipher);
    one_byte.source.resize(1);
    EXPECT_EQ(bench.ask(one_byte).output.size(), 1u);
}

// ---- fields ----

struct WrongField {
    const char* what;
    Algorithm algorithm;
    std::function<void(Question&)> spoil;
};

std::ostream& operator<<(std::ostream& out, const WrongField& wrong) {
    return out << wrong.what;
}

const WrongField wrong_fields[] = {
    {"CTR with an IV of 15 bytes", Algorithm::aes_ctr, [](auto& q) { q.iv.resize(15); }},
    {"XTS without a tweak", Algorithm::aes_xts, [](auto& q) { q.iv.clear(); }},
    {"ChaCha20-Poly1305 with an IV of 11 bytes", Algorithm::chacha20_poly1305,
     [](auto& q) { q.iv.resize(11); }},
    {"ChaCha20-Poly1305 with an IV of 13 bytes", Algorithm::chacha20_poly1305,
     [](auto& q) { q.iv.resize(13); }},
    {"ChaCha20-Poly1305 without a tag", Algorithm::chacha20_poly1305,
     [](auto& q) { q.tag_len = 0; }},
    {"ChaCha20-Poly1305 with a tag of 12 bytes", Algorithm::chacha20_poly1305,
     [](auto& q) { q.tag_len = 12; }},
    {"ChaCha20-Poly1305 with a tag of 17 bytes", Algorithm::chacha20_poly1305,
     [](auto& q) { q.tag_len = 17; }},
    {"a record with an IV of 12 bytes", Algorithm::aes_cbc_hmac_sha1,
     [](auto& q) { q.iv.resize(12); }},
    {"a record with a header of 12 bytes", Algorithm::aes_cbc_hmac_sha1,
     [](auto& q) { q.first_len = 12; }},
    {"a record with an explicit IV of 15 bytes", Algorithm::aes_cbc_hmac_sha256,
     [](auto& q) { q.second_len = 15; }},
};

class Field : public ::testing::TestWithParam<WrongField> {};

TEST_P(Field, IsRefused) {
    CryptoBench bench;
    Question question = question_for(GetParam().algorithm, Opcode::cipher);
    GetParam().spoil(question);
    const Answer answer = bench.ask(question);
    EXPECT_EQ(answer.status, refused(RequestError::bad_field));
    EXPECT_TRUE(answer.output.empty());
}

INSTANTIATE_TEST_SUITE_P(Wrong, Field, ::testing::ValuesIn(wrong_fields));

// ---- sessions ----

struct WrongKey {
    const char* what;
    spec::Status expected;
    Algorithm algorithm;
    Bytes key;
    Bytes second_key{};
    Hash hash = Hash::none;
};

std::ostream& operator<<(std::ostream& out, const WrongKey& wrong) {
    return out << wrong.what;
}

constexpr auto bad_field = refused(RequestError::bad_field);
constexpr auto bad_key = failed(CryptoError::bad_key);

/// The key with one byte changed.
Bytes changed(std::string_view hex, std::size_t at, std::byte to) {
    Bytes bytes = from_hex(hex);
    bytes.at(at) = to;
    return bytes;
}

const WrongKey wrong_keys[] = {
    {"CTR with 20 bytes", bad_field, Algorithm::aes_ctr, some_bytes(20)},
    {"XTS with 16 bytes", bad_field, Algorithm::aes_xts, some_bytes(16)},
    {"XTS with 48 bytes", bad_field, Algorithm::aes_xts, some_bytes(48)},
    {"XTS with equal halves", bad_key, Algorithm::aes_xts, Bytes(32, std::byte{7})},
    {"a cipher with a second key", bad_field, Algorithm::aes_ctr, some_bytes(16), some_bytes(16)},
    {"a cipher with a hash", bad_field, Algorithm::aes_gcm, some_bytes(16), {}, Hash::sha256},
    {"ChaCha20 with 16 bytes", bad_field, Algorithm::chacha20_poly1305, some_bytes(16)},
    {"records without a MAC key", bad_field, Algorithm::aes_cbc_hmac_sha1, some_bytes(16)},
    {"records without a cipher key", bad_field, Algorithm::aes_cbc_hmac_sha1, {}, some_bytes(20)},
    {"records with a MAC key of 65 bytes", bad_field, Algorithm::aes_cbc_hmac_sha256,
     some_bytes(16), some_bytes(65)},
    {"a hash without a hash", bad_field, Algorithm::hash, {}},
    {"a hash that does not exist", bad_field, Algorithm::hash, {}, {}, Hash{9}},
    {"a hash with a key", bad_field, Algorithm::hash, some_bytes(16), {}, Hash::sha256},
    {"HMAC without a key", bad_field, Algorithm::hmac, {}, {}, Hash::sha256},
    {"HMAC with 1,025 bytes", bad_field, Algorithm::hmac, some_bytes(1'025), {}, Hash::sha256},
    {"HMAC without a hash", bad_field, Algorithm::hmac, some_bytes(16)},
    {"HKDF with a key", bad_field, Algorithm::hkdf, some_bytes(16), {}, Hash::sha256},
    {"the PRF over SHA-512", bad_field, Algorithm::tls12_prf, {}, {}, Hash::sha512},
    {"the PRF over SHA-1", bad_field, Algorithm::tls12_prf, {}, {}, Hash::sha1},
    {"random numbers with a key", bad_field, Algorithm::random, some_bytes(16)},
    {"RSA of 2,040 bits", bad_field, Algorithm::rsa, Bytes(255 + 8, std::byte{0xFF})},
    {"RSA of 1,024 bits", bad_field, Algorithm::rsa, Bytes(128 + 8, std::byte{0xFF})},
    {"RSA of 4,160 bits", bad_field, Algorithm::rsa, Bytes(520 + 8, std::byte{0xFF})},
    {"RSA with half a private half", bad_field, Algorithm::rsa, from_hex(rsa_public_key),
     some_bytes(448)},
    {"RSA with a private half alone", bad_field, Algorithm::rsa, {}, from_hex(rsa_private_key)},
    {"RSA with an even modulus", bad_key, Algorithm::rsa,
     changed(rsa_public_key, 255, std::byte{0x10})},
    {"RSA with a modulus of fewer bits", bad_key, Algorithm::rsa,
     changed(rsa_public_key, 0, std::byte{0x7F})},
    {"RSA with an even exponent", bad_key, Algorithm::rsa,
     changed(rsa_public_key, 263, std::byte{2})},
    {"RSA with an exponent of 1", bad_key, Algorithm::rsa,
     changed(rsa_public_key, 261, std::byte{0})},
    {"P-256 without a key", bad_field, Algorithm::ec_p256, {}},
    {"P-256 with a point of P-384", bad_field, Algorithm::ec_p256, from_hex(p384_public_key)},
    {"P-384 with a number of P-256", bad_field, Algorithm::ec_p384, {}, from_hex(p256_private_key)},
    {"P-256 with a point beside the curve", bad_key, Algorithm::ec_p256,
     changed(p256_public_key, 63, std::byte{0xAA})},
    {"P-256 with a point of zeros", bad_key, Algorithm::ec_p256, Bytes(64)},
    {"P-256 with a coordinate beyond the field", bad_key, Algorithm::ec_p256,
     Bytes(64, std::byte{0xFF})},
    {"P-256 with a private key of 0", bad_key, Algorithm::ec_p256, {}, Bytes(32)},
    {"P-256 with a private key beyond the order",
     bad_key,
     Algorithm::ec_p256,
     {},
     Bytes(32, std::byte{0xFF})},
    {"P-384 with a private key of 0", bad_key, Algorithm::ec_p384, {}, Bytes(48)},
    {"X25519 without a key", bad_field, Algorithm::x25519, {}},
    {"X25519 with a public half", bad_field, Algorithm::x25519, some_bytes(32), some_bytes(32)},
    {"X25519 with 31 bytes", bad_field, Algorithm::x25519, {}, some_bytes(31)},
    {"Ed25519 without a key", bad_field, Algorithm::ed25519, {}},
    {"Ed25519 with 33 bytes", bad_field, Algorithm::ed25519, some_bytes(33)},
    {"Ed25519 with halves of two keys", bad_key, Algorithm::ed25519, some_bytes(32),
     from_hex(ed25519_private_key)},
};

class Key : public ::testing::TestWithParam<WrongKey> {};

TEST_P(Key, IsRefusedAndTakesNoSession) {
    SliceBench bench({.max_sessions = 1});
    const auto completion = bench.execute(
        SliceBench::admin, bench.session_request(GetParam().algorithm, GetParam().key,
                                                 GetParam().second_key, GetParam().hash));
    EXPECT_EQ(status_of(completion), GetParam().expected);
    EXPECT_EQ(completion.result, 0u);
    bench.create_session(Algorithm::random, {});  // the only one is still there
}

INSTANTIATE_TEST_SUITE_P(Wrong, Key, ::testing::ValuesIn(wrong_keys));

// A half of a key does what it can.
TEST(Key, OfWhichAHalfIsMissingDoesWhatTheOtherCan) {
    CryptoBench bench;
    const auto without = [](Question question, bool public_half) {
        (public_half ? question.key : question.second_key).clear();
        return question;
    };
    const auto expect = [&](const Question& question, bool possible) {
        EXPECT_EQ(bench.ask(question).status,
                  possible ? spec::Status{} : refused(RequestError::bad_session));
    };
    expect(without(question_for(Algorithm::rsa, Opcode::rsa_public), false), true);
    expect(without(question_for(Algorithm::rsa, Opcode::rsa_private), false), false);
    for (const auto curve : {Algorithm::ec_p256, Algorithm::ec_p384}) {
        for (const auto opcode : {Opcode::sign, Opcode::agree}) {
            expect(without(question_for(curve, opcode), true), true);
            expect(without(question_for(curve, opcode), false), false);
        }
        Question verify = question_for(curve, Opcode::sign);
        verify.source = bench.ask(verify).output + verify.source;
        verify.opcode = Opcode::verify;
        expect(without(verify, false), true);
        expect(without(verify, true), false);
    }
    expect(without(question_for(Algorithm::ed25519, Opcode::sign), true), true);
    expect(without(question_for(Algorithm::ed25519, Opcode::sign), false), false);
}

// ---- data that is no input ----

TEST(Range, AnRsaSourceIsBelowTheModulus) {
    CryptoBench bench;
    for (const auto opcode : {Opcode::rsa_private, Opcode::rsa_public}) {
        Question question = question_for(Algorithm::rsa, opcode);
        const Bytes modulus = from_hex(rsa_public_key.substr(0, 512));
        Bytes below = modulus;
        below.back() &= std::byte{0xFE};  // it is odd
        question.source = below;
        const Answer answer = bench.ask(question);
        EXPECT_TRUE(answer.status.ok());
        EXPECT_EQ(answer.output, below) << "-1 to an odd power";
        for (const Bytes& beyond : {modulus, Bytes(256, std::byte{0xFF})}) {
            question.source = beyond;
            EXPECT_EQ(bench.ask(question).status, failed(CryptoError::out_of_range));
        }
    }
}

// Datasheet, "RSA": with factors that do not belong to d the result is computed without them, and
// never leaves the chip wrong (CVE-2015-5738).
TEST(Range, WrongFactorsGiveNoWrongPower) {
    CryptoBench bench;
    const Question good = question_for(Algorithm::rsa, Opcode::rsa_private);
    const Bytes expected = bench.ask(good).output;
    for (const std::size_t at : {256 + 100, 256 + 128 + 100, 512 + 100, 640 + 100, 768 + 100}) {
        Question wrong = good;
        wrong.second_key.at(at) ^= std::byte{2};
        const Answer answer = bench.ask(wrong);
        EXPECT_TRUE(answer.output == expected || answer.status == failed(CryptoError::bad_key))
            << at;
    }
}

TEST(Points, OfSmallOrderGiveNoX25519Secret) {
    CryptoBench bench;
    Question question = question_for(Algorithm::x25519, Opcode::agree);
    for (const char* point : {"0000000000000000000000000000000000000000000000000000000000000000",
                              "0100000000000000000000000000000000000000000000000000000000000000",
                              "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                              "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                              "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
        question.source = from_hex(point);
        const Answer answer = bench.ask(question);
        EXPECT_EQ(answer.status, failed(CryptoError::bad_point)) << point;
        EXPECT_TRUE(answer.output.empty());
    }
}

TEST(Points, BesideTheCurveGiveNoEcdhSecret) {
    CryptoBench bench;
    for (const auto curve : {Algorithm::ec_p256, Algorithm::ec_p384}) {
        const Question good = question_for(curve, Opcode::agree);
        for (const std::size_t at : {std::size_t{5}, good.source.size() - 1}) {
            Question wrong = good;
            wrong.source[at] ^= std::byte{1};
            EXPECT_EQ(bench.ask(wrong).status, failed(CryptoError::bad_point));
        }
        Question zero = good;
        zero.source = Bytes(good.source.size());
        EXPECT_EQ(bench.ask(zero).status, failed(CryptoError::bad_point));
    }
}

// r and s of 0, or beyond the order: forgeries that naive verifiers take (CVE-2022-21449).
TEST(Points, EcdsaSignaturesOfZerosAreWrong) {
    CryptoBench bench;
    for (const auto curve : {Algorithm::ec_p256, Algorithm::ec_p384}) {
        Question question = question_for(curve, Opcode::sign);
        const std::size_t size = question.room;
        question.opcode = Opcode::verify;
        question.room = 0;
        for (const std::byte filling : {std::byte{0}, std::byte{0xFF}}) {
            question.source = Bytes(size, filling) + some_bytes(32);
            EXPECT_EQ(bench.ask(question).status, failed(CryptoError::verify_failed));
        }
    }
}

// Nonces: two signatures of one digest differ, and both are good.
TEST(Nonces, AreNeverTheSame) {
    CryptoBench bench;
    for (const auto curve : {Algorithm::ec_p256, Algorithm::ec_p384}) {
        Question question = question_for(curve, Opcode::sign);
        const Bytes first = bench.ask(question).output;
        const Bytes second = bench.ask(question).output;
        EXPECT_NE(Bytes(first.begin(), first.begin() + 32),
                  Bytes(second.begin(), second.begin() + 32));
        const Bytes digest = question.source;
        question.opcode = Opcode::verify;
        question.room = 0;
        for (const Bytes& signature : {first, second}) {
            question.source = signature + digest;
            EXPECT_TRUE(bench.ask(question).status.ok());
        }
    }
}

}  // namespace
}  // namespace ringside::testing
