// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Cipher contexts for one key: one for each place of work and direction, made when first needed, so
// that the key is scheduled once and workers share nothing. They call the default provider's
// functions as EVP does, by their own interface (provider-cipher(7)): what EVP adds to each new IV,
// asking for parameters by name, takes longer than to encrypt 64 bytes (decision 0016).

#include <array>
#include <memory>
#include <span>

#include "crypto_library.hpp"
#include "ringside/base/cleansed_buffer.hpp"

namespace ringside::core {

/// Encrypts or decrypts one message after another, each from begin() on.
class CipherContext {
  public:
    /// The key's length is the cipher's.
    CipherContext(const CipherFunctions& cipher, std::span<const std::byte> key, bool encrypts);

    void begin(std::span<const std::byte> iv) {
        require(init_(context_.get(), nullptr, 0, as_uchar(iv.data()), iv.size(), nullptr) == 1,
                "a cipher refused an IV of checked length");
    }
    /// A whole message, of whole blocks where the mode has blocks. No padding.
    void crypt(std::span<const std::byte> from, std::span<std::byte> into) {
        std::size_t length = 0;
        require(cipher_.cipher(context_.get(), as_uchar(into.data()), &length, into.size(),
                               as_uchar(from.data()), from.size()) == 1,
                "a cipher failed on checked input");
    }

    // of ciphers that authenticate: what is only authenticated, then the payload, then the tag

    void authenticate(std::span<const std::byte> data) { update(data, {}); }
    void update(std::span<const std::byte> from, std::span<std::byte> into);
    /// Ends the encryption of a message.
    void get_tag(std::span<std::byte> tag);
    /// Ends the decryption of a message. False: it is not the one that was encrypted.
    bool verify(std::span<const std::byte> tag);

  private:
    bool finish();

    const CipherFunctions& cipher_;
    decltype(CipherFunctions::encrypt_init) init_;
    std::unique_ptr<void, decltype(CipherFunctions::free)> context_;
};

class CipherContexts {
  public:
    CipherContexts(const CipherFunctions& cipher, std::span<const std::byte> key)
        : cipher_(cipher), key_(key) {}

    CipherContext& get(unsigned place, bool encrypts) {
        auto& context = contexts_[place][encrypts ? 1 : 0];
        if (context == nullptr) [[unlikely]] {
            context = std::make_unique<CipherContext>(cipher_, key_.bytes(), encrypts);
        }
        return *context;
    }

  private:
    const CipherFunctions cipher_;
    CleansedBuffer key_;
    std::array<std::array<std::unique_ptr<CipherContext>, 2>, work_places> contexts_;
};

}  // namespace ringside::core
