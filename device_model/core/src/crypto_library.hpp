// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// libcrypto, private to one device: in a process that is configured to use our own provider or
// ENGINE it would otherwise find itself. Also owners for libcrypto's objects, and the randomness of
// one operation.

#include <openssl/core_dispatch.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <span>

#include "ringside/base/private_libcrypto.hpp"
#include "session.hpp"

namespace ringside::core {

template <auto Free>
struct LibcryptoFree {
    template <typename Object>
    void operator()(Object* object) const {
        Free(object);
    }
};
template <typename Object, auto Free>
using LibcryptoPtr = std::unique_ptr<Object, LibcryptoFree<Free>>;

using DigestPtr = LibcryptoPtr<EVP_MD, EVP_MD_free>;
using DigestCtxPtr = LibcryptoPtr<EVP_MD_CTX, EVP_MD_CTX_free>;
using MacPtr = LibcryptoPtr<EVP_MAC, EVP_MAC_free>;
using MacCtxPtr = LibcryptoPtr<EVP_MAC_CTX, EVP_MAC_CTX_free>;
using KdfPtr = LibcryptoPtr<EVP_KDF, EVP_KDF_free>;
using KdfCtxPtr = LibcryptoPtr<EVP_KDF_CTX, EVP_KDF_CTX_free>;
using RandPtr = LibcryptoPtr<EVP_RAND, EVP_RAND_free>;
using RandCtxPtr = LibcryptoPtr<EVP_RAND_CTX, EVP_RAND_CTX_free>;
using PkeyPtr = LibcryptoPtr<EVP_PKEY, EVP_PKEY_free>;
using PkeyCtxPtr = LibcryptoPtr<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;

/// The default provider's functions of one cipher (provider-cipher(7)). No ENGINE takes them over.
struct CipherFunctions {
    void* provider;  ///< what make() is given
    OSSL_FUNC_cipher_newctx_fn* make;
    OSSL_FUNC_cipher_freectx_fn* free;
    OSSL_FUNC_cipher_encrypt_init_fn* encrypt_init;
    OSSL_FUNC_cipher_decrypt_init_fn* decrypt_init;
    OSSL_FUNC_cipher_cipher_fn* cipher;
    OSSL_FUNC_cipher_update_fn* update;
    OSSL_FUNC_cipher_final_fn* finish;
    OSSL_FUNC_cipher_set_ctx_params_fn* set_params;
    OSSL_FUNC_cipher_get_ctx_params_fn* get_params;
};

/// libcrypto not loadable is a broken installation: aborts.
class CryptoLibrary {
  public:
    CryptoLibrary();

    OSSL_LIB_CTX* context() const { return library_.context(); }
    /// Usable as long as the library.
    CipherFunctions cipher(const char* name) const;
    DigestPtr digest(const char* name) const;
    /// Fills `out` from CTR_DRBG (SP 800-90A) with AES-256, without derivation function,
    /// instantiated with `entropy`.
    void generate(const Entropy& entropy, std::span<std::byte> out) const;

  private:
    PrivateLibcrypto library_;
};

/// What libcrypto draws by itself on this thread, in this library context, comes from `entropy`
/// while this object lives: nonces and blinding. Leaves nothing behind in the thread.
class SeededDraws {
  public:
    SeededDraws(const CryptoLibrary& library, const Entropy& entropy);
    ~SeededDraws();
    SeededDraws(const SeededDraws&) = delete;
    SeededDraws& operator=(const SeededDraws&) = delete;

  private:
    const CryptoLibrary& library_;
};

/// What libcrypto reports of an operation that fails must not stay in the application's error
/// queue: in virtual time the device runs on its thread.
class QuietErrors {
  public:
    QuietErrors();
    ~QuietErrors();
    QuietErrors(const QuietErrors&) = delete;
    QuietErrors& operator=(const QuietErrors&) = delete;
};

/// libcrypto fails at what cannot fail on checked input: out of memory, or broken. Aborts.
void require(bool condition, const char* what);

inline const unsigned char* as_uchar(const std::byte* bytes) {
    return reinterpret_cast<const unsigned char*>(bytes);
}
inline unsigned char* as_uchar(std::byte* bytes) {
    return reinterpret_cast<unsigned char*>(bytes);
}

/// libcrypto's name of a hash and the bytes of its digest; null: not one of those.
struct HashInfo {
    spec::Hash hash;
    const char* name;
    std::size_t size;
};
const HashInfo* find_hash(spec::Hash hash);

}  // namespace ringside::core
