// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// What the slices compute is what NIST published, and nothing that fails its tag leaves the chip.

#include <ostream>

#include "slice_bench.hpp"

namespace ringside::testing {
namespace {

constexpr auto cbc = spec::Algorithm::aes_cbc;
constexpr auto gcm = spec::Algorithm::aes_gcm;
constexpr auto decrypt = static_cast<std::uint8_t>(spec::SubmissionFlag::decrypt);
constexpr auto auth_failed =
    spec::Status::of(spec::StatusType::crypto, spec::CryptoError::auth_failed);

/// In hexadecimal, as published.
struct KnownAnswer {
    std::string_view source;
    spec::Algorithm algorithm;
    std::string_view key;
    std::string_view iv;
    std::string_view aad;
    std::string_view plaintext;
    std::string_view ciphertext;
    std::string_view tag;
};

std::ostream& operator<<(std::ostream& out, const KnownAnswer& answer) {
    return out << answer.source;
}

// What the vectors of NIST SP 800-38A, appendix F, share.
constexpr std::string_view cbc_iv = "000102030405060708090a0b0c0d0e0f";
constexpr std::string_view cbc_plaintext =
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";

// What the test cases of McGrew and Viega, "The Galois/Counter Mode of Operation (GCM)",
// appendix B, share. SP 800-38D refers to them. Their cases 6, 12 and 18 have IVs of 60 bytes,
// which the chip does not take.
constexpr std::string_view zero_key =
    "0000000000000000000000000000000000000000000000000000000000000000";
constexpr std::string_view zero_iv = "000000000000000000000000";
constexpr std::string_view zero_block = "00000000000000000000000000000000";
constexpr std::string_view key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
constexpr std::string_view iv = "cafebabefacedbaddecaf888";
constexpr std::string_view short_iv = "cafebabefacedbad";
constexpr std::string_view aad = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
constexpr std::string_view plaintext =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255";
constexpr std::string_view ciphertext_128 =
    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
    "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985";
constexpr std::string_view ciphertext_192 =
    "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c"
    "7d773d00c144c525ac619d18c84a3f4718e2448b2fe324d9ccda2710acade256";
constexpr std::string_view ciphertext_256 =
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad";

/// The first 60 bytes, all that the test cases with AAD use.
constexpr std::string_view first_60(std::string_view hex) {
    return hex.substr(0, 120);
}

constexpr KnownAnswer known_answers[] = {
    {"SP 800-38A F.2.1, F.2.2", cbc, "2b7e151628aed2a6abf7158809cf4f3c", cbc_iv, "", cbc_plaintext,
     "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
     "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7",
     ""},
    {"SP 800-38A F.2.3, F.2.4", cbc, "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", cbc_iv, "",
     cbc_plaintext,
     "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"
     "571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd",
     ""},
    {"SP 800-38A F.2.5, F.2.6", cbc,
     "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", cbc_iv, "", cbc_plaintext,
     "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
     "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b",
     ""},
    {"GCM test case 1", gcm, zero_key.substr(0, 32), zero_iv, "", "", "",
     "58e2fccefa7e3061367f1d57a4e7455a"},
    {"GCM test case 2", gcm, zero_key.substr(0, 32), zero_iv, "", zero_block,
     "0388dace60b6a392f328c2b971b2fe78", "ab6e47d42cec13bdf53a67b21257bddf"},
    {"GCM test case 3", gcm, key.substr(0, 32), iv, "", plaintext, ciphertext_128,
     "4d5c2af327cd64a62cf35abd2ba6fab4"},
    {"GCM test case 4", gcm, key.substr(0, 32), iv, aad, first_60(plaintext),
     first_60(ciphertext_128), "5bc94fbc3221a5db94fae95ae7121a47"},
    {"GCM test case 5", gcm, key.substr(0, 32), short_iv, aad, first_60(plaintext),
     "61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c7423"
     "73806900e49f24b22b097544d4896b424989b5e1ebac0f07c23f4598",
     "3612d2e79e3b0785561be14aaca2fccb"},
    {"GCM test case 7", gcm, zero_key.substr(0, 48), zero_iv, "", "", "",
     "cd33b28ac773f74ba00ed1f312572435"},
    {"GCM test case 8", gcm, zero_key.substr(0, 48), zero_iv, "", zero_block,
     "98e7247c07f0fe411c267e4384b0f600", "2ff58d80033927ab8ef4d4587514f0fb"},
    {"GCM test case 9", gcm, key.substr(0, 48), iv, "", plaintext, ciphertext_192,
     "9924a7c8587336bfb118024db8674a14"},
    {"GCM test case 10", gcm, key.substr(0, 48), iv, aad, first_60(plaintext),
     first_60(ciphertext_192), "2519498e80f1478f37ba55bd6d27618c"},
    {"GCM test case 11", gcm, key.substr(0, 48), short_iv, aad, first_60(plaintext),
     "0f10f599ae14a154ed24b36e25324db8c566632ef2bbb34f8347280fc4507057"
     "fddc29df9a471f75c66541d4d4dad1c9e93a19a58e8b473fa0f062f7",
     "65dcc57fcf623a24094fcca40d3533f8"},
    {"GCM test case 13", gcm, zero_key, zero_iv, "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"GCM test case 14", gcm, zero_key, zero_iv, "", zero_block, "cea7403d4d606b6e074ec5d3baf39d18",
     "d0d1c8a799996bf0265b98b5d48ab919"},
    {"GCM test case 15", gcm, key, iv, "", plaintext, ciphertext_256,
     "b094dac5d93471bdec1a502270e3cc6c"},
    {"GCM test case 16", gcm, key, iv, aad, first_60(plaintext), first_60(ciphertext_256),
     "76fc6ece0f4e1768cddf8853bb2d551b"},
    {"GCM test case 17", gcm, key, short_iv, aad, first_60(plaintext),
     "c3762df1ca787d32ae47c13bf19844cbaf1ae14d0b976afac52ff7d79bba9de0"
     "feb582d33934a4f0954cc2363bc73f7862ac430e64abe499f47c9b1f",
     "3a337dbf46a792c45e454913fe2ea8f2"},
    {"NIST CAVS gcmEncryptExtIV128, no plaintext, 128 bits of AAD, count 0", gcm,
     "77be63708971c4e240d1cb79e8d77feb", "e0e00f19fed7ba0136a797f3",
     "7a43ec1d9c0a5a78a0b16533a6213cab", "", "", "209fcc8d3675ed938e9c7166709dd946"},
};

class KnownAnswers : public ::testing::TestWithParam<KnownAnswer> {
  protected:
    /// The descriptor that turns plaintext into ciphertext and tag.
    spec::SubmissionEntry encryption() {
        return with_aead_fields(
            bench.cipher(session, initial, additional + plain, encrypted.size()));
    }
    /// And back.
    spec::SubmissionEntry decryption() {
        auto entry =
            with_aead_fields(bench.cipher(session, initial, additional + encrypted, plain.size()));
        entry.flags = decrypt;
        return entry;
    }

