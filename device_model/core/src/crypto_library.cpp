// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "crypto_library.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

#include <vector>

#include "ringside/base/assert.hpp"

namespace ringside::core {
namespace {

/// TEST-RAND is libcrypto's generator that gives out what it was given.
constexpr const char* playback = "TEST-RAND";
constexpr unsigned strength = 256;

/// More than any operation draws: blinding for RSA-4096 is 512 bytes an attempt, and one attempt
/// in four fails at worst.
constexpr std::size_t draws = 8192;

// Names without a number, lest an ENGINE that offers the digest be asked for it: PrivateLibcrypto.
constexpr HashInfo hashes[] = {
    {spec::Hash::sha1, "unnumbered-SHA1", 20},
    {spec::Hash::sha224, "unnumbered-SHA2-224", 28},
    {spec::Hash::sha256, "unnumbered-SHA2-256", 32},
    {spec::Hash::sha384, "unnumbered-SHA2-384", 48},
    {spec::Hash::sha512, "unnumbered-SHA2-512", 64},
    {spec::Hash::sha512_224, "unnumbered-SHA2-512/224", 28},
    {spec::Hash::sha512_256, "unnumbered-SHA2-512/256", 32},
    {spec::Hash::sha3_256, "unnumbered-SHA3-256", 32},
};

RandCtxPtr new_generator(OSSL_LIB_CTX* context, const char* name, EVP_RAND_CTX* parent) {
    const RandPtr rand(EVP_RAND_fetch(context, name, nullptr));
    require(rand != nullptr, "the default provider lacks a random generator");
    RandCtxPtr generator(EVP_RAND_CTX_new(rand.get(), parent));
    require(generator != nullptr, "a random generator cannot be made");
    return generator;
}

/// The function that stands under `id` (OSSL_FUNC_*), which the algorithm must have.
template <typename Function>
void take(const OSSL_ALGORITHM& algorithm, int id, Function*& function) {
    const OSSL_DISPATCH* entry = algorithm.implementation;
    while (entry->function_id != 0 && entry->function_id != id) {
        ++entry;
    }
    require(entry->function_id == id, algorithm.algorithm_names);
    function = reinterpret_cast<Function*>(entry->function);
}

/// libcrypto's parameters are not const, but it does not write to what is set.
OSSL_PARAM octets(const char* name, std::span<const std::byte> bytes) {
    return OSSL_PARAM_construct_octet_string(name, const_cast<std::byte*>(bytes.data()),
                                             bytes.size());
}

}  // namespace

void require(bool condition, const char* what) {
    if (!condition) {
        assertion_failed(nullptr, "libcrypto works", __FILE__, __LINE__, "%s", what);
    }
}

const HashInfo* find_hash(spec::Hash hash) {
    for (const HashInfo& info : hashes) {
        if (info.hash == hash) {
            return &info;
        }
    }
    return nullptr;
}

CryptoLibrary::CryptoLibrary() {
    require(library_.is_usable(), "the default provider does not load");
    require(RAND_set_DRBG_type(context(), playback, nullptr, nullptr, nullptr) == 1,
            "the type of random generator cannot be set");
}

CipherFunctions CryptoLibrary::cipher(const char* name) const {
    const OSSL_ALGORITHM* const algorithm = library_.find_algorithm(OSSL_OP_CIPHER, name);
    require(algorithm != nullptr, name);
    CipherFunctions functions{.provider = library_.provider_context()};
    take(*algorithm, OSSL_FUNC_CIPHER_NEWCTX, functions.make);
    take(*algorithm, OSSL_FUNC_CIPHER_FREECTX, functions.free);
    take(*algorithm, OSSL_FUNC_CIPHER_ENCRYPT_INIT, functions.encrypt_init);
    take(*algorithm, OSSL_FUNC_CIPHER_DECRYPT_INIT, functions.decrypt_init);
    take(*algorithm, OSSL_FUNC_CIPHER_CIPHER, functions.cipher);
    take(*algorithm, OSSL_FUNC_CIPHER_UPDATE, functions.update);
    take(*algorithm, OSSL_FUNC_CIPHER_FINAL, functions.finish);
    take(*algorithm, OSSL_FUNC_CIPHER_SET_CTX_PARAMS, functions.set_params);
    take(*algorithm, OSSL_FUNC_CIPHER_GET_CTX_PARAMS, functions.get_params);
    return functions;
}

DigestPtr CryptoLibrary::digest(const char* name) const {
    DigestPtr digest(EVP_MD_fetch(context(), name, nullptr));
    require(digest != nullptr, name);
    return digest;
}

void CryptoLibrary::generate(const Entropy& entropy, std::span<std::byte> out) const {
    const RandCtxPtr source = new_generator(context(), playback, nullptr);
    unsigned source_strength = strength;
    const OSSL_PARAM given[] = {
        OSSL_PARAM_construct_uint(OSSL_RAND_PARAM_STRENGTH, &source_strength),
        octets(OSSL_RAND_PARAM_TEST_ENTROPY, entropy), OSSL_PARAM_construct_end()};
    require(EVP_RAND_instantiate(source.get(), strength, 0, nullptr, 0, given) == 1,
            "the source of entropy cannot be instantiated");
    const RandCtxPtr generator = new_generator(context(), "CTR-DRBG", source.get());
    int derivation_function = 0;
    char cipher[] = "AES-256-CTR";
    const OSSL_PARAM kind[] = {
        OSSL_PARAM_construct_int(OSSL_DRBG_PARAM_USE_DF, &derivation_function),
        OSSL_PARAM_construct_utf8_string(OSSL_DRBG_PARAM_CIPHER, cipher, 0),
        OSSL_PARAM_construct_end()};
    // Without any personalisation libcrypto takes one of its own.
    const unsigned char no_personalisation[1] = {};
    require(EVP_RAND_instantiate(generator.get(), strength, 0, no_personalisation, 0, kind) == 1 &&
                EVP_RAND_generate(generator.get(), as_uchar(out.data()), out.size(), strength, 0,
                                  nullptr, 0) == 1,
            "CTR_DRBG does not work");
}

SeededDraws::SeededDraws(const CryptoLibrary& library, const Entropy& entropy) : library_(library) {
    std::vector<std::byte> bytes(draws);
    library.generate(entropy, bytes);
    EVP_RAND_CTX* generator = RAND_get0_private(library.context());
    const OSSL_PARAM given[] = {octets(OSSL_RAND_PARAM_TEST_ENTROPY, bytes),
                                OSSL_PARAM_construct_end()};
    require(generator != nullptr && EVP_RAND_CTX_set_params(generator, given) == 1,
            "the private generator takes no entropy");
    OPENSSL_cleanse(bytes.data(), bytes.size());
}

SeededDraws::~SeededDraws() {
    OPENSSL_thread_stop_ex(library_.context());
}

QuietErrors::QuietErrors() {
    ERR_set_mark();
}

QuietErrors::~QuietErrors() {
    ERR_pop_to_mark();
}

}  // namespace ringside::core
