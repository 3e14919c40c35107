// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Asymmetric keys in the provider, as an application sees them through EVP: on the device they do
// what OpenSSL's own software does, and each side takes what the other has made.

#include <openssl/bio.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "asymmetric_fixture.hpp"
#include "ringside/base/prng.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::testing {
namespace {

Octets draw(std::size_t size, const char* purpose) {
    Prng stream(seed(), purpose);
    Octets octets(size);
    stream.fill(std::as_writable_bytes(std::span(octets)));
    return octets;
}

struct KeyKind {
    const char* name;
    const char* type;
    const char* group = nullptr;
    unsigned bits = 0;
    unsigned primes = 2;
};
constexpr KeyKind rsa_2048{"RSA2048", "RSA", nullptr, 2048};
constexpr KeyKind rsa_3072{"RSA3072", "RSA", nullptr, 3072};
constexpr KeyKind rsa_4096{"RSA4096", "RSA", nullptr, 4096};
constexpr KeyKind p_256{"P256", "EC", "P-256"};
constexpr KeyKind p_384{"P384", "EC", "P-384"};
constexpr KeyKind x25519{"X25519", "X25519"};
constexpr KeyKind ed25519{"Ed25519", "ED25519"};
// What the device does not take, and the provider still must.
constexpr KeyKind rsa_1024{"RSA1024", "RSA", nullptr, 1024};
constexpr KeyKind rsa_2056{"RSA2056", "RSA", nullptr, 2056};
constexpr KeyKind rsa_3_primes{"RSA3Primes", "RSA", nullptr, 2048, 3};
constexpr KeyKind p_521{"P521", "EC", "P-521"};
constexpr KeyKind secp256k1{"Secp256k1", "EC", "secp256k1"};

/// Generated once: the larger RSA keys take their time.
const KeyInBoth& key_in_both(const KeyKind& kind) {
    static std::map<std::string, KeyInBoth> keys;
    auto found = keys.find(kind.name);
    if (found == keys.end()) {
        const Key made = software_library().generate(kind.type, kind.group, kind.bits, kind.primes);
        found = keys.emplace(kind.name, KeyInBoth(made)).first;
    }
    return found->second;
}

bool is_type(const KeyKind& kind, const char* type) {
    return std::string(kind.type) == type;
}

std::vector<Scheme> schemes_of(const KeyKind& kind) {
    if (is_type(kind, "RSA")) {
        return {
            {.digest = "SHA256", .padding = RSA_PKCS1_PADDING},
            {.digest = "SHA384", .padding = RSA_PKCS1_PADDING},
            {.digest = "SHA2-512", .padding = RSA_PKCS1_PADDING},
            {.digest = "SHA-224", .padding = RSA_PKCS1_PADDING},
            {.digest = "SHA3-256", .padding = RSA_PKCS1_PADDING},
            {.digest = "SHA1", .padding = RSA_PKCS1_PADDING},
            {.digest = "MD5-SHA1", .padding = RSA_PKCS1_PADDING},
            {.digest = "SHA256",
             .padding = RSA_PKCS1_PSS_PADDING,
             .salt_size = RSA_PSS_SALTLEN_DIGEST},
            {.digest = "SHA256",
             .padding = RSA_PKCS1_PSS_PADDING,
             .salt_size = 11,
             .mask_digest = "SHA1"},
            {.digest = "SHA384",
             .padding = RSA_PKCS1_PSS_PADDING,
             .salt_size = RSA_PSS_SALTLEN_MAX},
            {.digest = "SHA256", .padding = RSA_X931_PADDING},
        };
    }
    if (is_type(kind, "EC")) {
        return {
            {.digest = "SHA256"}, {.digest = "SHA384"}, {.digest = "SHA512"}, {.digest = "SHA1"}};
    }
    return {{}};
}

class AsymmetricKeys : public ::testing::TestWithParam<KeyKind> {
  protected:
    void SetUp() override {
        ASSERT_TRUE(is_ours(keys.ours)) << "the module did not load";
        ASSERT_TRUE(is_ours(keys.our_public));
        ASSERT_FALSE(is_ours(keys.theirs));
    }
    const KeyInBoth& keys = key_in_both(GetParam());
    const Library& device = device_library();
    const Library& software = software_library();
};

using SigningKeys = AsymmetricKeys;
using AgreeingKeys = AsymmetricKeys;

TEST_P(SigningKeys, SignWhatSoftwareVerifiesAndVerifyWhatSoftwareSigns) {
    for (const Scheme& scheme : schemes_of(GetParam())) {
        for (const std::size_t size : {0, 1, 100, 4096, 5000}) {
            SCOPED_TRACE((scheme.digest != nullptr ? scheme.digest : "") +
                         std::string(" padding ") + std::to_string(scheme.padding) + ", " +
                         std::to_string(size) + " bytes");
            const Octets message = draw(size, "message");
            const Octets ours = sign(device, keys.ours, scheme, message);
            const Octets theirs = sign(software, keys.theirs, scheme, message);
            ASSERT_FALSE(ours.empty());
            ASSERT_FALSE(theirs.empty());
            EXPECT_TRUE(verify(software, keys.their_public, scheme, message, ours));
            EXPECT_TRUE(verify(device, keys.our_public, scheme, message, theirs));
            EXPECT_TRUE(verify(device, keys.ours, scheme, message, ours));
            const bool is_deterministic =
                !is_type(GetParam(), "EC") && scheme.padding != RSA_PKCS1_PSS_PADDING;
            if (is_deterministic) {
                EXPECT_EQ(ours, theirs);
            }
        }
    }
}

TEST_P(SigningKeys, RefuseWrongSignatures) {
    const Octets message = draw(100, "message");
    for (const Scheme& scheme : schemes_of(GetParam())) {
        const Octets good = sign(software, keys.theirs, scheme, message);
        std::vector<Octets> wrong = {{}, Octets(good.size()), Octets(good.size(), 0xFF)};
        for (const std::size_t at : {std::size_t{0}, good.size() / 2, good.size() - 1}) {
            wrong.push_back(good);
            wrong.back()[at] ^= 1;
        }
        wrong.emplace_back(good.begin(), good.end() - 1);
        wrong.push_back(good);
        wrong.back().push_back(0);
        for (const Octets& signature : wrong) {
            EXPECT_FALSE(verify(device, keys.our_public, scheme, message, signature));
        }
        Octets other = message;
        other[0] ^= 1;
        EXPECT_FALSE(verify(device, keys.our_public, scheme, other, good));
        EXPECT_TRUE(verify(device, keys.our_public, scheme, message, good)) << "and go on";
    }
}

TEST_P(AsymmetricKeys, ComeBackFromTheProviderAsTheyWere) {
    EXPECT_EQ(private_der(keys.ours), private_der(keys.theirs));
    EXPECT_EQ(public_der(keys.ours), public_der(keys.theirs));
    EXPECT_EQ(public_der(keys.our_public), public_der(keys.theirs));
    EXPECT_EQ(EVP_PKEY_get_bits(keys.ours.get()), EVP_PKEY_get_bits(keys.theirs.get()));
    EXPECT_EQ(EVP_PKEY_get_size(keys.ours.get()), EVP_PKEY_get_size(keys.theirs.get()));
    EXPECT_EQ(EVP_PKEY_get_id(keys.ours.get()), EVP_PKEY_get_id(keys.theirs.get()));
    std::string printed[2];
    for (const bool is_ours : {false, true}) {
        BIO* const out = BIO_new(BIO_s_mem());
        EXPECT_EQ(
            EVP_PKEY_print_private(out, (is_ours ? keys.ours : keys.theirs).get(), 0, nullptr), 1);
        char* text = nullptr;
        const long size = BIO_get_mem_data(out, &text);
        printed[is_ours ? 1 : 0].assign(text, static_cast<std::size_t>(size));
        BIO_free(out);
    }
    EXPECT_EQ(printed[0], printed[1]);
    EXPECT_FALSE(printed[0].empty());
}

TEST_P(AsymmetricKeys, AreCopiedComparedAndChecked) {
    const Key copy(EVP_PKEY_dup(keys.ours.get()));
    ASSERT_NE(copy, nullptr);
    EXPECT_TRUE(is_ours(copy));
    EXPECT_EQ(EVP_PKEY_eq(copy.get(), keys.ours.get()), 1);
    EXPECT_EQ(EVP_PKEY_eq(keys.ours.get(), keys.their_public.get()), 1) << "across providers";
    const Key other =
        software.generate(GetParam().type, GetParam().group, is_type(GetParam(), "RSA") ? 512 : 0);
    EXPECT_NE(EVP_PKEY_eq(KeyInBoth(other).ours.get(), keys.ours.get()), 1);
    EXPECT_EQ(EVP_PKEY_check(device.of_key(copy).get()), 1);
    EXPECT_EQ(EVP_PKEY_public_check(device.of_key(keys.our_public).get()), 1);
}

TEST_P(AgreeingKeys, AgreeOnASecretWithSoftware) {
    for (int round = 0; round < 5; ++round) {
        const Key made = software.generate(GetParam().type, GetParam().group);
        const KeyInBoth peer(made);
        const Octets expected = derive(software, keys.theirs, peer.their_public);
        ASSERT_FALSE(expected.empty());
        EXPECT_EQ(derive(device, keys.ours, peer.our_public), expected);
        EXPECT_EQ(derive(device, peer.ours, keys.our_public), expected);
    }
}

std::string name_of(const ::testing::TestParamInfo<KeyKind>& parameter) {
    return parameter.param.name;
}

INSTANTIATE_TEST_SUITE_P(Each, AsymmetricKeys,
                         ::testing::Values(rsa_2048, rsa_3072, rsa_4096, p_256, p_384, x25519,
                                           ed25519, rsa_1024, rsa_2056, rsa_3_primes, p_521,
                                           secp256k1),
                         &name_of);
INSTANTIATE_TEST_SUITE_P(Each, SigningKeys,
                         ::testing::Values(rsa_2048, rsa_3072, rsa_4096, p_256, p_384, ed25519,
                                           rsa_1024, rsa_2056, rsa_3_primes, p_521, secp256k1),
                         &name_of);
INSTANTIATE_TEST_SUITE_P(Each, AgreeingKeys,
                         ::testing::Values(p_256, p_384, x25519, p_521, secp256k1), &name_of);

// ---- RSA encryption ----

struct Encryption {
    int padding;
    const char* digest = nullptr;
    const char* label = nullptr;
};

/// Encrypts or decrypts; empty: it failed.
Octets crypt(const Library& library, const Key& key, bool encrypts, const Encryption& how,
             const Octets& in) {
    const KeyContext context = library.of_key(key);
    std::size_t size = 0;
    auto* const init = encrypts ? &EVP_PKEY_encrypt_init : &EVP_PKEY_decrypt_init;
    auto* const work = encrypts ? &EVP_PKEY_encrypt : &EVP_PKEY_decrypt;
    if (init(context.get()) != 1 || EVP_PKEY_CTX_set_rsa_padding(context.get(), how.padding) != 1 ||
        (how.digest != nullptr &&
         EVP_PKEY_CTX_set_rsa_oaep_md_name(context.get(), how.digest, nullptr) != 1) ||
        (how.label != nullptr &&
         EVP_PKEY_CTX_set0_rsa_oaep_label(context.get(), OPENSSL_strdup(how.label),
                                          static_cast<int>(std::strlen(how.label))) != 1) ||
        work(context.get(), nullptr, &size, in.data(), in.size()) != 1) {
        return {};
    }
    Octets out(size);
    const bool done = work(context.get(), out.data(), &size, in.data(), in.size()) == 1;
    ERR_clear_error();
    out.resize(done ? size : 0);
    return out;
}

class RsaEncryption : public ::testing::TestWithParam<KeyKind> {
  protected:
    const KeyInBoth& keys = key_in_both(GetParam());
    const Library& device = device_library();
    const Library& software = software_library();
    static constexpr Encryption ways[] = {
        {RSA_PKCS1_PADDING},
        {RSA_PKCS1_OAEP_PADDING},
        {RSA_PKCS1_OAEP_PADDING, "SHA256", "label"},
    };
};

TEST_P(RsaEncryption, GoesBothWaysBetweenDeviceAndSoftware) {
    for (const Encryption& way : ways) {
        for (const std::size_t size : {1, 16, 48}) {
            const Octets secret = draw(size, "secret");
            const Octets ours = crypt(device, keys.our_public, true, way, secret);
            const Octets theirs = crypt(software, keys.their_public, true, way, secret);
            ASSERT_FALSE(ours.empty());
            EXPECT_EQ(crypt(software, keys.theirs, false, way, ours), secret);
            EXPECT_EQ(crypt(device, keys.ours, false, way, theirs), secret);
        }
    }
    const auto width = static_cast<std::size_t>(EVP_PKEY_get_size(keys.ours.get()));
    Octets number = draw(width, "number");
    number[0] = 0;
    const Encryption bare{RSA_NO_PADDING};
    EXPECT_EQ(crypt(device, keys.our_public, true, bare, number),
              crypt(software, keys.their_public, true, bare, number));
    EXPECT_EQ(crypt(device, keys.ours, false, bare, number),
              crypt(software, keys.theirs, false, bare, number));
}

TEST_P(RsaEncryption, RefusesWhatSoftwareRefuses) {
    const auto width = static_cast<std::size_t>(EVP_PKEY_get_size(keys.ours.get()));
    for (const Encryption& way : ways) {
        Octets broken = crypt(software, keys.their_public, true, way, draw(20, "secret"));
        broken[width / 2] ^= 1;
        const Octets too_large(width, 0xFF);
        const Octets too_long(width + 1, 0);
        // PKCS #1 answers what is broken with an error or, newer, with a synthetic message.
        for (const Octets& ciphertext : {broken, too_large, too_long}) {
            EXPECT_EQ(crypt(device, keys.ours, false, way, ciphertext).empty(),
                      crypt(software, keys.theirs, false, way, ciphertext).empty());
        }
        EXPECT_TRUE(crypt(device, keys.our_public, true, way, Octets(width)).empty());
    }
}

INSTANTIATE_TEST_SUITE_P(Each, RsaEncryption,
                         ::testing::Values(rsa_2048, rsa_4096, rsa_1024, rsa_3_primes), &name_of);

// ---- key generation ----

class GeneratedKeys : public ::testing::TestWithParam<KeyKind> {};

TEST_P(GeneratedKeys, AreTheProvidersAndServeSoftwareToo) {
    const KeyKind kind = GetParam();
    const Key made = device_library().generate(kind.type, kind.group, kind.bits, kind.primes);
    ASSERT_TRUE(is_ours(made));
    const KeyInBoth both(made);
    ASSERT_NE(both.theirs, nullptr);
    if (is_type(kind, "X25519")) {
        const KeyInBoth peer(software_library().generate("X25519"));
        EXPECT_EQ(derive(device_library(), made, peer.our_public),
                  derive(software_library(), peer.theirs, both.their_public));
        return;
    }
    const Scheme scheme = schemes_of(kind).front();
    const Octets message = draw(32, "message");
    EXPECT_TRUE(verify(software_library(), both.their_public, scheme, message,
                       sign(device_library(), made, scheme, message)));
}

INSTANTIATE_TEST_SUITE_P(Each, GeneratedKeys,
                         ::testing::Values(rsa_2048, p_256, p_384, x25519, ed25519, rsa_1024,
                                           rsa_3_primes, p_521),
                         &name_of);

// ---- what is not the whole of an operation ----

TEST(AsymmetricContexts, AreDuplicatedInTheMiddleOfAMessage) {
    for (const KeyKind& kind : {rsa_2048, p_256}) {
        const KeyInBoth& keys = key_in_both(kind);
        const DigestContext first(EVP_MD_CTX_new());
        ASSERT_EQ(EVP_DigestSignInit_ex(first.get(), nullptr, "SHA256", device_library().context(),
                                        nullptr, keys.ours.get(), nullptr),
                  1);
        ASSERT_EQ(EVP_DigestSignUpdate(first.get(), "one", 3), 1);
        const DigestContext second(EVP_MD_CTX_new());
        ASSERT_EQ(EVP_MD_CTX_copy_ex(second.get(), first.get()), 1);
        const auto finish = [](EVP_MD_CTX* context, const char* rest) {
            std::size_t size = 0;
            EXPECT_EQ(EVP_DigestSignUpdate(context, rest, 3), 1);
            EXPECT_EQ(EVP_DigestSignFinal(context, nullptr, &size), 1);
            Octets signature(size);
            EXPECT_EQ(EVP_DigestSignFinal(context, signature.data(), &size), 1);
            signature.resize(size);
            return signature;
        };
        const Scheme scheme{.digest = "SHA256"};
        const Octets two = finish(first.get(), "two");
        const Octets six = finish(second.get(), "six");
        EXPECT_TRUE(verify(software_library(), keys.their_public, scheme,
                           {'o', 'n', 'e', 't', 'w', 'o'}, two));
        EXPECT_TRUE(verify(software_library(), keys.their_public, scheme,
                           {'o', 'n', 'e', 's', 'i', 'x'}, six));
    }
}

TEST(AsymmetricContexts, SignDigestsThatWereMadeElsewhere) {
    const Octets digest = draw(32, "digest");
    for (const KeyKind& kind : {rsa_2048, p_256}) {
        const KeyInBoth& keys = key_in_both(kind);
        const KeyContext signer = device_library().of_key(keys.ours);
        std::size_t size = 0;
        ASSERT_EQ(EVP_PKEY_sign_init(signer.get()), 1);
        ASSERT_EQ(EVP_PKEY_CTX_set_signature_md(signer.get(), EVP_sha256()), 1);
        ASSERT_EQ(EVP_PKEY_sign(signer.get(), nullptr, &size, digest.data(), digest.size()), 1);
        Octets signature(size);
        ASSERT_EQ(
            EVP_PKEY_sign(signer.get(), signature.data(), &size, digest.data(), digest.size()), 1);
        EXPECT_LE(EVP_PKEY_sign(signer.get(), signature.data(), &size, digest.data(), 20), 0)
            << "not the size of the digest";
        ERR_clear_error();
        for (const bool is_ours : {true, false}) {
            const KeyContext verifier = (is_ours ? device_library() : software_library())
                                            .of_key(is_ours ? keys.our_public : keys.their_public);
            ASSERT_EQ(EVP_PKEY_verify_init(verifier.get()), 1);
            ASSERT_EQ(EVP_PKEY_CTX_set_signature_md(verifier.get(), EVP_sha256()), 1);
            EXPECT_EQ(EVP_PKEY_verify(verifier.get(), signature.data(), size, digest.data(),
                                      digest.size()),
                      1);
        }
    }
}

/// Padding and salt, the digest's name, what is signed and room for the signature, in bytes.
struct Signing {
    Scheme scheme;
    std::size_t size;
    std::size_t room = 256;
};

Octets sign_as_it_is(const Library& library, const Key& key, const Signing& signing) {
    const KeyContext context = library.of_key(key);
    const char* const digest = signing.scheme.digest;
    const Octets signed_octets = draw(signing.size, "signed as it is");
    Octets signature(256);
    std::size_t size = signing.room;
    const bool done =
        EVP_PKEY_sign_init(context.get()) == 1 &&
        (digest == nullptr ||
         EVP_PKEY_CTX_set_signature_md(context.get(), EVP_get_digestbyname(digest)) == 1) &&
        set_up(context.get(), signing.scheme) &&
        EVP_PKEY_sign(context.get(), signature.data(), &size, signed_octets.data(),
                      signed_octets.size()) == 1;
    ERR_clear_error();
    signature.resize(done ? size : 0);
    return signature;
}

TEST(AsymmetricContexts, SignAndRefuseTheSameAsSoftware) {
    const KeyInBoth& keys = key_in_both(rsa_2048);
    constexpr int pkcs1 = RSA_PKCS1_PADDING;
    constexpr int pss = RSA_PKCS1_PSS_PADDING;
    const Signing cases[] = {
        {{nullptr, pkcs1}, 0},
        {{nullptr, pkcs1}, 245},
        {{nullptr, pkcs1}, 246},
        {{nullptr, pkcs1}, 20, 255},
        {{"SHA256", pkcs1}, 32},
        {{"SHA256", pkcs1}, 31},
        {{"SHA256", pkcs1}, 32, 255},
        {{"SHA256", RSA_X931_PADDING}, 32},
        {{nullptr, RSA_NO_PADDING}, 256},
        {{"SHA256", pss, 222}, 32},
        {{"SHA256", pss, 223}, 32},
        {{"SHA256", pss, 0}, 33},
        {{"MD5", pss, 0}, 16},
    };
    for (const Signing& each : cases) {
        SCOPED_TRACE(std::to_string(each.scheme.padding) + ", " + std::to_string(each.size) +
                     " in " + std::to_string(each.room) + ", salt " +
                     std::to_string(each.scheme.salt_size));
        const Octets ours = sign_as_it_is(device_library(), keys.ours, each);
        const Octets theirs = sign_as_it_is(software_library(), keys.theirs, each);
        EXPECT_EQ(ours.size(), theirs.size());
        if (each.scheme.padding != pss || each.scheme.salt_size == 0) {
            EXPECT_EQ(ours, theirs);
        }
    }
}

TEST(AsymmetricContexts, RecoverWhatARsaSignatureSigned) {
    const KeyInBoth& keys = key_in_both(rsa_2048);
    const Octets message = draw(100, "message");
    const Octets signature = sign(software_library(), keys.theirs, {.digest = "SHA256"}, message);
    Octets recovered[2];
    for (const bool is_ours : {false, true}) {
        const KeyContext context = (is_ours ? device_library() : software_library())
                                       .of_key(is_ours ? keys.our_public : keys.their_public);
        Octets& out = recovered[is_ours ? 1 : 0];
        std::size_t size = 256;
        out.resize(size);
        ASSERT_EQ(EVP_PKEY_verify_recover_init(context.get()), 1);
        ASSERT_EQ(EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()), 1);
        ASSERT_EQ(EVP_PKEY_verify_recover(context.get(), out.data(), &size, signature.data(),
                                          signature.size()),
                  1);
        out.resize(size);
    }
    EXPECT_EQ(recovered[1], recovered[0]);
    EXPECT_EQ(recovered[1].size(), 32u);
}

