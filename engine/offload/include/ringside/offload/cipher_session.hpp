// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A symmetric key in the device, and what can be done with it. Every call is a descriptor: keys,
// IVs, data and results cross through DMA memory. Each may pause the calling job.

#include "ringside/offload/device_session.hpp"

namespace ringside::offload {

/// `out` may be `in` everywhere. Errors: those of exchange(); Errc::ring_broken if the device wrote
/// another length than it must.
class CipherSession : public DeviceSession {
  public:
    static driver::result<CipherSession> create(Offload& offload,
                                                const driver::SessionSpec& session);
    static driver::result<CipherSession> create(Offload& offload, spec::Algorithm algorithm,
                                                std::span<const std::byte> key) {
        return create(offload, {.algorithm = algorithm, .key = key});
    }

    /// AES-CBC without padding. `in` is whole blocks of 16 bytes, of any number: more than the
    /// device takes at one time goes in pieces. `out` is as long. `iv` becomes the one that
    /// continues the chain.
    driver::result<void> cbc(driver::Direction direction, std::span<std::byte, 16> iv,
                             std::span<const std::byte> in, std::span<std::byte> out) const;

    /// AES-CTR; `out` is as long as `in`. `used` bytes of the first block's key stream, at most 15,
    /// are skipped; with them it is at most largest_transfer() bytes.
    driver::result<void> ctr(std::span<const std::byte, 16> counter, std::size_t used,
                             std::span<const std::byte> in, std::span<std::byte> out) const;

    /// AES-XTS of one data unit, 16 bytes to largest_transfer(); `out` is as long.
    driver::result<void> xts(driver::Direction direction, std::span<const std::byte, 16> tweak,
                             std::span<const std::byte> in, std::span<std::byte> out) const;

    /// AES-GCM or ChaCha20-Poly1305, whichever the session is of, of one message. `out` is as long
    /// as `in`; `iv` is 1 to 16 bytes, with ChaCha20 12; `tag` is 4, 8 or 12 to 16, with ChaCha20
    /// 16. Errc::invalid_request if additional data, payload and tag together are above
    /// largest_transfer(). Decrypting, Errc::auth_failed leaves `out` untouched.
    driver::result<void> seal(std::span<const std::byte> iv, std::span<const std::byte> aad,
                              std::span<const std::byte> in, std::span<std::byte> out,
                              std::span<std::byte> tag) const;
    driver::result<void> open(std::span<const std::byte> iv, std::span<const std::byte> aad,
                              std::span<const std::byte> in, std::span<std::byte> out,
                              std::span<const std::byte> tag) const;

    /// A TLS record with CBC and HMAC (datasheet, "TLS records"). Explicit IV and payload become
    /// `out`, exactly as long as the record's ciphertext is.
    driver::result<void> seal_record(std::span<const std::byte, driver::tls_header_size> header,
                                     std::span<const std::byte, 16> iv,
                                     std::span<const std::byte> explicit_iv,
                                     std::span<const std::byte> payload,
                                     std::span<std::byte> out) const;
    /// The bytes of payload, which are the beginning of `out`. `explicit_iv` as it came over the
    /// wire; `out` has room for the longest payload that `ciphertext` can hold. Errc::auth_failed
    /// leaves `out` untouched.
    driver::result<std::size_t> open_record(
        std::span<const std::byte, driver::tls_header_size> header,
        std::span<const std::byte, 16> iv, std::span<const std::byte> explicit_iv,
        std::span<const std::byte> ciphertext, std::span<std::byte> out) const;

  private:
    explicit CipherSession(DeviceSession session) : DeviceSession(std::move(session)) {}
    driver::result<void> cbc_piece(driver::Direction direction, std::span<const std::byte, 16> iv,
                                   std::span<const std::byte> in, std::span<std::byte> out) const;
};

}  // namespace ringside::offload
