// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// libcrypto's own software, whatever the process has configured: for the device's crypto slices and
// for what a front end leaves to software. A library context of one's own keeps a configured
// provider out (ours among them), but not an ENGINE: those stand in process-wide tables by
// algorithm number, and EVP asks them even for a cipher or digest that was fetched from a private
// context. So those are fetched here under names that have no number.

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include <memory>
#include <string>

namespace ringside {

struct LibcryptoDeleter {
    void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
    void operator()(EVP_CIPHER_CTX* ctx) const { EVP_CIPHER_CTX_free(ctx); }
    void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
    void operator()(EVP_MD_CTX* ctx) const { EVP_MD_CTX_free(ctx); }
};
using CipherHandle = std::unique_ptr<EVP_CIPHER, LibcryptoDeleter>;
using CipherContextHandle = std::unique_ptr<EVP_CIPHER_CTX, LibcryptoDeleter>;
using DigestHandle = std::unique_ptr<EVP_MD, LibcryptoDeleter>;
using DigestContextHandle = std::unique_ptr<EVP_MD_CTX, LibcryptoDeleter>;

class PrivateLibcrypto {
  public:
    PrivateLibcrypto();
    /// What was fetched here must have been freed.
    ~PrivateLibcrypto();
    PrivateLibcrypto(const PrivateLibcrypto&) = delete;
    PrivateLibcrypto& operator=(const PrivateLibcrypto&) = delete;

    /// False: no memory, or libcrypto is not installed properly. Nothing can be fetched then.
    bool is_usable() const { return unnumbered_ != nullptr; }
    /// For what is neither cipher nor digest. Null only without memory.
    OSSL_LIB_CTX* context() const { return context_; }
    /// For its functions themselves: find_algorithm() and get_capabilities().
    OSSL_PROVIDER* default_provider() const { return default_; }
    /// The default provider's functions for an OSSL_OP_* and the first of an algorithm's names;
    /// null: it has none. The library must be usable.
    const OSSL_ALGORITHM* find_algorithm(int operation, const char* name) const;
    /// What those functions are given first. The library must be usable.
    void* provider_context() const { return OSSL_PROVIDER_get0_provider_ctx(default_); }
    /// The default provider's cipher of this name (the first of those that it has for it), which no
    /// ENGINE takes over; null: there is none, or no memory. Any thread.
    CipherHandle fetch_cipher(const char* name) const;
    DigestHandle fetch_digest(const char* name) const;
    /// What a cipher or digest is called in context(): also for a MAC or KDF that is built on it.
    static std::string unnumbered(const char* name);

  private:
    OSSL_LIB_CTX* context_;
    OSSL_PROVIDER* default_ = nullptr;
    OSSL_PROVIDER* unnumbered_ = nullptr;
};

/// While one lives on a thread, what that thread has computed by libcrypto is meant to be computed
/// there: our ENGINE, whose methods every RSA and EC key of the process may have, private contexts
/// included, sends nothing to the device then. The device would wait for itself.
class SoftwareOnly {
  public:
    SoftwareOnly() { ++depth; }
    ~SoftwareOnly() { --depth; }
    SoftwareOnly(const SoftwareOnly&) = delete;
    SoftwareOnly& operator=(const SoftwareOnly&) = delete;

    static bool is_wanted() { return depth != 0; }

  private:
    static inline thread_local int depth = 0;
};

}  // namespace ringside
