// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The register map of the RS1 accelerator: one constexpr table from which everything else comes,
// the driver's constants, the model's behaviour, `ringside regs`, the datasheet's tables and the
// access tests. Change a register here and all of them follow. docs/datasheet.md says what the
// registers mean; this table says what they are.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "ringside/spec/register_types.hpp"

namespace ringside::spec {

// ---- limits of the architecture (CAP and LIMITS say what a given chip has) ----

inline constexpr std::uint32_t max_queue_pairs = 63;  ///< queue pair 0 is the admin queue
inline constexpr std::uint32_t max_vectors = 64;
inline constexpr std::uint32_t fault_rules = 16;  ///< slots for rules of fault injection
inline constexpr std::uint32_t min_ring_entries = 2;
inline constexpr std::uint32_t max_ring_entries = 4096;
inline constexpr std::uint32_t bar0_size = 0x200000;
inline constexpr std::uint32_t msix_table_offset = 0;    ///< in BAR2, 16 bytes a vector
inline constexpr std::uint32_t msix_pba_offset = 0x800;  ///< in BAR2, one bit a vector
inline constexpr std::uint32_t bar2_size = 0x1000;

inline constexpr std::uint32_t device_id = 0x31535352;       ///< "RSS1", little endian
inline constexpr std::uint32_t device_version = 0x00010000;  ///< major 1, minor 0
inline constexpr std::uint32_t reset_key = 0x52535421;       ///< "RST!": what RESET wants

/// MSI-X vector assignment (datasheet, "Interrupts").
inline constexpr std::uint32_t error_vector = 0;
constexpr std::uint32_t queue_vector(std::uint32_t queue) {
    return queue + 1;
}

/// CSTS.STATE.
enum class DeviceState : std::uint8_t {
    reset = 0,
    disabled = 1,
    enabling = 2,
    ready = 3,
    draining = 4,
    error = 5,
    dead = 6,
};

/// Q_STS.STATE.
enum class QueueState : std::uint8_t { disabled = 0, enabled = 1, resetting = 2, error = 3 };

/// Bit numbers of ERR_SRC, ERR_MASK and ERR_SEV.
enum class ErrorSource : std::uint8_t {
    correctable = 0,
    ecc_uncorrectable = 1,
    ecc_fatal = 2,
    dma_read = 3,
    dma_write = 4,
    iommu = 5,
    slice_hang = 6,
    bad_doorbell = 7,
    cq_overrun = 8,
    bad_access = 9,
    link = 10,
    bad_config = 12,
    self_test = 13,
};

constexpr std::uint32_t bit_of(ErrorSource source) {
    return std::uint32_t{1} << static_cast<unsigned>(source);
}
/// What cannot be survived: the chip's own state, the link, or its arithmetic is in doubt.
inline constexpr std::uint32_t default_severity =
    bit_of(ErrorSource::ecc_fatal) | bit_of(ErrorSource::link) | bit_of(ErrorSource::self_test);

// ---- the table ----

namespace detail {

inline constexpr Field cap_fields[] = {
    {"MAX_QP", 0, 16, "queue pairs, the admin queue included"},
    {"LOG2_ENTRIES", 16, 4, "log2 of the largest ring"},
    {"SGL", 21, 1, "scatter-gather lists"},
    {"RATE_LIMIT", 22, 1, "rate limits, a queue pair each"},
    {"FAULT_INJECT", 23, 1, "fault injection: the block FAULT exists"},
    {"FENCE", 24, 1, "fences"},
};
inline constexpr Field limits_fields[] = {
    {"MAX_SGE", 0, 16, "scatter-gather entries a descriptor; 0: no scatter-gather"},
    {"MAX_VECTORS", 16, 16, "MSI-X vectors"},
};
inline constexpr Field alg_sym_fields[] = {
    {"AES_CBC", 0, 1, "AES-CBC, 128/192/256-bit keys"},
    {"AES_GCM", 1, 1, "AES-GCM, 128/192/256-bit keys"},
    {"AES_CTR", 2, 1, "AES-CTR, 128/192/256-bit keys"},
    {"AES_XTS", 3, 1, "AES-XTS, 128/256-bit keys"},
    {"CBC_HMAC_SHA1", 4, 1, "AES-CBC chained with HMAC-SHA1, TLS records"},
    {"CBC_HMAC_SHA256", 5, 1, "AES-CBC chained with HMAC-SHA256, TLS records"},
    {"CHACHA20_POLY1305", 6, 1, "ChaCha20-Poly1305"},
};
inline constexpr Field alg_asym_fields[] = {
    {"RSA", 0, 1, "RSA, 2048 to 4096 bits, private operations with CRT"},
    {"ECDSA", 1, 1, "ECDSA, P-256 and P-384"},
    {"ECDH", 2, 1, "ECDH, P-256 and P-384"},
    {"X25519", 3, 1, "X25519"},
    {"ED25519", 4, 1, "Ed25519"},
};
inline constexpr Field alg_hashkdf_fields[] = {
    {"SHA2", 0, 1, "SHA-224, 256, 384, 512, 512/224 and 512/256"},
    {"SHA3_256", 1, 1, "SHA3-256"},
    {"HMAC", 2, 1, "HMAC over the hashes"},
    {"HKDF", 3, 1, "HKDF over the hashes"},
    {"TLS12_PRF", 4, 1, "the PRF of TLS 1.2, over SHA-256 and SHA-384"},
    {"RANDOM", 5, 1, "random numbers"},
    {"SHA1", 6, 1, "SHA-1"},
};
inline constexpr Field cc_fields[] = {
    {"EN", 0, 1, "enable: DISABLED -> ENABLING -> READY; 0 disables"},
    {"DRAIN", 1, 1, "finish what was fetched, fetch no more: READY -> DRAINING"},
};
inline constexpr Field csts_fields[] = {
    {"STATE", 0, 4, "0 RESET, 1 DISABLED, 2 ENABLING, 3 READY, 4 DRAINING, 5 ERROR, 6 DEAD"},
    {"FATAL", 8, 1, "a fatal error is latched"},
    {"RESET_BUSY", 9, 1, "a device reset is under way"},
    {"DRAINED", 10, 1, "nothing fetched is unfinished"},
};
inline constexpr Field err_fields[] = {
    {"CORR", 0, 1, "a bit error was corrected"},
    {"ECC_UNC", 1, 1, "a bit error in an operation's data could not be corrected"},
    {"ECC_FATAL", 2, 1, "a bit error in the chip's own state could not be corrected"},
    {"DMA_RD", 3, 1, "a DMA read failed"},
    {"DMA_WR", 4, 1, "a DMA write failed"},
    {"IOMMU", 5, 1, "an address is not mapped for the access"},
    {"SLICE_HANG", 6, 1, "a slice took longer than its watchdog allows; the operation has failed"},
    {"BAD_DB", 7, 1, "a doorbell value is out of range or overtakes the head"},
    {"CQ_OVERRUN", 8, 1, "a completion found no room: the queue is stopped"},
    {"BAD_ACCESS", 9, 1, "MMIO of a wrong width, alignment or offset"},
    {"LINK", 10, 1, "the link was lost"},
    {"BAD_CONFIG", 12, 1, "a queue was enabled with a bad base, size or vector"},
    {"SELF_TEST", 13, 1, "the self-test after a reset found a slice that computes wrongly"},
};
inline constexpr Field err_info_fields[] = {
    {"CID", 0, 16, "command identifier, 0xFFFF: none"},
    {"QID", 16, 16, "queue pair, 0xFFFF: none"},
};

inline constexpr Register global_registers[] = {
    {"ID", 0x000, 32, Access::ro, device_id, ResetDomain::power_on, {}, "identity: \"RSS1\""},
    {"VERSION",
     0x004,
     32,
     Access::ro,
     device_version,
     ResetDomain::power_on,
     {},
     "major in the upper half, minor in the lower; a driver refuses another major"},
    {"CAP", 0x008, 32, Access::ro, 0, ResetDomain::power_on, cap_fields, "capabilities"},
    {"LIMITS", 0x00C, 32, Access::ro, 0, ResetDomain::power_on, limits_fields, "limits"},
    {"ALG_SYM", 0x010, 64, Access::ro, 0x7F, ResetDomain::power_on, alg_sym_fields,
     "symmetric algorithms"},
    {"ALG_ASYM", 0x018, 64, Access::ro, 0x1F, ResetDomain::power_on, alg_asym_fields,
     "asymmetric algorithms"},
    {"ALG_HASHKDF", 0x020, 64, Access::ro, 0x7F, ResetDomain::power_on, alg_hashkdf_fields,
     "hashes, key derivation, random numbers"},
    {"MAX_SESS", 0x028, 32, Access::ro, 0, ResetDomain::power_on, {}, "sessions at one time"},
    {"MAX_LEN",
     0x02C,
     32,
     Access::ro,
     0,
     ResetDomain::power_on,
     {},
     "bytes of the longest source or destination"},
    {"CC", 0x030, 32, Access::rw, 0, ResetDomain::device, cc_fields, "controller configuration"},
    {"CSTS", 0x034, 32, Access::ro, 0x401, ResetDomain::device, csts_fields, "controller status"},
    {"RESET",
     0x038,
     32,
     Access::wo,
     0,
     ResetDomain::device,
     {},
     "write 52535421h: abort everything, forget sessions and queues"},
    {"TO",
     0x03C,
     32,
     Access::ro,
     0,
     ResetDomain::power_on,
     {},
     "milliseconds that any change of state takes at most"},
    {"HB_COUNT",
     0x040,
     32,
     Access::ro,
     0,
     ResetDomain::device,
     {},
     "heartbeat: counts periods since the chip became READY, and stands still in any other state"},
    {"HB_PERIOD_US",
     0x044,
     32,
     Access::rw,
     1000,
     ResetDomain::device,
     {},
     "microseconds a heartbeat; 0 counts as 1"},
    {"WDT_SYM_US",
     0x048,
     32,
     Access::rw,
     10'000,
     ResetDomain::device,
     {},
     "microseconds that a symmetric slice may work on one operation; 0: no watchdog"},
    {"WDT_ASYM_US",
     0x04C,
     32,
     Access::rw,
     100'000,
     ResetDomain::device,
     {},
     "microseconds that an asymmetric slice may work on one operation; 0: no watchdog"},
    {"ERR_SRC", 0x080, 32, Access::w1c, 0, ResetDomain::device, err_fields,
     "error sources, sticky"},
    {"ERR_MASK", 0x084, 32, Access::rw, 0, ResetDomain::device, err_fields,
     "1: this source sends no interrupt"},
    {"ERR_SEV", 0x088, 32, Access::rw, default_severity, ResetDomain::device, err_fields,
     "1: this source is fatal, the chip goes to ERROR"},
    {"ERR_ADDR",
     0x090,
     64,
     Access::ro,
     0,
     ResetDomain::device,
     {},
     "address of the first error since ERR_SRC was zero"},
    {"ERR_INFO", 0x098, 32, Access::ro, 0xFFFFFFFF, ResetDomain::device, err_info_fields,
     "origin of the first error"},
    {"ERR_CODE",
     0x09C,
     32,
     Access::ro,
     0,
     ResetDomain::device,
     {},
     "bit number of the first error's source"},
    {"N_CORR",
     0x0A0,
     32,
     Access::ro,
     0,
     ResetDomain::device,
     {},
     "corrected errors since the last reset"},
    {"N_NONFATAL",
     0x0A4,
     32,
     Access::ro,
     0,
     ResetDomain::device,
     {},
     "errors since the last reset that were not fatal"},
    {"N_FATAL",
     0x0A8,
     32,
     Access::ro,
     0,
     ResetDomain::device,
     {},
     "fatal errors since the last reset"},
    {"STAT_SNAP",
     0x100,
     32,
     Access::wo,
     0,
     ResetDomain::device,
     {},
     "a write latches the statistics below"},
    {"STAT_OPS", 0x108, 64, Access::ro, 0, ResetDomain::device, {}, "operations completed"},
    {"STAT_BYTES", 0x110, 64, Access::ro, 0, ResetDomain::device, {}, "source bytes processed"},
    {"STAT_ERRS",
     0x118,
     64,
     Access::ro,
     0,
     ResetDomain::device,
     {},
     "operations completed with a status other than OK"},
    {"STAT_BUSY_NS",
     0x120,
     64,
     Access::ro,
     0,
     ResetDomain::device,
     {},
     "nanoseconds of slice time, added over all slices"},
    {"STAT_DMA_RD", 0x128, 64, Access::ro, 0, ResetDomain::device, {}, "bytes read by DMA"},
    {"STAT_DMA_WR", 0x130, 64, Access::ro, 0, ResetDomain::device, {}, "bytes written by DMA"},
    {"STAT_MSIX", 0x138, 64, Access::ro, 0, ResetDomain::device, {}, "MSI-X messages sent"},
};

inline constexpr Field q_ctrl_fields[] = {
    {"EN", 0, 1, "enable; bases, sizes and vector are taken over at 0 -> 1"},
    {"WEIGHT", 8, 4, "descriptors that the queue may fetch in its turn; 0: as many as fit a batch"},
};
inline constexpr Field q_sts_fields[] = {
    {"STATE", 0, 3, "0 disabled, 1 enabled, 2 resetting, 3 error"},
};
inline constexpr Field q_size_fields[] = {
    {"SQ", 0, 16, "submission entries - 1; entries are a power of two, 2 to 4096"},
    {"CQ", 16, 16, "completion entries - 1; likewise"},
};
inline constexpr Field cq_vec_fields[] = {
    {"VECTOR", 0, 11, "MSI-X vector"},
    {"IEN", 31, 1, "interrupts enabled"},
};
inline constexpr Field int_mod_fields[] = {
    {"TIME_US", 0, 16, "fire this long after the first unannounced completion; 0: no time limit"},
    {"COUNT", 16, 16, "fire at this many unannounced completions; 0 and 1: at each"},
};
inline constexpr Field q_reset_fields[] = {
    {"RESET", 0, 1, "write 1: stop, complete everything as ABORTED; reads 1 until no DMA is left"},
};
inline constexpr Field rl_burst_fields[] = {
    {"TOKENS", 0, 16, "descriptors that may be fetched at once after a pause; 0 counts as 1"},
};
inline constexpr Field rl_sts_fields[] = {
    {"LIMITED", 0, 1, "the queue has descriptors to fetch and waits for its rate"},
    {"TOKENS", 16, 16, "descriptors that may be fetched now; zero without a limit"},
};
inline constexpr Register queue_registers[] = {
    {"Q_CTRL", 0x00, 32, Access::rw, 0, ResetDomain::queue, q_ctrl_fields, "queue control"},
    {"Q_STS", 0x04, 32, Access::ro, 0, ResetDomain::queue, q_sts_fields, "queue status"},
    {"SQ_BASE",
     0x08,
     64,
     Access::rw,
     0,
     ResetDomain::queue,
     {},
     "I/O address of the submission ring, aligned to its size"},
    {"CQ_BASE",
     0x10,
     64,
     Access::rw,
     0,
     ResetDomain::queue,
     {},
     "I/O address of the completion ring, aligned to its size"},
    {"Q_SIZE", 0x18, 32, Access::rw, 0, ResetDomain::queue, q_size_fields, "ring sizes"},
    {"CQ_VEC", 0x1C, 32, Access::rw, 0, ResetDomain::queue, cq_vec_fields, "interrupt vector"},
    {"INT_MOD", 0x20, 32, Access::rw, 0, ResetDomain::queue, int_mod_fields,
     "interrupt moderation; may change while the queue is enabled"},
    {"SQ_HEAD", 0x24, 32, Access::ro, 0, ResetDomain::queue, {}, "next entry to fetch"},
    {"SQ_TAIL", 0x28, 32, Access::ro, 0, ResetDomain::queue, {}, "last tail doorbell"},
    {"CQ_TAIL", 0x2C, 32, Access::ro, 0, ResetDomain::queue, {}, "next completion to write"},
    {"CQ_HEAD", 0x30, 32, Access::ro, 0, ResetDomain::queue, {}, "last head doorbell"},
    {"INFLIGHT",
     0x34,
     32,
     Access::ro,
     0,
     ResetDomain::queue,
     {},
     "credits in use: announced by the tail doorbell, not yet acknowledged by the head doorbell"},
    {"Q_RESET", 0x38, 32, Access::rw, 0, ResetDomain::queue, q_reset_fields, "queue reset"},
    {"RL_RATE",
     0x40,
     32,
     Access::rw,
     0,
     ResetDomain::queue,
     {},
     "descriptors a second that may be fetched; 0: no limit. May change while the queue is "
     "enabled"},
    {"RL_BURST", 0x44, 32, Access::rw, 0, ResetDomain::queue, rl_burst_fields,
     "how much of its rate a queue may save up"},
    {"RL_STS", 0x48, 32, Access::ro, 0, ResetDomain::queue, rl_sts_fields, "rate limit status"},
    {"Q_SUBMITTED", 0x50, 64, Access::ro, 0, ResetDomain::queue, {}, "descriptors fetched"},
    {"Q_COMPLETED", 0x58, 64, Access::ro, 0, ResetDomain::queue, {}, "completions written"},
    {"Q_ERRORS",
     0x60,
     64,
     Access::ro,
     0,
     ResetDomain::queue,
     {},
     "completions with a status other than OK"},
    {"Q_STALLS",
     0x68,
     64,
     Access::ro,
     0,
     ResetDomain::queue,
     {},
     "fetches that the rate limit delayed"},
};

inline constexpr Field sq_db_fields[] = {{"TAIL", 0, 16, "index after the last written entry"}};
inline constexpr Field cq_db_fields[] = {
    {"HEAD", 0, 16, "index after the last consumed entry"},
    {"ARM", 31, 1, "let the next completion interrupt; at once if one is unconsumed"},
};
inline constexpr Register doorbell_registers[] = {
    {"SQ_DB", 0x00, 32, Access::wo, 0, ResetDomain::queue, sq_db_fields, "submission doorbell"},
    {"CQ_DB", 0x08, 32, Access::wo, 0, ResetDomain::queue, cq_db_fields, "completion doorbell"},
};

inline constexpr Field fi_ctrl_fields[] = {
    {"ACTIVE", 0, 1, "0 -> 1 takes over the rule and clears its counts; reads 0 when it has ended"},
    {"KIND", 8, 8, "which fault; one that does not exist is never ACTIVE"},
};
inline constexpr Field fi_match_fields[] = {
    {"QUEUE", 0, 16, "only events of this queue pair; 0xFFFF: of any, or of none"},
    {"OPCODE", 16, 16, "only events of operations of this opcode; 0xFFFF: of any, or of none"},
};
inline constexpr Field fi_chance_fields[] = {
    {"NUMERATOR", 0, 16, "a chosen event is struck with probability NUMERATOR / DENOMINATOR"},
    {"DENOMINATOR", 16, 16, "0: always"},
};
inline constexpr Register fault_registers[] = {
    {"FI_CTRL", 0x00, 32, Access::rw, 0, ResetDomain::power_on, fi_ctrl_fields, "fault and state"},
    {"FI_MATCH", 0x04, 32, Access::rw, 0xFFFFFFFF, ResetDomain::power_on, fi_match_fields,
     "which events the rule looks at"},
    {"FI_FROM_US",
     0x08,
     32,
     Access::rw,
     0,
     ResetDomain::power_on,
     {},
     "microseconds since power-on before which it looks at none"},
    {"FI_AFTER", 0x0C, 32, Access::rw, 0, ResetDomain::power_on, {}, "events that pass first"},
    {"FI_EVERY",
     0x10,
     32,
     Access::rw,
     1,
     ResetDomain::power_on,
     {},
     "then the first of every so many is chosen; 0 counts as 1"},
    {"FI_COUNT",
     0x14,
     32,
     Access::rw,
     1,
     ResetDomain::power_on,
     {},
     "the rule ends when it has fired so often; 0: never"},
    {"FI_CHANCE", 0x18, 32, Access::rw, 0, ResetDomain::power_on, fi_chance_fields, "probability"},
    {"FI_OFFSET", 0x1C, 32, Access::rw, 0, ResetDomain::power_on, {}, "as the fault says"},
    {"FI_VALUE", 0x20, 32, Access::rw, 0, ResetDomain::power_on, {}, "as the fault says, signed"},
    {"FI_MATCHED",
     0x24,
     32,
     Access::ro,
     0,
     ResetDomain::power_on,
     {},
     "events that the rule has looked at"},
    {"FI_FIRED", 0x28, 32, Access::ro, 0, ResetDomain::power_on, {}, "events that it has struck"},
};

}  // namespace detail

inline constexpr std::array<Block, 4> blocks = {{
    {"GLOBAL", 0x000000, 0x1000, 1, detail::global_registers,
     "identity, state, errors, statistics"},
    {"QUEUE", 0x001000, 0x80, max_queue_pairs, detail::queue_registers,
     "configuration of queue pair q; q = 0 is the admin queue"},
    {"DOORBELL", 0x100000, 0x1000, max_queue_pairs, detail::doorbell_registers,
     "doorbell page of queue pair q, a page each so that it can be mapped alone"},
    {"FAULT", 0x003000, 0x40, fault_rules, detail::fault_registers,
     "rule q of fault injection, if CAP.FAULT_INJECT is 1"},
}};
/// Whether a block's instances are queue pairs, and CAP.MAX_QP says how many there are.
constexpr bool is_per_queue(const Block& block) {
    return block.count == max_queue_pairs;
}

// ---- look-ups; a wrong name does not compile ----

/// The register called `name`.
consteval const Register& reg(std::string_view name) {
    return find_register(blocks, name);
}

/// The field `field_name` of register `register_name`.
consteval Field field(std::string_view register_name, std::string_view field_name) {
    return find_field(blocks, register_name, field_name);
}

consteval Address at(std::string_view name) {
    return find_address(blocks, name);
}

/// Decodes a 4-byte aligned BAR0 offset; `reg` is null where nothing stands.
constexpr Location locate(std::uint32_t offset) {
    return locate(blocks, offset);
}

}  // namespace ringside::spec
