// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// HMAC with one key, for the slices that need it: a context for each place of work, made when
// first needed, so that the key is absorbed once and workers share nothing.

#include <array>
#include <span>

#include "crypto_library.hpp"
#include "ringside/base/cleansed_buffer.hpp"

namespace ringside::core {

class Hmac {
  public:
    /// The library must outlive it.
    Hmac(const CryptoLibrary& library, const HashInfo& hash, std::span<const std::byte> key);

    std::size_t size() const { return hash_.size; }
    /// Of `first`, then `second`, into size() bytes at `mac`.
    void compute(unsigned place, std::span<const std::byte> first,
                 std::span<const std::byte> second, std::span<std::byte> mac);

  private:
    EVP_MAC_CTX* context(unsigned place);

    const CryptoLibrary& library_;
    const HashInfo& hash_;
    CleansedBuffer key_;
    std::array<MacCtxPtr, work_places> contexts_;
};

}  // namespace ringside::core
