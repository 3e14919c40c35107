// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What a crypto slice computes: AES-CBC and AES-GCM over bytes that were fetched by DMA, by
// libcrypto, in a library context of its own. That context holds the default provider and reads no
// configuration: in a process whose configuration names our own provider it would otherwise find
// itself.

#include <cstdint>
#include <memory>
#include <span>

#include "ringside/spec/wire.hpp"

struct evp_cipher_ctx_st;
struct ossl_lib_ctx_st;
struct evp_cipher_st;
struct ossl_provider_st;

namespace ringside::core {

/// libcrypto, private to one device. libcrypto not loadable is a broken installation: aborts.
class CryptoLibrary {
  public:
    CryptoLibrary();
    ~CryptoLibrary();
    CryptoLibrary(const CryptoLibrary&) = delete;
    CryptoLibrary& operator=(const CryptoLibrary&) = delete;

    const evp_cipher_st* cipher(spec::Algorithm algorithm, std::size_t key_size) const;

  private:
    static constexpr std::size_t key_sizes = 3;  // 16, 24, 32 bytes
    ossl_lib_ctx_st* context_ = nullptr;
    ossl_provider_st* provider_ = nullptr;
    evp_cipher_st* cbc_[key_sizes] = {};
    evp_cipher_st* gcm_[key_sizes] = {};
};

/// A session's key, scheduled once for each direction when first used.
class CipherKey {
  public:
    /// `key`: 16, 24 or 32 bytes; copied into libcrypto's contexts, which cleanse it.
    CipherKey(const CryptoLibrary& library, spec::Algorithm algorithm,
              std::span<const std::byte> key);
    ~CipherKey();
    CipherKey(const CipherKey&) = delete;
    CipherKey& operator=(const CipherKey&) = delete;

    spec::Algorithm algorithm() const { return algorithm_; }

    /// Executes a descriptor whose lengths have been checked. `output` may be written on failure;
    /// nothing of it may then leave the chip.
    spec::Status run(const spec::SubmissionEntry& entry, std::span<const std::byte> source,
                     std::span<std::byte> output);

  private:
    spec::Status run_cbc(const spec::SubmissionEntry& entry, bool encrypt,
                         std::span<const std::byte> source, std::span<std::byte> output);
    spec::Status run_gcm(const spec::SubmissionEntry& entry, bool encrypt,
                         std::span<const std::byte> source, std::span<std::byte> output);

    spec::Algorithm algorithm_;
    evp_cipher_ctx_st* contexts_[2] = {};  ///< decrypting, encrypting
};

}  // namespace ringside::core
