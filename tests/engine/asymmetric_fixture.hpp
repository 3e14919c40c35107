// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Two OpenSSLs in one process: one that prefers the device, as a server's openssl.cnf makes it, and
// one that has only the default provider. A key exists in both; what one does the other checks.

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <cctype>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "module_process.hpp"

namespace ringside::testing {

using Octets = std::vector<unsigned char>;

struct KeyDeleter {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, KeyDeleter>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, KeyDeleter>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, KeyDeleter>;

/// A library context and its providers.
class Library {
  public:
    explicit Library(bool has_device) {
        OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS, nullptr);  // its clean-up after ours
        OSSL_PROVIDER_set_default_search_path(context_, RINGSIDE_MODULE_FOLDER);
        if (has_device) {
            providers_.push_back(OSSL_PROVIDER_load(context_, "ringside"));
            EVP_set_default_properties(context_, "?ringside.offload=yes");
        }
        providers_.push_back(OSSL_PROVIDER_load(context_, "default"));
    }
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;
    ~Library() {
        for (OSSL_PROVIDER* provider : providers_) {
            OSSL_PROVIDER_unload(provider);
        }
        OSSL_LIB_CTX_free(context_);
    }
    OSSL_LIB_CTX* context() const { return context_; }

    KeyContext of_type(const char* type) const {
        return KeyContext(EVP_PKEY_CTX_new_from_name(context_, type, nullptr));
    }
    KeyContext of_key(const Key& key) const {
        return KeyContext(EVP_PKEY_CTX_new_from_pkey(context_, key.get(), nullptr));
    }

    /// `group` or `bits` as the type wants; null: it failed.
    Key generate(const char* type, const char* group = nullptr, unsigned bits = 0,
                 unsigned primes = 2) const {
        std::string name = group != nullptr ? group : "";
        OSSL_PARAM params[4] = {OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end(),
                                OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end()};
        if (group != nullptr) {
            params[0] =
                OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name.data(), 0);
        } else if (bits != 0) {
            params[0] = OSSL_PARAM_construct_uint(OSSL_PKEY_PARAM_RSA_BITS, &bits);
            params[1] = OSSL_PARAM_construct_uint(OSSL_PKEY_PARAM_RSA_PRIMES, &primes);
        }
        const KeyContext context = of_type(type);
        EVP_PKEY* key = nullptr;
        if (EVP_PKEY_keygen_init(context.get()) == 1 &&
            EVP_PKEY_CTX_set_params(context.get(), params) == 1) {
            EVP_PKEY_generate(context.get(), &key);
        }
        return Key(key);
    }
    Key private_key(const Octets& der) const {
        const unsigned char* in = der.data();
        return Key(
            d2i_AutoPrivateKey_ex(nullptr, &in, static_cast<long>(der.size()), context_, nullptr));
    }
    /// The same key, made here from its numbers; a decoder leaves it to the provider that it is of.
    Key import(const Key& from, int selection) const {
        OSSL_PARAM* numbers = nullptr;
        EVP_PKEY* key = nullptr;
        const KeyContext context = of_type(EVP_PKEY_get0_type_name(from.get()));
        if (EVP_PKEY_todata(from.get(), selection, &numbers) == 1 &&
            EVP_PKEY_fromdata_init(context.get()) == 1) {
            EVP_PKEY_fromdata(context.get(), &key, selection, numbers);
        }
        OSSL_PARAM_free(numbers);
        return Key(key);
    }
    Key public_key(const Octets& der) const {
        const unsigned char* in = der.data();
        return Key(d2i_PUBKEY_ex(nullptr, &in, static_cast<long>(der.size()), context_, nullptr));
    }

  private:
    OSSL_LIB_CTX* context_ = OSSL_LIB_CTX_new();
    std::vector<OSSL_PROVIDER*> providers_;
};

inline const Library& device_library() {
    static const Library library(true);
    return library;
}
inline const Library& software_library() {
    static const Library library(false);
    return library;
}

template <typename Encode>
Octets der_of(const Key& key, Encode encode) {
    unsigned char* der = nullptr;
    const int size = encode(key.get(), &der);
    Octets octets(der, der + (size > 0 ? size : 0));
    OPENSSL_free(der);
    return octets;
}
inline Octets private_der(const Key& key) {
    return der_of(key,
                  [](EVP_PKEY* from, unsigned char** out) { return i2d_PrivateKey(from, out); });
}
inline Octets public_der(const Key& key) {
    return der_of(key, [](EVP_PKEY* from, unsigned char** out) { return i2d_PUBKEY(from, out); });
}

