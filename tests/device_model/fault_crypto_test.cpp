// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Faults of what slices compute: verdicts turned round, for each kind of check there is, and an RSA
// result with one wrong half, which gives the key away to whoever knows the message.

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <memory>

#include "chip_bench.hpp"
#include "ringside/base/prng.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::testing {
namespace {

using spec::FaultKind;
using Bytes = std::vector<std::byte>;

struct Deleter {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(BIGNUM* number) const { BN_free(number); }
    void operator()(BN_CTX* context) const { BN_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter>;
using Number = std::unique_ptr<BIGNUM, Deleter>;

Bytes operator+(Bytes a, const Bytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

/// By the number of helper threads.
class CryptoFault : public ::testing::TestWithParam<unsigned> {
  protected:
    CryptoFault() {
        bench_.enable_queue(0, 16);
        bench_.enable_queue(1, 16);
    }
    Bytes random(std::size_t size) {
        Bytes bytes(size);
        stream_.fill(bytes);
        return bytes;
    }
    /// One operation; its output is in output_.
    spec::CompletionEntry execute(spec::SubmissionEntry entry, const Bytes& source,
                                  std::uint32_t room) {
        entry.src = bench_.memory.allocate(source.size());
        entry.src_len = static_cast<std::uint32_t>(source.size());
        entry.dst = bench_.memory.allocate(room);
        entry.dst_len = room;
        std::ranges::copy(source, bench_.memory.at(entry.src, source.size()).begin());
        const auto completion = bench_.execute(1, entry);
        const auto written = bench_.memory.at(entry.dst, room);
        output_.assign(written.begin(), written.begin() + completion.result);
        return completion;
    }
    void inject(FaultKind kind) { ASSERT_TRUE(bench_.device.inject({.kind = kind}).has_value()); }

    /// What opens `sealed` or verifies it is asked four times: whether it is good, and the same
    /// with a fault, and both for one that is broken.
    void expect_turned_round(const spec::SubmissionEntry& check, const Bytes& good,
                             spec::CryptoError refusal, const Bytes& plaintext) {
        const auto room = static_cast<std::uint32_t>(good.size());
        Bytes bad = good;
        bad[broken_byte_] ^= std::byte{1};
        const auto refused = spec::Status::of(spec::StatusType::crypto, refusal);
        EXPECT_TRUE(status_of(execute(check, good, room)).ok());
        EXPECT_EQ(output_, plaintext);
        EXPECT_EQ(status_of(execute(check, bad, room)), refused);

        inject(FaultKind::accept_bad_tag);
        EXPECT_TRUE(status_of(execute(check, good, room)).ok()) << "no event: it is good";
        EXPECT_TRUE(status_of(execute(check, bad, room)).ok());
        EXPECT_EQ(output_.size(), plaintext.size());
        EXPECT_EQ(status_of(execute(check, bad, room)), refused) << "once";

        inject(FaultKind::refuse_good_tag);
        EXPECT_EQ(status_of(execute(check, bad, room)), refused);
        EXPECT_EQ(status_of(execute(check, good, room)), refused);
        EXPECT_TRUE(output_.empty());
        EXPECT_TRUE(status_of(execute(check, good, room)).ok()) << "once";
        EXPECT_EQ(output_, plaintext);
    }

    Prng stream_{seed(), "fault_crypto_test"};
    core::DeviceConfig config_{.helpers = GetParam()};
    Bench bench_{config_};
    Bytes output_;
    std::size_t broken_byte_ = 0;  ///< of what is checked
};

TEST_P(CryptoFault, TurnsTheVerdictOnAnAeadTagRound) {
    spec::SubmissionEntry entry = nop(1);
    entry.opcode = static_cast<std::uint8_t>(spec::Opcode::cipher);
    entry.session = bench_.create_session(spec::Algorithm::chacha20_poly1305, random(32));
    entry.iv_len = 12;
    entry.tag_len = 16;
    const Bytes plaintext = random(100);
    ASSERT_TRUE(status_of(execute(entry, plaintext, 116)).ok());
    const Bytes sealed = output_;
    entry.flags = static_cast<std::uint8_t>(flag(spec::SubmissionFlag::decrypt));
    broken_byte_ = 115;
    expect_turned_round(entry, sealed, spec::CryptoError::auth_failed, plaintext);
}

TEST_P(CryptoFault, TurnsTheVerdictOnARecordsMacRound) {
    spec::SubmissionEntry entry = nop(1);
    entry.opcode = static_cast<std::uint8_t>(spec::Opcode::cipher);
    entry.session =
        bench_.create_session(spec::Algorithm::aes_cbc_hmac_sha256, random(16), random(32));
    entry.iv_len = 16;
    entry.first_len = 13;
    const Bytes header = random(13);
    const Bytes payload = random(50);
    ASSERT_TRUE(status_of(execute(entry, header + payload, 200)).ok());
    const Bytes sealed = output_;
    entry.flags = static_cast<std::uint8_t>(flag(spec::SubmissionFlag::decrypt));
    broken_byte_ = 13;  // the payload's first block, padding and length stay
    expect_turned_round(entry, header + sealed, spec::CryptoError::auth_failed, payload);
}

TEST_P(CryptoFault, TurnsTheVerdictOnASignatureRound) {
    const Bytes seed = random(32);
    const Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr,
                                               reinterpret_cast<const unsigned char*>(seed.data()),
                                               seed.size()));
    Bytes public_key(32);
    std::size_t size = public_key.size();
    ASSERT_EQ(EVP_PKEY_get_raw_public_key(
                  key.get(), reinterpret_cast<unsigned char*>(public_key.data()), &size),
              1);
    spec::SubmissionEntry entry = nop(1);
    entry.session = bench_.create_session(spec::Algorithm::ed25519, public_key, seed);
    entry.opcode = static_cast<std::uint8_t>(spec::Opcode::sign);
    const Bytes message = random(77);
    ASSERT_TRUE(status_of(execute(entry, message, 64)).ok());
    const Bytes signature = output_;
    entry.opcode = static_cast<std::uint8_t>(spec::Opcode::verify);
    expect_turned_round(entry, signature + message, spec::CryptoError::verify_failed, {});
}

/// RSA numbers as the chip takes them.
struct RsaKey {
    RsaKey() : key(EVP_RSA_gen(2048)) {}

