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
    // I/O queues only
    cipher = 0x10,  ///< the session's algorithm over src into dst
};

/// SubmissionEntry::flags.
enum class SubmissionFlag : std::uint8_t {
    src_list = 1 << 0,       ///< src is the address of a list of ListEntry
    dst_list = 1 << 1,       ///< dst likewise
    decrypt = 1 << 2,        ///< decrypt and, for AEAD, verify
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
    /// AEAD: additional data, then payload, then (decrypting) the tag.
    std::uint32_t src_len = 0;
    /// Room at dst. AEAD writes payload, then (encrypting) the tag.
    std::uint32_t dst_len = 0;
    std::uint16_t crypt_off = 0;  ///< reserved, must be 0
    std::uint16_t auth_off = 0;   ///< reserved, must be 0
    std::uint16_t aad_len = 0;    ///< leading bytes of src that are only authenticated
    std::uint8_t tag_len = 0;     ///< AEAD: 4, 8 or 12 to 16 (SP 800-38D 5.2.1.2)
    std::uint8_t iv_len = 0;      ///< CBC: 16; GCM: 1 to 16
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
static_assert(offsetof(SubmissionEntry, crypt_off) == 0x28);
static_assert(offsetof(SubmissionEntry, aad_len) == 0x2C);
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
enum class CryptoError : std::uint16_t { auth_failed = 1 };
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

enum class Algorithm : std::uint8_t { aes_cbc = 1, aes_gcm = 2 };

/// What session_create reads at src.
struct SessionParameters {
    std::uint8_t algorithm = 0;
    std::uint8_t key_len = 0;  ///< 16, 24 or 32
    std::uint8_t reserved[6] = {};
    std::uint8_t key[32] = {};
};
static_assert(sizeof(SessionParameters) == 40);
static_assert(offsetof(SessionParameters, key) == 8);

}  // namespace ringside::spec
