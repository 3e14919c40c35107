// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// libcrypto's cipher contexts for one key: one for each worker and direction, made when first
// needed, so that the key is scheduled once and workers share nothing.

#include <array>
#include <span>
#include <utility>

#include "crypto_library.hpp"
#include "ringside/base/cleansed_buffer.hpp"

namespace ringside::core {

class CipherContexts {
  public:
    CipherContexts(CipherPtr cipher, std::span<const std::byte> key)
        : cipher_(std::move(cipher)), key_(key) {}

    /// Has the key and no padding; wants an IV.
    EVP_CIPHER_CTX* get(unsigned worker, bool encrypt) {
        CipherCtxPtr& context = contexts_[worker][encrypt ? 1 : 0];
        if (context == nullptr) {
            context.reset(EVP_CIPHER_CTX_new());
            require(context != nullptr && EVP_CipherInit_ex(context.get(), cipher_.get(), nullptr,
                                                            as_uchar(key_.bytes().data()), nullptr,
                                                            encrypt ? 1 : 0) == 1,
                    "a cipher context cannot be made");
            EVP_CIPHER_CTX_set_padding(context.get(), 0);
        }
        return context.get();
    }

  private:
    CipherPtr cipher_;
    CleansedBuffer key_;
    std::array<std::array<CipherCtxPtr, 2>, max_workers> contexts_;
};

}  // namespace ringside::core
