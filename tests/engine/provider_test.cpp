// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The provider as an application sees it through EVP: on the device it gives the same bytes,
// results and parameters as OpenSSL's default provider, however the data is cut into calls.

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "ringside/base/prng.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside {
namespace {

using Bytes = std::vector<unsigned char>;

struct Deleter {
    void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
    void operator()(EVP_CIPHER_CTX* ctx) const { EVP_CIPHER_CTX_free(ctx); }
};
using Cipher = std::unique_ptr<EVP_CIPHER, Deleter>;
using Context = std::unique_ptr<EVP_CIPHER_CTX, Deleter>;

/// Both providers in a library context of the test's own.
class Libraries {
  public:
    Libraries() {
        OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS, nullptr);  // its clean-up after ours
        OSSL_PROVIDER_set_default_search_path(context, RINGSIDE_MODULE_FOLDER);
        ringside = OSSL_PROVIDER_load(context, "ringside");
        standard = OSSL_PROVIDER_load(context, "default");
    }
    Libraries(const Libraries&) = delete;
    Libraries& operator=(const Libraries&) = delete;
    ~Libraries() {
        OSSL_PROVIDER_unload(ringside);
        OSSL_PROVIDER_unload(standard);
        OSSL_LIB_CTX_free(context);
    }
    Cipher ours(const char* name) const {
        return Cipher(EVP_CIPHER_fetch(context, name, "ringside.offload=yes"));
    }
    Cipher theirs(const char* name) const {
        return Cipher(EVP_CIPHER_fetch(context, name, "provider=default"));
    }

    OSSL_LIB_CTX* context = OSSL_LIB_CTX_new();
    OSSL_PROVIDER* ringside = nullptr;
    OSSL_PROVIDER* standard = nullptr;
};

/// One device for the whole program: starting one for each test would only take time.
Libraries& libraries() {
    static Libraries instance;
    return instance;
}

/// What a message's worth of EVP calls gave: every return code and every output byte.
struct Transcript {
    std::vector<int> results;
    Bytes output;
    Bytes tag;
    bool operator==(const Transcript&) const = default;
};

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
    bool tag_first = true;  ///< else just before final
};

