// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Random operations, many under way at one time and in several sessions, give the bytes that
// libcrypto gives for each alone. Replay a failure with --seed.

#include <openssl/evp.h>

#include <memory>
#include <string>

#include "ringside/base/prng.hpp"
#include "ringside/testing/seed.hpp"
#include "slice_bench.hpp"

namespace ringside::testing {
namespace {

const unsigned char* in(const Bytes& bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* out(Bytes& bytes) {
    return reinterpret_cast<unsigned char*>(bytes.data());
}
int size_of(const Bytes& bytes) {
    return static_cast<int>(bytes.size());
}

struct Session {
    spec::Algorithm algorithm;
    Bytes key;
    std::uint32_t id;
};

/// Ciphertext, followed by the tag if the algorithm has one.
Bytes encrypt_by_libcrypto(const Session& session, const Bytes& iv, const Bytes& aad,
                           const Bytes& plain, std::size_t tag_len) {
    const bool is_gcm = session.algorithm == spec::Algorithm::aes_gcm;
    const std::string name =
        "AES-" + std::to_string(session.key.size() * 8) + (is_gcm ? "-GCM" : "-CBC");
    const std::unique_ptr<EVP_CIPHER, decltype(&EVP_CIPHER_free)> cipher(
        EVP_CIPHER_fetch(nullptr, name.c_str(), nullptr), EVP_CIPHER_free);
    const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> ctx(EVP_CIPHER_CTX_new(),
                                                                              EVP_CIPHER_CTX_free);
    Bytes encrypted(plain.size());
    Bytes tag(tag_len);
    int length = 0;
    EXPECT_EQ(EVP_EncryptInit_ex2(ctx.get(), cipher.get(), nullptr, nullptr, nullptr), 1);
    EVP_CIPHER_CTX_set_padding(ctx.get(), 0);
    if (is_gcm) {
        EXPECT_EQ(EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_SET_IVLEN, size_of(iv), nullptr), 1);
    }
    EXPECT_EQ(EVP_EncryptInit_ex2(ctx.get(), nullptr, in(session.key), in(iv), nullptr), 1);
    if (!aad.empty()) {
        EXPECT_EQ(EVP_EncryptUpdate(ctx.get(), nullptr, &length, in(aad), size_of(aad)), 1);
    }
    if (!plain.empty()) {
        EXPECT_EQ(EVP_EncryptUpdate(ctx.get(), out(encrypted), &length, in(plain), size_of(plain)),
                  1);
    }
    unsigned char nothing[16];
    EXPECT_EQ(EVP_EncryptFinal_ex(ctx.get(), nothing, &length), 1);
    if (is_gcm) {
        EXPECT_EQ(EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_GET_TAG, size_of(tag), tag.data()),
                  1);
    }
    return encrypted + tag;
}

class RandomOperations : public ::testing::Test {
  protected:
    struct Expected {
        spec::SubmissionEntry entry;
        Bytes output;
    };

    Bytes draw(std::size_t size) {
        Bytes bytes(size);
        prng.fill(bytes);
        return bytes;
    }
    void make_sessions() {
        for (const auto algorithm : {spec::Algorithm::aes_cbc, spec::Algorithm::aes_gcm}) {
            for (const std::size_t key_len : {16, 24, 32, 16}) {
                const Bytes key = draw(key_len);
                sessions.push_back({algorithm, key, bench.create_session(algorithm, key)});
            }
        }
    }
    /// An operation with its result; half are encryptions.
    Expected draw_operation(std::uint16_t cid) {
        const Session& session = sessions[prng.below(sessions.size())];
        const bool is_gcm = session.algorithm == spec::Algorithm::aes_gcm;
        constexpr std::size_t tag_lengths[] = {4, 8, 12, 13, 14, 15, 16};
        const std::size_t tag_len = is_gcm ? tag_lengths[prng.below(std::size(tag_lengths))] : 0;
        const Bytes iv = draw(is_gcm ? prng.between(1, 16) : 16);
        const Bytes aad = draw(is_gcm && prng.chance(2, 3) ? prng.below(200) : 0);
        const Bytes plain = draw(is_gcm ? prng.below(3000) : prng.between(1, 200) * 16);
        const Bytes encrypted = encrypt_by_libcrypto(session, iv, aad, plain, tag_len);
        const bool decrypt = prng.chance(1, 2);
        const Bytes& output = decrypt ? plain : encrypted;
        auto entry =
            bench.cipher(session.id, iv, aad + (decrypt ? encrypted : plain), output.size());
        entry.flags = decrypt ? static_cast<std::uint8_t>(spec::SubmissionFlag::decrypt) : 0;
        entry.first_len = static_cast<std::uint16_t>(aad.size());
        entry.tag_len = static_cast<std::uint8_t>(tag_len);
        entry.cid = cid;
        return {entry, output};
    }

    Prng prng{seed(), "random operations"};
    SliceBench bench{{.slices = 3}};
    std::vector<Session> sessions;
};

TEST_F(RandomOperations, GiveWhatLibcryptoGives) {
    make_sessions();
    for (int round = 0; round < 20; ++round) {
        std::vector<Expected> batch;
        for (std::uint16_t cid = 0; cid < 60; ++cid) {
            batch.push_back(draw_operation(cid));
            bench.push(SliceBench::io, batch.back().entry);
        }
        bench.ring(SliceBench::io);
        bench.run();
        const auto completions = bench.reap(SliceBench::io);
        ASSERT_EQ(completions.size(), batch.size());
        for (const auto& completion : completions) {
            const Expected& expected = batch.at(completion.cid);
            ASSERT_TRUE(status_of(completion).ok());
            ASSERT_EQ(completion.result, expected.output.size());
            ASSERT_EQ(bench.output(expected.entry), expected.output);
        }
    }
}

}  // namespace
}  // namespace ringside::testing
