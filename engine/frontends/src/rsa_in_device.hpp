// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The bare powers of an RSA key, by the device. What a private one gives leaves only after its
// public power has been found to be the input again: a single wrong bit in an answer made by the
// Chinese remainder theorem tells whoever sees it the factors (Boneh, DeMillo, Lipton 1997).

#include <openssl/bn.h>

#include <memory>
#include <span>

#include "device_key_pair.hpp"

namespace ringside::frontends {

class RsaInDevice {
  public:
    static constexpr std::size_t exponent_size = 8;
    static constexpr std::size_t largest_size = 512;
    /// Whether the device takes such a key (datasheet, "RSA"); big-endian, `exponent` as long as
    /// the device has it.
    static bool takes(std::span<const std::byte> modulus, std::span<const std::byte> exponent);

    /// Of an RSA key with such numbers. Throws bad_alloc.
    explicit RsaInDevice(std::shared_ptr<DeviceKeyPair> key);

    /// Bytes of the modulus, and of each input and output.
    std::size_t size() const { return size_; }
    std::span<const std::byte> modulus() const { return key_->public_half().first(size_); }
    bool has_private_half() const { return key_->has_private_half(); }

    /// `out` may be `in`; on an error it has not been written. May pause the job: the caller owns
    /// nothing on its stack. Errors: those of DeviceKeyPair::run(), Errc::crypto_failed if `in` is
    /// not below the modulus, bad_message if the device's answer to private_power() is wrong.
    driver::result<void> private_power(std::span<const std::byte> in, std::span<std::byte> out);
    driver::result<void> public_power(std::span<const std::byte> in, std::span<std::byte> out);

  private:
    struct Free {
        void operator()(BIGNUM* number) const { BN_clear_free(number); }
        void operator()(BN_CTX* workspace) const { BN_CTX_free(workspace); }
        void operator()(BN_MONT_CTX* form) const { BN_MONT_CTX_free(form); }
    };
    using Number = std::unique_ptr<BIGNUM, Free>;
    static Number number(std::span<const std::byte> bytes);
    bool is_root(std::span<const std::byte> root, std::span<const std::byte> power) const;

    const std::shared_ptr<DeviceKeyPair> key_;
    const std::size_t size_;
    const Number modulus_;
    const Number exponent_;
    const std::unique_ptr<BN_MONT_CTX, Free> montgomery_;
};

}  // namespace ringside::frontends