    Number get(const char* name) const {
        BIGNUM* number = nullptr;
        EXPECT_EQ(EVP_PKEY_get_bn_param(key.get(), name, &number), 1);
        return Number(number);
    }
    Bytes bytes(const char* name, std::size_t size) const {
        Bytes big_endian(size);
        EXPECT_GE(BN_bn2binpad(get(name).get(), reinterpret_cast<unsigned char*>(big_endian.data()),
                               static_cast<int>(size)),
                  0);
        return big_endian;
    }
    Bytes public_half() const {
        return bytes(OSSL_PKEY_PARAM_RSA_N, 256) + bytes(OSSL_PKEY_PARAM_RSA_E, 8);
    }
    Bytes private_half() const {
        Bytes all = bytes(OSSL_PKEY_PARAM_RSA_D, 256);
        for (const char* name : {OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2,
                                 OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2,
                                 OSSL_PKEY_PARAM_RSA_COEFFICIENT1}) {
            all = all + bytes(name, 128);
        }
        return all;
    }

    Key key;
};

Number number_of(const Bytes& bytes) {
    return Number(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                            static_cast<int>(bytes.size()), nullptr));
}

TEST_P(CryptoFault, OfOneCrtHalfGivesAResultThatFactorsTheKey) {
    const RsaKey key;
    spec::SubmissionEntry entry = nop(1);
    entry.session =
        bench_.create_session(spec::Algorithm::rsa, key.public_half(), key.private_half());
    Bytes message = random(256);
    message[0] = std::byte{0};
    entry.opcode = static_cast<std::uint8_t>(spec::Opcode::rsa_private);
    ASSERT_TRUE(status_of(execute(entry, message, 256)).ok());
    const Bytes right = output_;
    inject(FaultKind::wrong_crt_half);
    entry.opcode = static_cast<std::uint8_t>(spec::Opcode::rsa_public);
    ASSERT_TRUE(status_of(execute(entry, right, 256)).ok());
    EXPECT_EQ(output_, message) << "the public command has no halves";
    entry.opcode = static_cast<std::uint8_t>(spec::Opcode::rsa_private);
    ASSERT_TRUE(status_of(execute(entry, message, 256)).ok());
    EXPECT_NE(output_, right);

    // Boneh, DeMillo, Lipton 1997 as Lenstra shortened it: gcd(s^e - m, n).
    const std::unique_ptr<BN_CTX, Deleter> context(BN_CTX_new());
    const Number n = key.get(OSSL_PKEY_PARAM_RSA_N);
    const Number power(BN_new());
    const Number factor(BN_new());
    ASSERT_EQ(BN_mod_exp(power.get(), number_of(output_).get(),
                         key.get(OSSL_PKEY_PARAM_RSA_E).get(), n.get(), context.get()),
              1);
    ASSERT_EQ(
        BN_mod_sub(power.get(), power.get(), number_of(message).get(), n.get(), context.get()), 1);
    ASSERT_EQ(BN_gcd(factor.get(), power.get(), n.get(), context.get()), 1);
    EXPECT_EQ(BN_cmp(factor.get(), key.get(OSSL_PKEY_PARAM_RSA_FACTOR2).get()), 0);

    ASSERT_TRUE(status_of(execute(entry, message, 256)).ok());
    EXPECT_EQ(output_, right) << "once";
}

INSTANTIATE_TEST_SUITE_P(Helpers, CryptoFault, ::testing::Values(0u, 1u, 3u));

}  // namespace
}  // namespace ringside::testing
