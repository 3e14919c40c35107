// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// What the slices compute, through descriptors and DMA: published vectors, comparison with
// libcrypto on random input, and every request that must be refused.

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>

#include "chip_bench.hpp"
#include "ringside/base/prng.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::testing {
namespace {

using Bytes = std::vector<std::byte>;

Bytes hex(std::string_view digits) {
    Bytes bytes;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        bytes.push_back(
            static_cast<std::byte>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16)));
    }
    return bytes;
}

Bytes operator+(Bytes left, const Bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

struct Result {
    spec::Status status;
    Bytes output;
};

/// A bench that encrypts and decrypts byte strings.
struct SliceBench : Bench {
    explicit SliceBench(const core::DeviceConfig& config = {}) : Bench(config) {
        enable_queue(0, 16);
        enable_queue(1, 16);
    }
    spec::SubmissionEntry request(std::uint32_t with_session, const Bytes& iv, const Bytes& source,
                                  std::size_t room, bool decrypt) {
        spec::SubmissionEntry entry;
        entry.opcode = static_cast<std::uint8_t>(spec::Opcode::cipher);
        entry.flags = decrypt ? static_cast<std::uint8_t>(flag(spec::SubmissionFlag::decrypt)) : 0;
        entry.session = with_session;
        entry.src = memory.allocate(source.size());
        entry.dst = memory.allocate(room);
        entry.src_len = static_cast<std::uint32_t>(source.size());
        entry.dst_len = static_cast<std::uint32_t>(room);
        entry.iv_len = static_cast<std::uint8_t>(iv.size());
        std::memcpy(entry.iv, iv.data(), iv.size());
        std::memcpy(memory.at(entry.src, source.size()).data(), source.data(), source.size());
        return entry;
    }
    Result run_request(const spec::SubmissionEntry& entry) {
        const auto completion = execute(1, entry);
        const auto written = memory.at(entry.dst, completion.result);
        return {status_of(completion), Bytes(written.begin(), written.end())};
    }
    Result gcm(std::uint32_t session, const Bytes& iv, const Bytes& aad, const Bytes& text,
               const Bytes& tag, bool decrypt) {
        const Bytes source = decrypt ? aad + text + tag : aad + text;
        auto entry =
            request(session, iv, source, text.size() + (decrypt ? 0 : tag.size()), decrypt);
        entry.aad_len = static_cast<std::uint16_t>(aad.size());
        entry.tag_len = static_cast<std::uint8_t>(tag.size());
        return run_request(entry);
    }
};

constexpr spec::Status ok{};

// ---- published vectors ----

const char* const sp800_38a_plain =
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";

TEST(KnownAnswers, CbcOfSp80038a) {
    const std::vector<std::pair<const char*, const char*>> keys_and_ciphers = {
        // F.2.1, F.2.3, F.2.5
        {"2b7e151628aed2a6abf7158809cf4f3c",
         "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
         "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"},
        {"8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
         "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"
         "571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd"},
        {"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
         "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
         "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"},
    };
    SliceBench bench;
    const Bytes iv = hex("000102030405060708090a0b0c0d0e0f");
    const Bytes plain = hex(sp800_38a_plain);
    for (const auto& [key, cipher] : keys_and_ciphers) {
        const auto session = bench.create_session(spec::Algorithm::aes_cbc, hex(key));
        const auto encrypted =
            bench.run_request(bench.request(session, iv, plain, plain.size(), false));
        EXPECT_EQ(encrypted.output, hex(cipher));
        const auto decrypted =
            bench.run_request(bench.request(session, iv, hex(cipher), plain.size(), true));
        EXPECT_EQ(decrypted.output, plain);
    }
}

struct GcmVector {
    const char* name;
    const char* key;
    const char* iv;
    const char* aad;
    const char* plain;
    const char* cipher;
    const char* tag;
};

// McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B.
const GcmVector gcm_vectors[] = {
    {"case 1", "00000000000000000000000000000000", "000000000000000000000000", "", "", "",
     "58e2fccefa7e3061367f1d57a4e7455a"},
    {"case 2", "00000000000000000000000000000000", "000000000000000000000000", "",
     "00000000000000000000000000000000", "0388dace60b6a392f328c2b971b2fe78",
     "ab6e47d42cec13bdf53a67b21257bddf"},
    {"case 3", "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", "",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985",
     "4d5c2af327cd64a62cf35abd2ba6fab4"},
    {"case 4", "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {"case 5, IV of 8 bytes", "feffe9928665731c6d6a8f9467308308", "cafebabefacedbad",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c7423"
     "73806900e49f24b22b097544d4896b424989b5e1ebac0f07c23f4598",
     "3612d2e79e3b0785561be14aaca2fccb"},
    {"case 7, 192 bits", "000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", "", "", "cd33b28ac773f74ba00ed1f312572435"},
    {"case 8, 192 bits", "000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", "00000000000000000000000000000000",
     "98e7247c07f0fe411c267e4384b0f600", "2ff58d80033927ab8ef4d4587514f0fb"},
    {"case 13, 256 bits", "0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"case 14, 256 bits", "0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"},
};

TEST(KnownAnswers, GcmOfItsSpecification) {
    SliceBench bench;
    for (const GcmVector& vector : gcm_vectors) {
        const auto session = bench.create_session(spec::Algorithm::aes_gcm, hex(vector.key));
        const Bytes iv = hex(vector.iv);
        const Bytes aad = hex(vector.aad);
        const Bytes tag = hex(vector.tag);
        const auto encrypted = bench.gcm(session, iv, aad, hex(vector.plain), tag, false);
        EXPECT_EQ(encrypted.output, hex(vector.cipher) + tag) << vector.name;
        const auto decrypted = bench.gcm(session, iv, aad, hex(vector.cipher), tag, true);
        EXPECT_EQ(decrypted.status, ok) << vector.name;
        EXPECT_EQ(decrypted.output, hex(vector.plain)) << vector.name;
    }
}

TEST(KnownAnswers, AFlippedBitAnywhereFailsAndNoPlaintextLeaves) {
    SliceBench bench;
    const GcmVector& vector = gcm_vectors[3];
    const auto session = bench.create_session(spec::Algorithm::aes_gcm, hex(vector.key));
    const Bytes aad = hex(vector.aad);
    const Bytes source = aad + hex(vector.cipher) + hex(vector.tag);
    const std::size_t room = source.size() - aad.size() - 16;
    for (std::size_t byte = 0; byte < source.size(); byte += 5) {
        Bytes wrong = source;
        wrong[byte] ^= std::byte{0x10};
        auto entry = bench.request(session, hex(vector.iv), wrong, room, true);
        entry.aad_len = static_cast<std::uint16_t>(aad.size());
        entry.tag_len = 16;
        EXPECT_EQ(bench.run_request(entry).status,
                  spec::Status::of(spec::StatusType::crypto, spec::CryptoError::auth_failed));
        for (const std::byte written : bench.memory.at(entry.dst, room)) {
            EXPECT_EQ(written, std::byte{0});
        }
    }
}

// ---- comparison with libcrypto ----

Bytes draw(Prng& stream, std::size_t size) {
    Bytes bytes(size);
    for (std::byte& byte : bytes) {
        byte = static_cast<std::byte>(stream.between(0, 255));
    }
    return bytes;
}

/// What EVP makes of the same, in one go; for GCM followed by the tag.
Bytes reference(const char* name, const Bytes& key, const Bytes& iv, const Bytes& aad,
                const Bytes& plain, std::size_t tag_size) {
    const auto uchars = [](const Bytes& bytes) {
        return reinterpret_cast<const unsigned char*>(bytes.data());
    };
    const std::unique_ptr<EVP_CIPHER, decltype(&EVP_CIPHER_free)> cipher(
        EVP_CIPHER_fetch(nullptr, name, nullptr), &EVP_CIPHER_free);
    const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> ctx(EVP_CIPHER_CTX_new(),
                                                                              &EVP_CIPHER_CTX_free);
    EVP_EncryptInit_ex2(ctx.get(), cipher.get(), nullptr, nullptr, nullptr);
    if (tag_size != 0) {
        EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_SET_IVLEN, static_cast<int>(iv.size()),
                            nullptr);
    }
    EVP_EncryptInit_ex2(ctx.get(), nullptr, uchars(key), uchars(iv), nullptr);
    EVP_CIPHER_CTX_set_padding(ctx.get(), 0);
    int length = 0;
    Bytes output(plain.size() + tag_size);
    auto* out = reinterpret_cast<unsigned char*>(output.data());
    if (!aad.empty()) {
        EVP_EncryptUpdate(ctx.get(), nullptr, &length, uchars(aad), static_cast<int>(aad.size()));
    }
    EVP_EncryptUpdate(ctx.get(), out, &length, uchars(plain), static_cast<int>(plain.size()));
    EVP_EncryptFinal_ex(ctx.get(), out, &length);
    if (tag_size != 0) {
        EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag_size),
                            out + plain.size());
    }
    return output;
}

