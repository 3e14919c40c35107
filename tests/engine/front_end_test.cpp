// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Provider and ENGINE (a program each) as an application sees them through EVP: on the device they
// give the same bytes, results and parameters as OpenSSL's own software, however the data is cut
// into calls.

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <array>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "front_end_under_test.hpp"
#include "ringside/base/private_libcrypto.hpp"
#include "ringside/base/prng.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside {
namespace {

using Bytes = std::vector<unsigned char>;

using Context = CipherContextHandle;

/// One for the whole program: starting a device for each test would only take time.
testing::FrontEndUnderTest& front_end() {
    static const auto instance = testing::FrontEndUnderTest::load();
    return *instance;
}

const PrivateLibcrypto& software() {
    static const PrivateLibcrypto library;
    return library;
}

/// What a message's worth of EVP calls gave: every return code and every output byte.
struct Transcript {
    std::vector<int> results;
    Bytes output;
    Bytes tag;
    bool operator==(const Transcript&) const = default;
};

// NOLINTNEXTLINE(readability-identifier-naming): GoogleTest's
void PrintTo(const Transcript& transcript, std::ostream* out) {
    *out << ::testing::PrintToString(transcript.results) << ", "
         << ::testing::PrintToString(transcript.output);
}

enum class TagComes { before_iv, before_data, last };

struct Message {
    Bytes key;
    Bytes iv;
    Bytes aad;
    Bytes data;
    Bytes tag;                      ///< AEAD, decrypting
    std::vector<std::size_t> cuts;  ///< lengths of the updates
    bool encrypts = true;
    bool pads = true;
    bool in_place = false;
    TagComes tag_comes = TagComes::before_data;
};

bool is_authenticated(const EVP_CIPHER* cipher) {
    return (EVP_CIPHER_get_flags(cipher) & EVP_CIPH_FLAG_AEAD_CIPHER) != 0;
}

Transcript run(const EVP_CIPHER* cipher, const Message& message, Context& ctx) {
    const bool is_aead = is_authenticated(cipher);
    Transcript transcript;
    const auto note = [&](int result) { transcript.results.push_back(result); };
    const auto set_tag = [&] {
        Bytes tag = message.tag;
        note(EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag.size()),
                                 tag.data()));
    };
    note(
        EVP_CipherInit_ex2(ctx.get(), cipher, nullptr, nullptr, message.encrypts ? 1 : 0, nullptr));
    if (is_aead) {
        note(EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_SET_IVLEN,
                                 static_cast<int>(message.iv.size()), nullptr));
    }
    const bool has_tag = is_aead && !message.encrypts;
    if (has_tag && message.tag_comes == TagComes::before_iv) {
        set_tag();
    }
    note(
        EVP_CipherInit_ex2(ctx.get(), nullptr, message.key.data(), message.iv.data(), -1, nullptr));
    EVP_CIPHER_CTX_set_padding(ctx.get(), message.pads ? 1 : 0);
    if (has_tag && message.tag_comes == TagComes::before_data) {
        set_tag();
    }
    int length = 0;
    if (!message.aad.empty()) {
        note(EVP_CipherUpdate(ctx.get(), nullptr, &length, message.aad.data(),
                              static_cast<int>(message.aad.size())));
    }
    const unsigned char* in = message.data.data();
    for (const std::size_t cut : message.cuts) {
        Bytes out(cut + 32, 0xEE);
        const unsigned char* source = in;
        if (message.in_place) {
            std::copy_n(in, cut, out.begin());
            source = out.data();
        }
        const int done =
            EVP_CipherUpdate(ctx.get(), out.data(), &length, source, static_cast<int>(cut));
        length = done == 1 ? length : 0;
        note(done);
        note(length);
        transcript.output.insert(transcript.output.end(), out.begin(), out.begin() + length);
        in += cut;
    }
    if (has_tag && message.tag_comes == TagComes::last) {
        set_tag();
    }
    std::array<unsigned char, 32> last{};
    length = 0;
    const int finished = EVP_CipherFinal_ex(ctx.get(), last.data(), &length);
    note(finished);
    if (finished == 1) {
        transcript.output.insert(transcript.output.end(), last.begin(), last.begin() + length);
        if (is_aead && message.encrypts) {
            transcript.tag.resize(16);
            note(EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_GET_TAG, 16, transcript.tag.data()));
        }
    }
    ERR_clear_error();
    return transcript;
}

