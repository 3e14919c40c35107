// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Hashes, MACs and key derivation in the device: one descriptor each, over a whole message. Each
// may pause the calling job. Errors: those of DeviceSession::exchange(); Errc::ring_broken if the
// device wrote another length than it must.

#include "ringside/offload/device_session.hpp"

namespace ringside::offload {

/// Hash or HMAC of `message`, of at most largest_transfer() bytes. `out` is of the digest's length.
driver::result<void> digest(const DeviceSession& session, std::span<const std::byte> message,
                            std::span<std::byte> out);

/// The parts that the session's algorithm wants (datasheet, "Key derivation"); the first and the
/// second have at most 65,535 bytes each, else Errc::invalid_request.
struct DerivationParts {
    std::span<const std::byte> first{};
    std::span<const std::byte> second{};
    std::span<const std::byte> last{};
};
/// Fills `out`, which is not empty.
driver::result<void> derive(const DeviceSession& session, const DerivationParts& parts,
                            std::span<std::byte> out);

}  // namespace ringside::offload
