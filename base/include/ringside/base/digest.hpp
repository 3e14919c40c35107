// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Digests for telling payloads apart in traces and recordings, not for security. They are compared
// between machines: every host computes the same value, with or without instructions for it.

#include <cstddef>
#include <cstdint>
#include <span>

namespace ringside {

/// Depends on every bit, on the order and on the length.
std::uint64_t digest_of(std::span<const std::byte> bytes);

/// The same, as a processor without instructions for AES computes it.
std::uint64_t portable_digest_of(std::span<const std::byte> bytes);

}  // namespace ringside