Bytes draw(Prng& stream, std::size_t size) {
    Bytes bytes(size);
    stream.fill(std::as_writable_bytes(std::span(bytes)));
    return bytes;
}

std::vector<std::size_t> cut(Prng& stream, std::size_t size, bool is_one_unit) {
    std::vector<std::size_t> cuts;
    while (size != 0) {
        cuts.push_back(is_one_unit || stream.chance(1, 3) ? size : stream.between(1, size));
        size -= cuts.back();
    }
    return cuts;
}

struct Names {
    const char* name;
    std::size_t key_size;
};

class FrontEndTest : public ::testing::TestWithParam<Names> {
  protected:
    void SetUp() override {
        ours = front_end().cipher(GetParam().name);
        theirs = software().fetch_cipher(GetParam().name);
        ASSERT_NE(ours, nullptr) << "the module did not load";
        ASSERT_NE(theirs, nullptr);
    }
    const EVP_CIPHER* ours = nullptr;
    CipherHandle theirs;
};

TEST_P(FrontEndTest, GivesTheSameAsSoftware) {
    const bool is_aead = is_authenticated(theirs.get());
    const bool streams = EVP_CIPHER_get_block_size(theirs.get()) == 1;
    const bool is_gcm = EVP_CIPHER_get_mode(theirs.get()) == EVP_CIPH_GCM_MODE;
    const bool is_xts = EVP_CIPHER_get_mode(theirs.get()) == EVP_CIPH_XTS_MODE;
    Prng stream(testing::seed(), GetParam().name);
    Context our_ctx(EVP_CIPHER_CTX_new());
    Context their_ctx(EVP_CIPHER_CTX_new());
    for (int round = 0; round < 300; ++round) {
        if (stream.chance(1, 2)) {  // else the ctx is used again
            our_ctx.reset(EVP_CIPHER_CTX_new());
            their_ctx.reset(EVP_CIPHER_CTX_new());
        }
        Message message;
        message.key = draw(stream, GetParam().key_size);
        message.iv = draw(stream, is_gcm && stream.chance(1, 4) ? stream.between(1, 20)
                                  : is_aead                     ? 12
                                                                : 16);
        if (!is_aead && stream.chance(1, 8)) {
            std::fill(message.iv.begin(), message.iv.end(), 0xFF);  // a counter wraps
        }
        message.aad = is_aead ? draw(stream, stream.below(40)) : Bytes();
        message.data = draw(stream, stream.chance(1, 10) ? 0 : stream.between(1, 600));
        message.pads = stream.chance(2, 3);
        if (!message.pads && stream.chance(3, 4)) {
            message.data.resize(message.data.size() / 16 * 16);
        }
        message.cuts = cut(stream, message.data.size(), is_xts);
        message.in_place = streams && stream.chance(1, 2);
        const Transcript expected = run(theirs.get(), message, their_ctx);
        ASSERT_EQ(run(ours, message, our_ctx), expected) << "encrypting, round " << round;

        Message back = message;
        back.encrypts = false;
        back.data = expected.output;
        back.tag = is_aead ? expected.tag : Bytes();
        back.tag_comes = static_cast<TagComes>(stream.below(3));
        back.cuts = cut(stream, back.data.size(), is_xts);
        if (stream.chance(1, 4) && !back.data.empty()) {
            back.data[stream.below(back.data.size())] ^= 0x10;  // forged, or broken padding
        }
        ASSERT_EQ(run(ours, back, our_ctx), run(theirs.get(), back, their_ctx))
            << "decrypting, round " << round;
    }
}