TEST(Comparison, RandomRequestsGiveLibcryptosBytes) {
    SliceBench bench;
    Prng stream(seed(), "slices");
    constexpr std::uint8_t tag_lengths[] = {4, 8, 12, 13, 14, 15, 16};
    for (int round = 0; round < 300; ++round) {
        const Bytes key = draw(stream, 16 + 8 * stream.between(0, 2));
        const std::string bits = std::to_string(key.size() * 8);
        if (stream.chance(1, 2)) {
            const auto session = bench.create_session(spec::Algorithm::aes_cbc, key);
            const Bytes iv = draw(stream, 16);
            const Bytes plain = draw(stream, 16 * stream.between(1, 200));
            const auto encrypted =
                bench.run_request(bench.request(session, iv, plain, plain.size(), false));
            ASSERT_EQ(encrypted.output,
                      reference(("AES-" + bits + "-CBC").c_str(), key, iv, {}, plain, 0));
        } else {
            const auto session = bench.create_session(spec::Algorithm::aes_gcm, key);
            const Bytes iv = draw(stream, stream.between(1, 16));
            const Bytes aad = draw(stream, stream.between(0, 40));
            const Bytes plain = draw(stream, stream.between(0, 3000));
            const Bytes tag(tag_lengths[stream.between(0, std::size(tag_lengths) - 1)]);
            const auto encrypted = bench.gcm(session, iv, aad, plain, tag, false);
            ASSERT_EQ(encrypted.output,
                      reference(("AES-" + bits + "-GCM").c_str(), key, iv, aad, plain, tag.size()));
        }
    }
}

