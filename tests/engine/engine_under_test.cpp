// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/engine.h>

#include "front_end_under_test.hpp"

namespace ringside::testing {
namespace {

/// The ENGINE as the process's default, as `openssl -engine` makes it.
class EngineUnderTest final : public FrontEndUnderTest {
  public:
    EngineUnderTest() {
        ENGINE_load_dynamic();
        ENGINE* loader = ENGINE_by_id("dynamic");
        if (ENGINE_ctrl_cmd_string(loader, "SO_PATH", RINGSIDE_MODULE_FOLDER "/ringside_engine.so",
                                   0) == 1 &&
            ENGINE_ctrl_cmd_string(loader, "LOAD", nullptr, 0) == 1 && ENGINE_init(loader) == 1) {
            engine_ = loader;
            ENGINE_set_default(engine_, ENGINE_METHOD_ALL);
        }
    }
    ~EngineUnderTest() override {
        ENGINE_unregister_ciphers(engine_);
        ENGINE_unregister_digests(engine_);
        ENGINE_unregister_RSA(engine_);
        ENGINE_unregister_EC(engine_);
        ENGINE_finish(engine_);
        ENGINE_free(engine_);
    }

    const EVP_CIPHER* cipher(const char* name) override {
        return engine_ != nullptr ? ENGINE_get_cipher(engine_, EVP_CIPHER_get_nid(known(name)))
                                  : nullptr;
    }
    const EVP_MD* digest(const char* name) override {
        return engine_ != nullptr ? ENGINE_get_digest(engine_, EVP_MD_get_type(known_digest(name)))
                                  : nullptr;
    }
    const EVP_MD* known_digest(const char* name) override { return EVP_get_digestbyname(name); }
    const EVP_CIPHER* known(const char* name) override { return EVP_get_cipherbyname(name); }

  private:
    ENGINE* engine_ = nullptr;
};

}  // namespace

const bool FrontEndUnderTest::is_provider = false;

std::unique_ptr<FrontEndUnderTest> FrontEndUnderTest::load() {
    return std::make_unique<EngineUnderTest>();
}

}  // namespace ringside::testing