TEST_P(FrontEndTest, SaysTheSameOfItself) {
    EXPECT_EQ(EVP_CIPHER_get_key_length(ours), EVP_CIPHER_get_key_length(theirs.get()));
    EXPECT_EQ(EVP_CIPHER_get_iv_length(ours), EVP_CIPHER_get_iv_length(theirs.get()));
    EXPECT_EQ(EVP_CIPHER_get_block_size(ours), EVP_CIPHER_get_block_size(theirs.get()));
    EXPECT_EQ(EVP_CIPHER_get_mode(ours), EVP_CIPHER_get_mode(theirs.get()));
    const EVP_CIPHER* const known = front_end().known(GetParam().name);
    EXPECT_EQ(EVP_CIPHER_get_nid(ours), EVP_CIPHER_get_nid(known));
    // How a context is copied is the implementation's own affair.
    EXPECT_EQ(EVP_CIPHER_get_flags(ours) & ~EVP_CIPH_CUSTOM_COPY,
              EVP_CIPHER_get_flags(known) & ~EVP_CIPH_CUSTOM_COPY);
}

TEST_P(FrontEndTest, ADuplicateGoesOnAlone) {
    Prng stream(testing::seed(), "dup");
    const Bytes key = draw(stream, GetParam().key_size);
    const Bytes iv = draw(stream, 16);
    const Bytes data = draw(stream, 64);
    const auto finish = [&](EVP_CIPHER_CTX* ctx, const Bytes& rest) {
        Bytes out(128);
        int length = 0;
        int last = 0;
        EXPECT_EQ(
            EVP_EncryptUpdate(ctx, out.data(), &length, rest.data(), static_cast<int>(rest.size())),
            1);
        EXPECT_EQ(EVP_EncryptFinal_ex(ctx, out.data() + length, &last), 1);
        out.resize(static_cast<std::size_t>(length) + static_cast<std::size_t>(last));
        return out;
    };
    std::array<Bytes, 4> outputs;
    for (std::size_t i = 0; i < 2; ++i) {
        const Context ctx(EVP_CIPHER_CTX_new());
        Bytes out(128);
        int length = 0;
        ASSERT_EQ(EVP_EncryptInit_ex2(ctx.get(), i == 0 ? ours : theirs.get(), key.data(),
                                      iv.data(), nullptr),
                  1);
        ASSERT_EQ(EVP_EncryptUpdate(ctx.get(), out.data(), &length, data.data(), 40), 1);
        const Context copy(EVP_CIPHER_CTX_new());
        ASSERT_EQ(EVP_CIPHER_CTX_copy(copy.get(), ctx.get()), 1);
        outputs.at(i) = finish(ctx.get(), data);
        outputs.at(i + 2) = finish(copy.get(), Bytes(21, 7));
    }
    EXPECT_EQ(outputs[0], outputs[1]);
    EXPECT_EQ(outputs[2], outputs[3]);
}

TEST_P(FrontEndTest, WithoutKeyOrIvItFailsCleanly) {
    const Context ctx(EVP_CIPHER_CTX_new());
    ASSERT_EQ(EVP_EncryptInit_ex2(ctx.get(), ours, nullptr, nullptr, nullptr), 1);
    std::array<unsigned char, 64> out{};
    int length = 0;
    EXPECT_EQ(EVP_EncryptUpdate(ctx.get(), out.data(), &length, out.data(), 32), 0);
    EXPECT_NE(ERR_get_error(), 0u);
    ERR_clear_error();
}

struct DigestNames {
    const char* name;
    const char* of_provider;  ///< its first
};

