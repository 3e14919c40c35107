// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Descriptors for sessions of asymmetric keys: RSA, the curves P-256 and P-384, X25519 and Ed25519.
// As in requests.hpp they only fill fields; the numbers' lengths follow from the key (datasheet,
// "Algorithms") and the device checks them.

#include <cstdint>

#include "ringside/driver/requests.hpp"

namespace ringside::driver {

/// I/O queue. src: a number below the modulus and as long as it, big-endian; dst: its power, as
/// long. A number that is not below it is Errc::crypto_failed.
spec::SubmissionEntry rsa_private(std::uint32_t session, const CipherBuffers& buffers);
spec::SubmissionEntry rsa_public(std::uint32_t session, const CipherBuffers& buffers);

/// I/O queue. src: a digest of 1 to 64 bytes (ECDSA) or the message (Ed25519); dst: r and s, each
/// of the curve's length, or the signature.
spec::SubmissionEntry sign(std::uint32_t session, const CipherBuffers& buffers);

/// I/O queue. src: the signature as sign() writes it, then digest or message; nothing is written. A
/// wrong signature is Errc::crypto_failed.
spec::SubmissionEntry verify(std::uint32_t session, const CipherBuffers& buffers);

/// I/O queue. src: the peer's x and y, or its u of 32 bytes (X25519); dst: the shared secret. A
/// point that is none is Errc::crypto_failed.
spec::SubmissionEntry agree(std::uint32_t session, const CipherBuffers& buffers);

}  // namespace ringside::driver
