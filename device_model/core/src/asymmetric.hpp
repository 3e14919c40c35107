// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What the asymmetric slices share: big-endian numbers into libcrypto's keys and back.

#include <openssl/params.h>

#include <cstddef>
#include <span>

#include "crypto_library.hpp"
#include "ringside/base/cleansed_buffer.hpp"

namespace ringside::core {

/// Big-endian numbers as parameters for EVP_PKEY_fromdata, in memory that is cleansed.
class Numbers {
  public:
    /// At most `capacity` bytes of numbers in all, and 16 of them.
    explicit Numbers(std::size_t capacity) : storage_(capacity) {}

    void add(const char* name, std::span<const std::byte> big_endian);
    void add_octets(const char* name, std::span<const std::byte> octets);
    void add_text(const char* name, const char* text);
    OSSL_PARAM* parameters();

  private:
    std::span<std::byte> take(std::size_t size);

    CleansedBuffer storage_;
    std::size_t used_ = 0;
    OSSL_PARAM parameters_[16] = {};
    std::size_t count_ = 0;
};

/// Null: libcrypto does not take the numbers. `selection`: EVP_PKEY_KEYPAIR or
/// EVP_PKEY_PUBLIC_KEY.
PkeyPtr import_key(const CryptoLibrary& library, const char* type, int selection, Numbers& numbers);

/// For one operation with `key`.
PkeyCtxPtr operation_context(const CryptoLibrary& library, const PkeyPtr& key);

/// Sessions whose service counts as asymmetric.
class AsymmetricSession : public Session {
  public:
    JobNature nature(const spec::SubmissionEntry& /*entry*/) const override {
        return {.is_asymmetric = true};
    }

  protected:
    explicit AsymmetricSession(const CryptoLibrary& library) : library_(library) {}
    const CryptoLibrary& library_;
};

}  // namespace ringside::core