// ---- what must be refused ----

struct Refusal {
    const char* what;
    void (*spoil)(spec::SubmissionEntry&);
    spec::RequestError error;
};

TEST(Refusals, OfCipherRequestsNameWhatIsWrong) {
    SliceBench bench;
    const Bytes key(16);
    const auto cbc = bench.create_session(spec::Algorithm::aes_cbc, key);
    const auto gcm = bench.create_session(spec::Algorithm::aes_gcm, key);
    using E = spec::SubmissionEntry;
    using spec::RequestError;
    const Refusal either[] = {
        {"unknown opcode", [](E& e) { e.opcode = 0x7F; }, RequestError::bad_opcode},
        {"an admin opcode", [](E& e) { e.opcode = 0x01; }, RequestError::bad_opcode},
        {"unknown flag", [](E& e) { e.flags |= 0x80; }, RequestError::bad_field},
        {"crypt_off", [](E& e) { e.crypt_off = 1; }, RequestError::bad_field},
        {"auth_off", [](E& e) { e.auth_off = 1; }, RequestError::bad_field},
        {"stale generation", [](E& e) { e.session ^= 1; }, RequestError::bad_session},
        {"unknown session", [](E& e) { e.session += 1 << 16; }, RequestError::bad_session},
        {"too long", [](E& e) { e.src_len = (1 << 20) + 16; }, RequestError::bad_length},
        {"too much room", [](E& e) { e.dst_len = (1 << 20) + 1; }, RequestError::bad_length},
        {"no room", [](E& e) { e.dst_len = 31; }, RequestError::dst_too_small},
        {"no IV", [](E& e) { e.iv_len = 0; }, RequestError::bad_field},
        {"IV too long", [](E& e) { e.iv_len = 17; }, RequestError::bad_field},
    };
    const Refusal of_cbc[] = {
        {"nothing", [](E& e) { e.src_len = 0; }, RequestError::bad_length},
        {"half a block", [](E& e) { e.src_len = 24; }, RequestError::bad_length},
        {"short IV", [](E& e) { e.iv_len = 12; }, RequestError::bad_field},
        {"AAD", [](E& e) { e.aad_len = 16; }, RequestError::bad_field},
        {"a tag", [](E& e) { e.tag_len = 16; }, RequestError::bad_field},
    };
    const Refusal of_gcm[] = {
        {"tag of 5", [](E& e) { e.tag_len = 5; }, RequestError::bad_field},
        {"tag of 17", [](E& e) { e.tag_len = 17; }, RequestError::bad_field},
        {"no tag", [](E& e) { e.tag_len = 0; }, RequestError::bad_field},
        {"AAD longer than all", [](E& e) { e.aad_len = 49; }, RequestError::bad_length},
    };
    const auto check = [&](std::uint32_t session, std::span<const Refusal> refusals, bool is_gcm) {
        for (const Refusal& refusal : refusals) {
            auto entry =
                bench.request(session, Bytes(is_gcm ? 12 : 16), Bytes(48), is_gcm ? 64 : 48, false);
            entry.tag_len = is_gcm ? 16 : 0;
            ASSERT_EQ(status_of(bench.execute(1, entry)), ok);
            refusal.spoil(entry);
            const auto completion = bench.execute(1, entry);
            EXPECT_EQ(status_of(completion),
                      spec::Status::of(spec::StatusType::request, refusal.error))
                << refusal.what;
            EXPECT_NE(completion.status & 2, 0) << "do not retry";
        }
    };
    check(cbc, either, false);
    check(gcm, either, true);
    check(cbc, of_cbc, false);
    check(gcm, of_gcm, true);
}