class DigestTest : public ::testing::TestWithParam<DigestNames> {
  protected:
    void SetUp() override {
        ours = front_end().digest(GetParam().name);
        theirs = front_end().known_digest(GetParam().name);
        software_digest = software().fetch_digest(GetParam().of_provider);
        ASSERT_NE(ours, nullptr) << "it is not offered";
        ASSERT_NE(software_digest, nullptr);
    }
    /// The digest of `data`, cut anyhow; what it was half-way is the first part of the result.
    static Bytes digest_of(const EVP_MD* digest, EVP_MD_CTX* ctx, const Bytes& data,
                           const std::vector<std::size_t>& cuts) {
        Bytes out(2 * EVP_MAX_MD_SIZE);
        unsigned length = 0;
        const DigestContextHandle copy(EVP_MD_CTX_new());
        EXPECT_EQ(EVP_DigestInit_ex2(ctx, digest, nullptr), 1);
        const unsigned char* from = data.data();
        for (std::size_t i = 0; i < cuts.size(); ++i) {
            if (i == cuts.size() / 2) {
                EXPECT_EQ(EVP_MD_CTX_copy_ex(copy.get(), ctx), 1);
                EXPECT_EQ(EVP_DigestFinal_ex(copy.get(), out.data(), &length), 1);
            }
            EXPECT_EQ(EVP_DigestUpdate(ctx, from, cuts[i]), 1);
            from += cuts[i];
        }
        EXPECT_EQ(EVP_DigestFinal_ex(ctx, out.data() + EVP_MAX_MD_SIZE, &length), 1);
        EXPECT_EQ(length, static_cast<unsigned>(EVP_MD_get_size(digest)));
        return out;
    }
    const EVP_MD* ours = nullptr;
    const EVP_MD* theirs = nullptr;
    DigestHandle software_digest;
};

TEST_P(DigestTest, GivesTheSameAsSoftware) {
    Prng stream(testing::seed(), GetParam().name);
    const DigestContextHandle our_ctx(EVP_MD_CTX_new());
    const DigestContextHandle their_ctx(EVP_MD_CTX_new());
    for (int round = 0; round < 100; ++round) {
        // In the last one there is more than is collected for the device.
        const Bytes data = draw(stream, round == 99            ? (std::size_t{3} << 20) / 2 + 1
                                        : stream.chance(1, 10) ? 0
                                                               : stream.between(1, 5000));
        const auto cuts = cut(stream, data.size(), false);
        ASSERT_EQ(digest_of(ours, our_ctx.get(), data, cuts),
                  digest_of(software_digest.get(), their_ctx.get(), data, cuts))
            << "round " << round;
    }
}

TEST_P(DigestTest, SaysTheSameOfItself) {
    EXPECT_EQ(EVP_MD_get_size(ours), EVP_MD_get_size(theirs));
    EXPECT_EQ(EVP_MD_get_block_size(ours), EVP_MD_get_block_size(theirs));
    EXPECT_EQ(EVP_MD_get_type(ours), EVP_MD_get_type(theirs));
    EXPECT_EQ(EVP_MD_get_flags(ours), EVP_MD_get_flags(theirs));
}

std::vector<DigestNames> offered_digests() {
    std::vector<DigestNames> names = {
        {"SHA224", "SHA2-224"},         {"SHA256", "SHA2-256"},         {"SHA384", "SHA2-384"},
        {"SHA512-224", "SHA2-512/224"}, {"SHA512-256", "SHA2-512/256"}, {"SHA3-256", "SHA3-256"}};
    if (testing::FrontEndUnderTest::is_provider) {
        names.push_back({"SHA512", "SHA2-512"});
    }
    return names;
}

INSTANTIATE_TEST_SUITE_P(Digests, DigestTest, ::testing::ValuesIn(offered_digests()),
                         [](const auto& parameter) {
                             std::string name = parameter.param.name;
                             name.erase(std::remove(name.begin(), name.end(), '-'), name.end());
                             return name;
                         });

std::vector<Names> offered() {
    std::vector<Names> names = {
        {"AES-128-CBC", 16}, {"AES-192-CBC", 24}, {"AES-256-CBC", 32},
        {"AES-128-GCM", 16}, {"AES-192-GCM", 24}, {"AES-256-GCM", 32},
        {"AES-128-XTS", 32}, {"AES-256-XTS", 64}, {"ChaCha20-Poly1305", 32}};
    if (testing::FrontEndUnderTest::is_provider) {
        names.insert(names.end(), {{"AES-128-CTR", 16}, {"AES-192-CTR", 24}, {"AES-256-CTR", 32}});
    }
    return names;
}

INSTANTIATE_TEST_SUITE_P(Ciphers, FrontEndTest, ::testing::ValuesIn(offered()),
                         [](const auto& parameter) {
                             std::string name = parameter.param.name;
                             name.erase(std::remove(name.begin(), name.end(), '-'), name.end());
                             return name;
                         });

}  // namespace
}  // namespace ringside
