// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include <openssl/crypto.h>
#include <openssl/provider.h>

#include <map>
#include <string>

#include "front_end_under_test.hpp"
#include "ringside/base/private_libcrypto.hpp"

namespace ringside::testing {
namespace {

/// Both providers in a library context of the test's own.
class ProviderUnderTest final : public FrontEndUnderTest {
  public:
    ProviderUnderTest() {
        OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS, nullptr);  // its clean-up after ours
        OSSL_PROVIDER_set_default_search_path(context_, RINGSIDE_MODULE_FOLDER);
        ringside_ = OSSL_PROVIDER_load(context_, "ringside");
        default_ = OSSL_PROVIDER_load(context_, "default");
    }
    ~ProviderUnderTest() override {
        ciphers_.clear();
        digests_.clear();
        OSSL_PROVIDER_unload(ringside_);
        OSSL_PROVIDER_unload(default_);
        OSSL_LIB_CTX_free(context_);
    }

    const EVP_CIPHER* cipher(const char* name) override {
        return fetch(name, "ringside.offload=yes");
    }
    const EVP_CIPHER* known(const char* name) override { return fetch(name, "provider=default"); }
    const EVP_MD* digest(const char* name) override {
        return fetch_digest(name, "ringside.offload=yes");
    }
    const EVP_MD* known_digest(const char* name) override {
        return fetch_digest(name, "provider=default");
    }

  private:
    const EVP_CIPHER* fetch(const char* name, const char* properties) {
        CipherHandle& handle = ciphers_[std::string(name) + properties];
        if (handle == nullptr) {
            handle.reset(EVP_CIPHER_fetch(context_, name, properties));
        }
        return handle.get();
    }
    const EVP_MD* fetch_digest(const char* name, const char* properties) {
        DigestHandle& handle = digests_[std::string(name) + properties];
        if (handle == nullptr) {
            handle.reset(EVP_MD_fetch(context_, name, properties));
        }
        return handle.get();
    }

    OSSL_LIB_CTX* context_ = OSSL_LIB_CTX_new();
    OSSL_PROVIDER* ringside_ = nullptr;
    OSSL_PROVIDER* default_ = nullptr;
    std::map<std::string, CipherHandle> ciphers_;
    std::map<std::string, DigestHandle> digests_;
};

}  // namespace

const bool FrontEndUnderTest::is_provider = true;

std::unique_ptr<FrontEndUnderTest> FrontEndUnderTest::load() {
    return std::make_unique<ProviderUnderTest>();
}

}  // namespace ringside::testing
