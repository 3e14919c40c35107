// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What driver and device leave for each other in memory: descriptors, completions, session
// parameters. Little endian, sizes and offsets asserted. Bytes are copied in and out of these
// structs, never cast; who reads what the other side wrote reads each field once and checks it.
// docs/datasheet.md, "Descriptors" and "Completions".

#include <bit>
#include <cstddef>
#include <cstdint>

namespace ringside::spec {

static_assert(std::endian::native == std::endian::little,
              "the wire structs are little endian; a big-endian host needs conversions here");

enum class Opcode : std::uint8_t {
    nop = 0x00,
    // admin queue only
    session_create = 0x01,   ///< src: SessionParameters; the result is the session id
    session_destroy = 0x02,  ///< session: the id
    abort = 0x03,            ///< session: AbortTarget; the result is 1 if an operation was aborted
    get_log = 0x04,          ///< dst: LogEntry[], newest first; the result is their bytes
    // I/O queues only: the session's algorithm over src into dst
    cipher = 0x10,
    digest = 0x11,       ///< hash, MAC
    derive = 0x12,       ///< keys from a secret; as many bytes as dst_len says
    random = 0x13,       ///< as many bytes as dst_len says
    sign = 0x20,         ///< src: digest (ECDSA) or message (Ed25519)
    verify = 0x21,       ///< src: signature, then digest or message; nothing is written
    rsa_private = 0x22,  ///< src: an integer below the modulus, as long as the modulus
    rsa_public = 0x23,   ///< likewise
    agree = 0x24,        ///< src: the peer's public key; dst: the shared secret
};
constexpr bool is_io(Opcode opcode) {
    return static_cast<unsigned>(opcode) >= 0x10;
}

/// SubmissionEntry::flags.
enum class SubmissionFlag : std::uint8_t {
    src_list = 1 << 0,       ///< src is the address of a list of ListEntry
    dst_list = 1 << 1,       ///< dst likewise
    decrypt = 1 << 2,        ///< cipher: decrypt and, where there is a tag or MAC, verify
    fence = 1 << 3,          ///< starts when everything before it in the queue is completed
    interrupt_now = 1 << 4,  ///< this completion is announced at once, whatever the moderation
};

/// 64 bytes in the submission ring.
struct SubmissionEntry {
    std::uint8_t opcode = 0;
    std::uint8_t flags = 0;
    std::uint16_t cid = 0;  ///< the driver's command identifier, unique among those in flight
    std::uint32_t session = 0;
    std::uint64_t user_tag = 0;  ///< echoed in the completion
    std::uint64_t src = 0;       ///< I/O virtual address
    std::uint64_t dst = 0;       ///< I/O virtual address; equal to src: in place
    /// The source is up to three parts, one behind the other; what they are is the algorithm's.
    std::uint32_t src_len = 0;
    /// Room at dst; derive and random: what they are to write.
    std::uint32_t dst_len = 0;
    std::uint16_t first_len = 0;   ///< first part: AAD, record header, salt, secret
    std::uint16_t second_len = 0;  ///< second part: explicit IV, input keying material
    std::uint16_t reserved = 0;    ///< must be 0
    std::uint8_t tag_len = 0;      ///< AEAD: bytes of the tag
    std::uint8_t iv_len = 0;       ///< ciphers: bytes of iv that count
    std::uint8_t iv[16] = {};
};
static_assert(sizeof(SubmissionEntry) == 64);
static_assert(offsetof(SubmissionEntry, cid) == 0x02);
static_assert(offsetof(SubmissionEntry, session) == 0x04);
static_assert(offsetof(SubmissionEntry, user_tag) == 0x08);
static_assert(offsetof(SubmissionEntry, src) == 0x10);
static_assert(offsetof(SubmissionEntry, dst) == 0x18);
static_assert(offsetof(SubmissionEntry, src_len) == 0x20);
static_assert(offsetof(SubmissionEntry, dst_len) == 0x24);
static_assert(offsetof(SubmissionEntry, first_len) == 0x28);
static_assert(offsetof(SubmissionEntry, second_len) == 0x2A);
static_assert(offsetof(SubmissionEntry, tag_len) == 0x2E);
static_assert(offsetof(SubmissionEntry, iv_len) == 0x2F);
static_assert(offsetof(SubmissionEntry, iv) == 0x30);

/// CompletionEntry::status, bits 4:2.
enum class StatusType : std::uint8_t {
    ok = 0,
    request = 1,    ///< the descriptor is wrong
    crypto = 2,     ///< the data is wrong
    transport = 3,  ///< a DMA failed, or a slice hung
    aborted = 7,    ///< reset before it was done
};

enum class RequestError : std::uint16_t {
    bad_opcode = 1,
    bad_field = 2,
    bad_session = 3,
    bad_length = 4,
    dst_too_small = 5,
    no_session_left = 6,
    bad_list = 7,
};
enum class CryptoError : std::uint16_t {
    auth_failed = 1,    ///< tag, MAC or padding is wrong
    verify_failed = 2,  ///< the signature is wrong
    out_of_range = 3,   ///< RSA: the input is not below the modulus
    bad_point = 4,      ///< the peer's public key is none, or gives no secret
    bad_key = 5,        ///< the key is none of the algorithm
};
enum class TransportError : std::uint16_t {
    dma_read = 1,
    dma_write = 2,
    iommu = 3,
    hang = 4,
    ecc = 5
};
enum class AbortReason : std::uint16_t { queue_reset = 1, device_reset = 2, admin = 3 };

/// The completion's status half-word: [0] phase, [1] do not retry, [4:2] type, [15:5] code.
struct Status {
    StatusType type = StatusType::ok;
    std::uint16_t code = 0;

