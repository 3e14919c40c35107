// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Descriptors for what the RS1 does, ready for QueuePair::submit(). Whoever submits calls these, so
// that nobody else fills wire fields by hand. They only fill fields: the device checks them and
// answers Errc::request_rejected; a key goes into DMA memory and never into a descriptor.

#include <cstddef>
#include <cstdint>
#include <span>

#include "ringside/driver/link/link.hpp"
#include "ringside/spec/wire.hpp"

namespace ringside::driver {

enum class Direction : std::uint8_t { encrypt, decrypt };

/// Where a request reads and writes; lengths in bytes. `dst` equal to `src`: in place.
struct CipherBuffers {
    Iova src;
    std::uint32_t src_len = 0;
    Iova dst;
    std::uint32_t dst_len = 0;
};

/// What a session computes, and its keys: datasheet, "Algorithms".
struct SessionSpec {
    spec::Algorithm algorithm{};
    std::span<const std::byte> key{};
    std::span<const std::byte> second_key{};
    spec::Hash hash = spec::Hash::none;

    /// Bytes of its parameters.
    std::uint32_t size() const;
};

/// Writes what session_create() lets the device read, keys included, straight into DMA memory of
/// at least session.size() bytes.
void write_session_parameters(std::span<std::byte> into, const SessionSpec& session);

/// A piece of a source or destination that is scattered over DMA memory; `length` is not 0.
struct Piece {
    Iova address;
    std::uint32_t length = 0;
};

/// Bytes of a list of so many pieces.
constexpr std::size_t list_size(std::size_t pieces) {
    return pieces * sizeof(spec::ListEntry);
}

/// Writes a list of `pieces`, at least one and at most DeviceCapabilities::max_list_entries, into
/// DMA memory of list_size(); returns their bytes together. The device reads it until the request
/// that points to it has completed.
std::uint32_t write_list(std::span<std::byte> into, std::span<const Piece> pieces);

/// Lets `request` read from the pieces of the list at `list`, `bytes` together, in the place of one
/// source; or write to them.
void use_source_list(spec::SubmissionEntry& request, Iova list, std::uint32_t bytes);
void use_destination_list(spec::SubmissionEntry& request, Iova list, std::uint32_t bytes);

/// Admin queue. Completion::result is the session id. The parameters, SessionSpec::size() bytes,
/// may go once it completed.
spec::SubmissionEntry session_create(Iova parameters, std::uint32_t size);

/// Admin queue.
spec::SubmissionEntry session_destroy(std::uint32_t session);

/// I/O queue. Whole blocks, no padding: src_len is a multiple of 16; as much is written to dst.
spec::SubmissionEntry aes_cbc(Direction direction, std::uint32_t session,
                              const CipherBuffers& buffers, std::span<const std::byte, 16> iv);

/// I/O queue. AES-GCM and ChaCha20-Poly1305. src: `aad_len` bytes that are only authenticated, the
/// payload and, decrypting, the tag of `tag_len` bytes. dst: the payload and, encrypting, the tag.
/// `iv`: 1 to 16 bytes; with ChaCha20 it is 12, and the tag 16.
spec::SubmissionEntry aead(Direction direction, std::uint32_t session, const CipherBuffers& buffers,
                           std::span<const std::byte> iv, std::uint16_t aad_len,
                           std::uint8_t tag_len);

/// I/O queue. Encrypts and decrypts alike; `counter` is the first counter block.
spec::SubmissionEntry aes_ctr(std::uint32_t session, const CipherBuffers& buffers,
                              std::span<const std::byte, 16> counter);

/// I/O queue. One data unit of 16 bytes or more.
spec::SubmissionEntry aes_xts(Direction direction, std::uint32_t session,
                              const CipherBuffers& buffers, std::span<const std::byte, 16> tweak);

/// I/O queue. A TLS record with CBC and HMAC (datasheet, "TLS records"). src: its header of
/// tls_header_size bytes, an explicit IV of `explicit_iv_len` bytes (0 or 16), then the payload or,
/// decrypting, the ciphertext.
inline constexpr std::size_t tls_header_size = 13;
spec::SubmissionEntry tls_cbc_record(Direction direction, std::uint32_t session,
                                     const CipherBuffers& buffers,
                                     std::span<const std::byte, 16> iv,
                                     std::uint16_t explicit_iv_len);

/// I/O queue. Hash or HMAC of src, written to dst.
spec::SubmissionEntry digest(std::uint32_t session, const CipherBuffers& buffers);

/// I/O queue. Fills dst_len bytes from the parts of src: salt or secret of `first_len` bytes,
/// HKDF's input keying material of `second_len` bytes, the rest (datasheet, "Key derivation").
spec::SubmissionEntry derive(std::uint32_t session, const CipherBuffers& buffers,
                             std::uint16_t first_len, std::uint16_t second_len);

/// I/O queue. Fills `dst_len` bytes.
spec::SubmissionEntry random(std::uint32_t session, Iova dst, std::uint32_t dst_len);

}  // namespace ringside::driver
