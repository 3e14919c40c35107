// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What all algorithms of one loaded provider share: the source of the device, and OpenSSL's default
// provider in a library context of its own for what stays in software.

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include <memory>

#include "ringside/frontends/provider.hpp"

namespace ringside::frontends {

struct CipherDeleter {
    void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
    void operator()(EVP_CIPHER_CTX* ctx) const { EVP_CIPHER_CTX_free(ctx); }
};
using CipherHandle = std::unique_ptr<EVP_CIPHER, CipherDeleter>;
using SoftwareCipher = std::unique_ptr<EVP_CIPHER_CTX, CipherDeleter>;

class ProviderContext {
  public:
    explicit ProviderContext(std::unique_ptr<OffloadSource> source);
    ~ProviderContext();
    ProviderContext(const ProviderContext&) = delete;
    ProviderContext& operator=(const ProviderContext&) = delete;

    bool is_usable() const { return default_provider_ != nullptr; }
    OffloadSource& source() { return *source_; }
    /// The default provider's cipher, in the private library context; null: no memory.
    CipherHandle fetch_software(const char* name) const;

  private:
    std::unique_ptr<OffloadSource> source_;
    OSSL_LIB_CTX* library_context_;
    OSSL_PROVIDER* default_provider_;
};

}  // namespace ringside::frontends