TEST(Refusals, OfSessionsNameWhatIsWrong) {
    SliceBench bench({.max_sessions = 3});
    const auto create = [&](std::uint8_t algorithm, std::uint8_t key_len, std::uint32_t src_len) {
        spec::SubmissionEntry entry;
        entry.opcode = static_cast<std::uint8_t>(spec::Opcode::session_create);
        entry.src = bench.memory.allocate(64);
        entry.src_len = src_len;
        spec::SessionParameters parameters;
        parameters.algorithm = algorithm;
        parameters.key_len = key_len;
        bench.memory.put(entry.src, parameters);
        return bench.execute(0, entry);
    };
    const auto refused = [](spec::RequestError error) {
        return spec::Status::of(spec::StatusType::request, error);
    };
    EXPECT_EQ(status_of(create(9, 16, 40)), refused(spec::RequestError::bad_field));
    EXPECT_EQ(status_of(create(1, 15, 40)), refused(spec::RequestError::bad_field));
    EXPECT_EQ(status_of(create(1, 33, 40)), refused(spec::RequestError::bad_field));
    EXPECT_EQ(status_of(create(1, 16, 39)), refused(spec::RequestError::bad_length));
    const auto first = create(1, 16, 40);
    ASSERT_EQ(status_of(first), ok);
    EXPECT_EQ(status_of(create(1, 16, 40)), ok);
    EXPECT_EQ(status_of(create(2, 32, 40)), ok);
    EXPECT_EQ(status_of(create(1, 16, 40)), refused(spec::RequestError::no_session_left));
    spec::SubmissionEntry destroy;
    destroy.opcode = static_cast<std::uint8_t>(spec::Opcode::session_destroy);
    destroy.session = first.result;
    EXPECT_EQ(status_of(bench.execute(0, destroy)), ok);
    EXPECT_EQ(status_of(bench.execute(0, destroy)), refused(spec::RequestError::bad_session));
    const auto again = create(1, 16, 40);
    EXPECT_EQ(status_of(again), ok);
    EXPECT_NE(again.result, first.result) << "a new generation";
    spec::SubmissionEntry cipher;
    cipher.opcode = static_cast<std::uint8_t>(spec::Opcode::cipher);
    EXPECT_EQ(status_of(bench.execute(0, cipher)), refused(spec::RequestError::bad_opcode))
        << "I/O commands are not for the admin queue";
}

TEST(Sessions, OneMayBeDestroyedWhileItIsInUse) {
    CipherBench bench;
    const auto entry = bench.encryption(1, 65536);
    bench.push(1, entry);
    bench.ring(1);
    bench.run_for(std::chrono::microseconds(3));
    spec::SubmissionEntry destroy;
    destroy.opcode = static_cast<std::uint8_t>(spec::Opcode::session_destroy);
    destroy.session = bench.session;
    bench.push(0, destroy);
    bench.ring(0);
    bench.run();
    const auto reaped = bench.reap(1);
    ASSERT_EQ(reaped.size(), 1u);
    EXPECT_EQ(status_of(reaped[0]), ok);
}

}  // namespace
}  // namespace ringside::testing
