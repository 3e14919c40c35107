// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The encoded messages of the RSA signatures that servers make, PSS and PKCS #1 v1.5 over SHA-2, by
// libcrypto's own padding functions: an identity's exponentiation (RsaTransform) would cost a
// quarter of the signature that the device saves. docs/decisions/0012.

#include <openssl/types.h>

#include <memory>
#include <optional>
#include <span>

#include "hash_message.hpp"

namespace ringside::frontends {

/// How a signature is made.
struct RsaScheme {
    int padding = 0;
    int salt_size = 0;                       ///< PSS: RSA_PSS_SALTLEN_*, or bytes
    const HashShape* digest = nullptr;       ///< null: what is signed is no digest
    const HashShape* mask_digest = nullptr;  ///< PSS; null: `digest`
};

class RsaEncoding {
  public:
    /// For keys with this modulus, big-endian. Throws bad_alloc.
    RsaEncoding(const PrivateLibcrypto& library, std::span<const std::byte> modulus);

    /// Writes as many bytes as the modulus has; false: the error queue says why. Empty: another
    /// scheme, or not what it signs, and nothing is written.
    std::optional<bool> encode(const RsaScheme& scheme, Octets message, unsigned char* out) const;

  private:
    struct Free {
        void operator()(RSA* rsa) const;
    };
    bool encode_pss(const RsaScheme& scheme, Octets digest, unsigned char* out) const;
    bool encode_pkcs1(Octets message, unsigned char* out) const;

    const PrivateLibcrypto& library_;
    const int size_;
    const std::unique_ptr<RSA, Free> public_key_;
};

}  // namespace ringside::frontends