Transcript run(const EVP_CIPHER* cipher, const Message& message, Context& ctx) {
    const bool is_aead = EVP_CIPHER_get_mode(cipher) == EVP_CIPH_GCM_MODE;
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
    note(
        EVP_CipherInit_ex2(ctx.get(), nullptr, message.key.data(), message.iv.data(), -1, nullptr));
    EVP_CIPHER_CTX_set_padding(ctx.get(), message.pads ? 1 : 0);
    if (is_aead && !message.encrypts && message.tag_first) {
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
        note(EVP_CipherUpdate(ctx.get(), out.data(), &length, source, static_cast<int>(cut)));
        note(length);
        transcript.output.insert(transcript.output.end(), out.begin(), out.begin() + length);
        in += cut;
    }
    if (is_aead && !message.encrypts && !message.tag_first) {
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

std::vector<std::size_t> cut(Prng& stream, std::size_t size) {
    std::vector<std::size_t> cuts;
    while (size != 0) {
        cuts.push_back(stream.chance(1, 3) ? size : stream.between(1, size));
        size -= cuts.back();
    }
    return cuts;
}

struct Names {
    const char* name;
    std::size_t key_size;
};

class ProviderTest : public ::testing::TestWithParam<Names> {
  protected:
    void SetUp() override {
        ASSERT_NE(libraries().ringside, nullptr) << "ringside.so did not load";
        ours = libraries().ours(GetParam().name);
        theirs = libraries().theirs(GetParam().name);
        ASSERT_NE(ours, nullptr);
        ASSERT_NE(theirs, nullptr);
    }
    Cipher ours;
    Cipher theirs;
};

TEST_P(ProviderTest, GivesTheSameAsTheDefaultProvider) {
    const bool is_aead = EVP_CIPHER_get_mode(theirs.get()) == EVP_CIPH_GCM_MODE;
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
        message.iv =
            draw(stream, is_aead ? (stream.chance(3, 4) ? 12 : stream.between(1, 20)) : 16);
        message.aad = is_aead ? draw(stream, stream.below(40)) : Bytes();
        message.data = draw(stream, stream.chance(1, 10) ? 0 : stream.between(1, 600));
        message.pads = stream.chance(2, 3);
        if (!message.pads && stream.chance(3, 4)) {
            message.data.resize(message.data.size() / 16 * 16);
        }
        message.cuts = cut(stream, message.data.size());
        message.in_place = is_aead && stream.chance(1, 2);
        const Transcript expected = run(theirs.get(), message, their_ctx);
        ASSERT_EQ(run(ours.get(), message, our_ctx), expected) << "encrypting, round " << round;

        Message back = message;
        back.encrypts = false;
        back.data = expected.output;
        back.tag = is_aead ? expected.tag : Bytes();
        back.tag_first = stream.chance(1, 2);
        back.cuts = cut(stream, back.data.size());
        if (stream.chance(1, 4) && !back.data.empty()) {
            back.data[stream.below(back.data.size())] ^= 0x10;  // forged, or broken padding
        }
        ASSERT_EQ(run(ours.get(), back, our_ctx), run(theirs.get(), back, their_ctx))
            << "decrypting, round " << round;
    }
}

TEST_P(ProviderTest, SaysTheSameOfItself) {
    EXPECT_EQ(EVP_CIPHER_get_key_length(ours.get()), EVP_CIPHER_get_key_length(theirs.get()));
    EXPECT_EQ(EVP_CIPHER_get_iv_length(ours.get()), EVP_CIPHER_get_iv_length(theirs.get()));
    EXPECT_EQ(EVP_CIPHER_get_block_size(ours.get()), EVP_CIPHER_get_block_size(theirs.get()));
    EXPECT_EQ(EVP_CIPHER_get_mode(ours.get()), EVP_CIPHER_get_mode(theirs.get()));
    EXPECT_EQ(EVP_CIPHER_get_nid(ours.get()), EVP_CIPHER_get_nid(theirs.get()));
    // TLS 1.1 multi-block is an offer of the stitched ciphers only; the rest must agree.
    EXPECT_EQ(EVP_CIPHER_get_flags(ours.get()), EVP_CIPHER_get_flags(theirs.get()));
}

TEST_P(ProviderTest, ADuplicateGoesOnAlone) {
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
        out.resize(static_cast<std::size_t>(length + last));
        return out;
    };
    std::array<Bytes, 4> outputs;
    for (int i = 0; i < 2; ++i) {
        const Context ctx(EVP_CIPHER_CTX_new());
        Bytes out(128);
        int length = 0;
        ASSERT_EQ(EVP_EncryptInit_ex2(ctx.get(), i == 0 ? ours.get() : theirs.get(), key.data(),
                                      iv.data(), nullptr),
                  1);
        ASSERT_EQ(EVP_EncryptUpdate(ctx.get(), out.data(), &length, data.data(), 40), 1);
        const Context copy(EVP_CIPHER_CTX_new());
        ASSERT_EQ(EVP_CIPHER_CTX_copy(copy.get(), ctx.get()), 1);
        outputs.at(static_cast<std::size_t>(i)) = finish(ctx.get(), data);
        outputs.at(static_cast<std::size_t>(i + 2)) = finish(copy.get(), Bytes(5, 7));
    }
    EXPECT_EQ(outputs[0], outputs[1]);
    EXPECT_EQ(outputs[2], outputs[3]);
}

TEST_P(ProviderTest, WithoutKeyOrIvItFailsCleanly) {
    const Context ctx(EVP_CIPHER_CTX_new());
    ASSERT_EQ(EVP_EncryptInit_ex2(ctx.get(), ours.get(), nullptr, nullptr, nullptr), 1);
    std::array<unsigned char, 64> out{};
    int length = 0;
    EXPECT_EQ(EVP_EncryptUpdate(ctx.get(), out.data(), &length, out.data(), 32), 0);
    EXPECT_NE(ERR_get_error(), 0u);
    ERR_clear_error();
}

INSTANTIATE_TEST_SUITE_P(Aes, ProviderTest,
                         ::testing::Values(Names{"AES-128-CBC", 16}, Names{"AES-192-CBC", 24},
                                           Names{"AES-256-CBC", 32}, Names{"AES-128-GCM", 16},
                                           Names{"AES-192-GCM", 24}, Names{"AES-256-GCM", 32}),
                         [](const auto& parameter) {
                             std::string name = parameter.param.name;
                             name.erase(std::remove(name.begin(), name.end(), '-'), name.end());
                             return name;
                         });

}  // namespace
}  // namespace ringside