    template <typename Code>
    static constexpr Status of(StatusType type, Code code) {
        return {type, static_cast<std::uint16_t>(code)};
    }
    constexpr bool ok() const { return type == StatusType::ok; }
    constexpr bool operator==(const Status&) const = default;
};

constexpr std::uint16_t encode_status(Status status, bool phase) {
    const bool do_not_retry =
        status.type == StatusType::request || status.type == StatusType::crypto;
    return static_cast<std::uint16_t>((phase ? 1u : 0u) | (do_not_retry ? 2u : 0u) |
                                      static_cast<unsigned>(status.type) << 2 |
                                      static_cast<unsigned>(status.code & 0x7FF) << 5);
}
constexpr bool phase_of(std::uint16_t word) {
    return (word & 1) != 0;
}
constexpr Status decode_status(std::uint16_t word) {
    return {static_cast<StatusType>((word >> 2) & 7), static_cast<std::uint16_t>(word >> 5)};
}

/// 32 bytes in the completion ring. The device writes the first 24 bytes, then the last eight in
/// one aligned write: who sees the new phase sees the whole entry.
struct CompletionEntry {
    std::uint64_t user_tag = 0;
    std::uint32_t result = 0;      ///< bytes written to dst, or the session id
    std::uint32_t detail = 0;      ///< low half of the failing address, else 0
    std::uint32_t latency_ns = 0;  ///< from the doorbell's arrival to this entry
    std::uint32_t reserved = 0;
    std::uint16_t sq_head = 0;
    std::uint16_t qid = 0;
    std::uint16_t cid = 0;
    std::uint16_t status = 0;
};
static_assert(sizeof(CompletionEntry) == 32);
static_assert(offsetof(CompletionEntry, result) == 0x08);
static_assert(offsetof(CompletionEntry, latency_ns) == 0x10);
static_assert(offsetof(CompletionEntry, sq_head) == 0x18);
static_assert(offsetof(CompletionEntry, status) == 0x1E);
inline constexpr std::size_t completion_tail_offset = offsetof(CompletionEntry, sq_head);

/// One piece of a scatter-gather list. The list ends with the entry that has `last`; its lengths
/// add up to src_len or dst_len exactly.
struct ListEntry {
    std::uint64_t address = 0;  ///< I/O virtual address
    std::uint32_t length = 0;   ///< bytes, not 0
    std::uint32_t flags = 0;    ///< list_last or 0
};
static_assert(sizeof(ListEntry) == 16);
static_assert(offsetof(ListEntry, length) == 8);
inline constexpr std::uint32_t list_last = 1;

/// What `abort` aims at, in the descriptor's session field.
struct AbortTarget {
    std::uint16_t queue;
    std::uint16_t cid;

    static constexpr AbortTarget of(std::uint32_t session) {
        return {static_cast<std::uint16_t>(session), static_cast<std::uint16_t>(session >> 16)};
    }
    constexpr std::uint32_t encode() const { return queue | std::uint32_t{cid} << 16; }
};

/// An entry of the error log, 32 bytes.
struct LogEntry {
    std::uint64_t time_ns = 0;  ///< since power-on
    std::uint64_t address = 0;  ///< as ERR_ADDR
    std::uint32_t source = 0;   ///< bit number in ERR_SRC
    std::uint16_t queue = 0;    ///< 0xFFFF: none
    std::uint16_t cid = 0;      ///< 0xFFFF: none
    std::uint64_t serial = 0;   ///< counts errors since power-on, from 1
};
static_assert(sizeof(LogEntry) == 32);
static_assert(offsetof(LogEntry, source) == 0x10);
static_assert(offsetof(LogEntry, serial) == 0x18);
inline constexpr std::size_t log_entries = 64;  ///< as many are kept

/// What a session computes. Datasheet, "Algorithms": the commands and keys of each.
enum class Algorithm : std::uint8_t {
    aes_cbc = 0x01,
    aes_gcm = 0x02,
    aes_ctr = 0x03,
    aes_xts = 0x04,
    aes_cbc_hmac_sha1 = 0x05,  ///< a TLS record: MAC, then pad, then encrypt
    aes_cbc_hmac_sha256 = 0x06,
    chacha20_poly1305 = 0x07,
    hash = 0x10,
    hmac = 0x11,
    hkdf = 0x18,  ///< extract, then expand
    hkdf_extract = 0x19,
    hkdf_expand = 0x1A,
    tls12_prf = 0x1B,
    random = 0x1F,
    rsa = 0x20,
    ec_p256 = 0x21,  ///< ECDSA and ECDH
    ec_p384 = 0x22,
    x25519 = 0x23,
    ed25519 = 0x24,
};

/// Which hash an algorithm is built on.
enum class Hash : std::uint8_t {
    none = 0,
    sha1 = 1,
    sha224 = 2,
    sha256 = 3,
    sha384 = 4,
    sha512 = 5,
    sha512_224 = 6,
    sha512_256 = 7,
    sha3_256 = 8,
};

/// What session_create reads at src: this, then key_len bytes of key, then second_key_len bytes.
struct SessionParameters {
    std::uint8_t algorithm = 0;
    std::uint8_t hash = 0;             ///< 0 where the algorithm takes none
    std::uint16_t key_len = 0;         ///< the key; asymmetric: the public half
    std::uint16_t second_key_len = 0;  ///< the MAC's key; asymmetric: the private half
    std::uint16_t reserved = 0;        ///< must be 0
};
static_assert(sizeof(SessionParameters) == 8);
static_assert(offsetof(SessionParameters, key_len) == 2);
static_assert(offsetof(SessionParameters, second_key_len) == 4);
inline constexpr std::size_t max_session_size = 4096;  ///< header and keys

}  // namespace ringside::spec