    SliceBench bench;
    const Bytes initial = from_hex(GetParam().iv);
    const Bytes additional = from_hex(GetParam().aad);
    const Bytes plain = from_hex(GetParam().plaintext);
    const Bytes encrypted = from_hex(GetParam().ciphertext) + from_hex(GetParam().tag);
    const std::size_t tag_len = GetParam().tag.size() / 2;
    std::uint32_t session = bench.create_session(GetParam().algorithm, from_hex(GetParam().key));

  private:
    spec::SubmissionEntry with_aead_fields(spec::SubmissionEntry entry) const {
        entry.first_len = static_cast<std::uint16_t>(additional.size());
        entry.tag_len = static_cast<std::uint8_t>(tag_len);
        return entry;
    }
};

class AuthenticatedKnownAnswers : public KnownAnswers {};

TEST_P(KnownAnswers, EncryptingGivesThePublishedBytes) {
    const auto entry = encryption();
    const auto completion = bench.execute(SliceBench::io, entry);
    EXPECT_TRUE(status_of(completion).ok());
    EXPECT_EQ(completion.result, encrypted.size());
    EXPECT_EQ(bench.output(entry), encrypted);
}

TEST_P(KnownAnswers, DecryptingGivesThePlaintextBack) {
    const auto entry = decryption();
    const auto completion = bench.execute(SliceBench::io, entry);
    EXPECT_TRUE(status_of(completion).ok());
    EXPECT_EQ(completion.result, plain.size());
    EXPECT_EQ(bench.output(entry), plain);
}

TEST_P(KnownAnswers, WorkInPlace) {
    auto entry = encryption();
    entry.src = entry.dst = bench.place(additional + plain + Bytes(tag_len));
    EXPECT_TRUE(bench.execute_status(SliceBench::io, entry).ok());
    EXPECT_EQ(bench.output(entry), encrypted);
}

TEST_P(KnownAnswers, DoNotDependOnWhatTheSessionDidBefore) {
    const auto other_iv = Bytes(16, std::byte{7});
    auto other = bench.cipher(session, other_iv, Bytes(48), 64);
    other.tag_len = static_cast<std::uint8_t>(tag_len);
    for (int round = 0; round < 3; ++round) {
        ASSERT_TRUE(bench.execute_status(SliceBench::io, other).ok());
        const auto entry = encryption();
        ASSERT_TRUE(bench.execute_status(SliceBench::io, entry).ok());
        EXPECT_EQ(bench.output(entry), encrypted);
        const auto back = decryption();
        ASSERT_TRUE(bench.execute_status(SliceBench::io, back).ok());
        EXPECT_EQ(bench.output(back), plain);
    }
}

TEST_P(KnownAnswers, LeaveWhatStandsBehindTheResult) {
    auto entry = encryption();
    entry.dst = bench.place(Bytes(encrypted.size() + 40, SliceBench::untouched));
    entry.dst_len += 40;
    const auto completion = bench.execute(SliceBench::io, entry);
    EXPECT_EQ(completion.result, encrypted.size());
    EXPECT_EQ(bench.output(entry), encrypted + Bytes(40, SliceBench::untouched));
}

// SP 800-38D 5.2.1.2: a shorter tag is the leading bytes of the long one.
TEST_P(AuthenticatedKnownAnswers, ShorterTagsAreTheLeadingBytes) {
    for (const std::uint8_t length : {4, 8, 12, 13, 14, 15, 16}) {
        const Bytes expected(encrypted.begin(), encrypted.end() - 16 + length);
        auto entry = encryption();
        entry.tag_len = length;
        entry.dst_len = static_cast<std::uint32_t>(expected.size());
        EXPECT_TRUE(bench.execute_status(SliceBench::io, entry).ok()) << +length;
        EXPECT_EQ(bench.output(entry), expected);
        auto back = bench.cipher(session, initial, additional + expected, plain.size());
        back.flags = decrypt;
        back.first_len = entry.first_len;
        back.tag_len = length;
        EXPECT_TRUE(bench.execute_status(SliceBench::io, back).ok()) << +length;
        EXPECT_EQ(bench.output(back), plain);
    }
}

// One wrong bit anywhere in AAD, ciphertext, tag or IV: no byte of plaintext is written.
TEST_P(AuthenticatedKnownAnswers, AWrongBitAnywhereWithholdsThePlaintext) {
    const auto expect_refused = [this](const spec::SubmissionEntry& entry) {
        const auto completion = bench.execute(SliceBench::io, entry);
        EXPECT_EQ(status_of(completion), auth_failed);
        EXPECT_EQ(completion.result, 0u);
        EXPECT_EQ(bench.output(entry), Bytes(plain.size(), SliceBench::untouched));
    };
    const std::size_t source_size = additional.size() + encrypted.size();
    for (std::size_t i = 0; i < source_size; ++i) {
        const auto entry = decryption();
        bench.memory.at(entry.src, source_size)[i] ^= std::byte(1 << i % 8);
        expect_refused(entry);
    }
    for (std::size_t i = 0; i < initial.size(); ++i) {
        auto entry = decryption();
        entry.iv[i] ^= static_cast<std::uint8_t>(1 << i % 8);
        expect_refused(entry);
    }
    const auto entry = decryption();
    EXPECT_TRUE(bench.execute_status(SliceBench::io, entry).ok()) << "the key outlives a forgery";
    EXPECT_EQ(bench.output(entry), plain);
    EXPECT_EQ(bench.read(spec::at("ERR_SRC").of()), 0u) << "a forgery is no error of the chip";
    EXPECT_EQ(bench.read64(spec::at("Q_ERRORS").of(SliceBench::io)), source_size + initial.size());
}

std::vector<KnownAnswer> authenticated() {
    std::vector<KnownAnswer> selected;
    std::copy_if(std::begin(known_answers), std::end(known_answers), std::back_inserter(selected),
                 [](const KnownAnswer& answer) { return answer.algorithm == gcm; });
    return selected;
}

INSTANTIATE_TEST_SUITE_P(Published, KnownAnswers, ::testing::ValuesIn(known_answers));
INSTANTIATE_TEST_SUITE_P(Published, AuthenticatedKnownAnswers,
                         ::testing::ValuesIn(authenticated()));

}  // namespace
}  // namespace ringside::testing
