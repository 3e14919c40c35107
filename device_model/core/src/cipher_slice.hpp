// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What a crypto slice computes: AES-CBC and AES-GCM over bytes that were fetched by DMA, by
// libcrypto, privately: in a process that is configured to use our own provider or ENGINE it would
// otherwise find itself.

#include <cstdint>
#include <memory>
#include <span>

#include "ringside/base/private_libcrypto.hpp"
#include "ringside/spec/wire.hpp"

namespace ringside::core {

/// libcrypto, private to one device. libcrypto not loadable is a broken installation: aborts.
class CryptoLibrary {
  public:
    CryptoLibrary();

    const EVP_CIPHER* cipher(spec::Algorithm algorithm, std::size_t key_size) const;

  private:
    static constexpr std::size_t key_sizes = 3;  // 16, 24, 32 bytes
    PrivateLibcrypto library_;
    CipherHandle cbc_[key_sizes];
    CipherHandle gcm_[key_sizes];
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
    EVP_CIPHER_CTX* contexts_[2] = {};  ///< decrypting, encrypting
};

}  // namespace ringside::core