inline bool is_ours(const Key& key) {
    const OSSL_PROVIDER* const provider = EVP_PKEY_get0_provider(key.get());
    return provider != nullptr && std::string(OSSL_PROVIDER_get0_name(provider)) == "ringside";
}

/// One key in both libraries.
struct KeyInBoth {
    explicit KeyInBoth(const Key& made)
        : ours(device_library().import(made, EVP_PKEY_KEYPAIR)),
          our_public(device_library().import(made, EVP_PKEY_PUBLIC_KEY)),
          theirs(software_library().private_key(private_der(made))),
          their_public(software_library().public_key(public_der(made))) {}
    Key ours;
    Key our_public;
    Key theirs;
    Key their_public;
};

/// How a message is signed.
struct Scheme {
    const char* digest = nullptr;  ///< null: the algorithm's own
    int padding = 0;               ///< RSA
    int salt_size = 0;             ///< PSS
    const char* mask_digest = nullptr;
};

inline bool set_up(EVP_PKEY_CTX* context, const Scheme& scheme) {
    return scheme.padding == 0 ||
           (EVP_PKEY_CTX_set_rsa_padding(context, scheme.padding) == 1 &&
            (scheme.padding != RSA_PKCS1_PSS_PADDING ||
             (EVP_PKEY_CTX_set_rsa_pss_saltlen(context, scheme.salt_size) == 1 &&
              (scheme.mask_digest == nullptr ||
               EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, scheme.mask_digest, nullptr) == 1))));
}

/// Empty: it failed.
inline Octets sign(const Library& library, const Key& key, const Scheme& scheme,
                   const Octets& message) {
    const DigestContext context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* parameters = nullptr;
    std::size_t size = 0;
    if (EVP_DigestSignInit_ex(context.get(), &parameters, scheme.digest, library.context(), nullptr,
                              key.get(), nullptr) != 1 ||
        !set_up(parameters, scheme) ||
        EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) != 1) {
        return {};
    }
    Octets signature(size);
    if (EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) !=
        1) {
        return {};
    }
    signature.resize(size);
    return signature;
}

inline bool verify(const Library& library, const Key& key, const Scheme& scheme,
                   const Octets& message, const Octets& signature) {
    const DigestContext context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* parameters = nullptr;
    const bool good =
        EVP_DigestVerifyInit_ex(context.get(), &parameters, scheme.digest, library.context(),
                                nullptr, key.get(), nullptr) == 1 &&
        set_up(parameters, scheme) &&
        EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                         message.size()) == 1;
    ERR_clear_error();
    return good;
}

/// Empty: it failed.
inline Octets derive(const Library& library, const Key& key, const Key& peer) {
    const KeyContext context = library.of_key(key);
    std::size_t size = 0;
    if (EVP_PKEY_derive_init(context.get()) != 1 ||
        EVP_PKEY_derive_set_peer(context.get(), peer.get()) != 1 ||
        EVP_PKEY_derive(context.get(), nullptr, &size) != 1) {
        return {};
    }
    Octets secret(size);
    if (EVP_PKEY_derive(context.get(), secret.data(), &size) != 1) {
        return {};
    }
    secret.resize(size);
    return secret;
}

/// What the device counted in a child that ran `body`, by the names of the statistics file.
inline std::map<std::string, long> counted(const std::function<void()>& body) {
    const std::string path =
        ::testing::TempDir() + "asymmetric_stats." + std::to_string(getpid()) + ".json";
    std::filesystem::remove(path);
    EXPECT_EQ(in_child([&] {
                  setenv("RINGSIDE_STATS", path.c_str(), 1);
                  body();
              }),
              0);
    std::map<std::string, long> counts;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        const std::size_t name = line.find('"');
        const std::size_t value = line.find("\": ");
        if (value != std::string::npos && std::isdigit(line[value + 3]) != 0) {
            counts[line.substr(name + 1, value - name - 1)] = std::stol(line.substr(value + 3));
        }
    }
    std::filesystem::remove(path);
    return counts;
}

}  // namespace ringside::testing
