// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The one thing that differs between the tests of the provider and of the ENGINE: how an
// application gets at its ciphers. A test program links one implementation.

#include <openssl/evp.h>

#include <memory>

namespace ringside::testing {

class FrontEndUnderTest {
  public:
    /// The ENGINE has fewer algorithms.
    static const bool is_provider;
    /// Loads the module; it stays until the instance is destroyed.
    static std::unique_ptr<FrontEndUnderTest> load();
    virtual ~FrontEndUnderTest() = default;

    /// The front end's; null: it does not have it.
    virtual const EVP_CIPHER* cipher(const char* name) = 0;
    virtual const EVP_MD* digest(const char* name) = 0;
    /// OpenSSL's own cipher of that kind, for what the cipher says of itself.
    virtual const EVP_CIPHER* known(const char* name) = 0;
    virtual const EVP_MD* known_digest(const char* name) = 0;
};

}  // namespace ringside::testing