TEST(AsymmetricContexts, DeriveKeysFromSharedSecretsAsSoftwareDoes) {
    const KeyInBoth& keys = key_in_both(p_256);
    const KeyInBoth peer(software_library().generate("EC", "P-256"));
    Octets secrets[2];
    for (const bool is_ours : {false, true}) {
        const Library& library = is_ours ? device_library() : software_library();
        const KeyContext context = library.of_key(is_ours ? keys.ours : keys.theirs);
        std::size_t size = 40;
        secrets[is_ours ? 1 : 0].resize(size);
        ASSERT_EQ(EVP_PKEY_derive_init(context.get()), 1);
        ASSERT_EQ(EVP_PKEY_CTX_set_ecdh_kdf_type(context.get(), EVP_PKEY_ECDH_KDF_X9_63), 1);
        ASSERT_EQ(EVP_PKEY_CTX_set_ecdh_kdf_md(context.get(), EVP_sha256()), 1);
        ASSERT_EQ(EVP_PKEY_CTX_set_ecdh_kdf_outlen(context.get(), 40), 1);
        ASSERT_EQ(EVP_PKEY_derive_set_peer(context.get(),
                                           (is_ours ? peer.our_public : peer.their_public).get()),
                  1);
        ASSERT_EQ(EVP_PKEY_derive(context.get(), secrets[is_ours ? 1 : 0].data(), &size), 1);
    }
    EXPECT_EQ(secrets[1], secrets[0]);
}

TEST(AsymmetricContexts, RefusePeersThatAreNone) {
    const KeyInBoth& keys = key_in_both(x25519);
    const Octets zero(32);
    const Key nobody(EVP_PKEY_new_raw_public_key_ex(device_library().context(), "X25519", nullptr,
                                                    zero.data(), zero.size()));
    ASSERT_NE(nobody, nullptr);
    EXPECT_TRUE(derive(device_library(), keys.ours, nobody).empty());
    ERR_clear_error();
}

}  // namespace
}  // namespace ringside::testing
