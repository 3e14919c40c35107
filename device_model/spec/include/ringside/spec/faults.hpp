// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The faults that the chip can make by itself, as one constexpr table: what FI_CTRL.KIND takes,
// what a fault plan calls it, what it counts, and what FI_OFFSET and FI_VALUE mean to it. The model
// behaves by it, plans are parsed by it, the datasheet's chapter "Fault injection" is tested
// against it.

#include <cstdint>
#include <span>
#include <string_view>

namespace ringside::spec {

/// FI_CTRL.KIND. The numbers are part of the register interface: they are added to, never changed.
enum class FaultKind : std::uint8_t {
    none = 0,
    never_complete = 1,
    drop_completion = 2,
    late_completion = 3,
    duplicate_completion = 4,
    wrong_cid = 5,
    stale_tag = 6,
    delay_completion = 7,
    flip_output = 8,
    wrong_length = 9,
    accept_bad_tag = 10,
    refuse_good_tag = 11,
    freeze = 12,
    slow_reset = 13,
    fail_reset = 14,
    hang_queue_reset = 15,
    self_reset = 16,
    drop_doorbell = 17,
    drop_head_doorbell = 18,
    wrong_head = 19,
    all_ones = 20,
    remove = 21,
    slow_slice = 22,
    dma_timeout = 23,
    poison = 24,
    ecc_error = 25,
    unsupported_request = 26,
    completer_abort = 27,
    malformed_tlp = 28,
    ecc_fatal = 29,
    lose_link = 30,
    iommu_read = 31,
    iommu_write = 32,
    descriptor_fault = 33,
    completion_fault = 34,
    late_dma = 35,
    torn_completion = 36,
    correctable = 37,
    drop_interrupt = 38,
    spurious_interrupt = 39,
    early_interrupt = 40,
    interrupt_storm = 41,
    mask_vector = 42,
    misroute_interrupt = 43,
    coalesce_for_ever = 44,
    wrong_crt_half = 45,
    break_slices = 46,
};

/// What a rule counts: the events that reach the place where its kind strikes.
enum class FaultSite : std::uint8_t {
    fetch,            ///< a descriptor has been fetched
    descriptor_read,  ///< a descriptor is about to be read; its opcode is not known yet
    source,           ///< an operation's source is about to be read
    slice,            ///< an operation enters its slice
    verdict,          ///< a slice has judged a tag, MAC or signature, as the kind turns it round
    crt,              ///< a slice has computed a private RSA power
    output,           ///< an operation's output is about to be written
    completion,       ///< a completion entry is about to be written
    interrupt,        ///< a queue pair is about to send its message
    doorbell,         ///< a submission doorbell was accepted
    head_doorbell,    ///< a completion doorbell was accepted
    register_read,    ///< a register is read
    device_reset,     ///< a device reset begins, the function-level one included
    queue_reset,      ///< a queue reset begins
};

/// Whether events at a site belong to a queue pair, and whether to an operation.
constexpr bool has_queue(FaultSite site) {
    return site != FaultSite::register_read && site != FaultSite::device_reset;
}
constexpr bool has_opcode(FaultSite site) {
    return site == FaultSite::fetch || site == FaultSite::source || site == FaultSite::slice ||
           site == FaultSite::verdict || site == FaultSite::crt || site == FaultSite::output ||
           site == FaultSite::completion;
}

/// What FI_VALUE is cut to.
inline constexpr std::int32_t most_errors_at_once = 4096;  ///< of correctable
inline constexpr std::int32_t most_slowdown = 1'000'000;   ///< of slow_slice

struct FaultInfo {
    FaultKind kind;
    std::string_view name;
    FaultSite site;
    std::string_view value_doc;  ///< what FI_VALUE is; empty: not used
    std::int32_t usual_value;    ///< what a plan that does not say takes
    std::string_view doc;
};

namespace detail {

inline constexpr FaultInfo fault_table[] = {
    {FaultKind::never_complete, "never_complete", FaultSite::fetch, "", 0,
     "the operation stays in the chip; ABORT and resets find it"},
    {FaultKind::drop_completion, "drop_completion", FaultSite::completion, "", 0,
     "the work is done, its entry is never written, the chip has forgotten it"},
    {FaultKind::late_completion, "late_completion", FaultSite::completion, "ns", 100'000,
     "as drop_completion, but the entry comes that much later, whatever was reset meanwhile"},
    {FaultKind::duplicate_completion, "duplicate_completion", FaultSite::completion, "ns", 0,
     "the entry is written, and once more that much later"},
    {FaultKind::wrong_cid, "wrong_cid", FaultSite::completion, "mask", 0x8000,
     "the entry's cid is XORed with the mask"},
    {FaultKind::stale_tag, "stale_tag", FaultSite::completion, "", 0,
     "the entry has cid and user_tag of the one before it in its queue pair"},
    {FaultKind::delay_completion, "delay_completion", FaultSite::completion, "ns", 10'000,
     "the entry is written that much later, others overtake it"},
    {FaultKind::flip_output, "flip_output", FaultSite::output, "mask", 1,
     "the output's byte at FI_OFFSET, modulo its length, is XORed with the mask"},
    {FaultKind::wrong_length, "wrong_length", FaultSite::completion, "difference", 1,
     "the entry's result is that much greater, or less"},
    {FaultKind::accept_bad_tag, "accept_bad_tag", FaultSite::verdict, "", 0,
     "what is wrong passes: status OK, and the plaintext is written"},
    {FaultKind::refuse_good_tag, "refuse_good_tag", FaultSite::verdict, "", 0,
     "what is good is refused, AUTH_FAILED or VERIFY_FAILED, and nothing is written"},
    {FaultKind::freeze, "freeze", FaultSite::fetch, "", 0,
     "the chip stops, heartbeat included, until a device reset; registers answer"},
    {FaultKind::slow_reset, "slow_reset", FaultSite::device_reset, "us", 200'000,
     "the reset takes that much longer"},
    {FaultKind::fail_reset, "fail_reset", FaultSite::device_reset, "", 0, "the reset ends in DEAD"},
    {FaultKind::hang_queue_reset, "hang_queue_reset", FaultSite::queue_reset, "", 0,
     "the queue reset is never done: Q_RESET stays 1 until a device reset"},
    {FaultKind::self_reset, "self_reset", FaultSite::doorbell, "", 0,
     "the chip resets itself as by RESET, the doorbell is lost"},
    {FaultKind::drop_doorbell, "drop_doorbell", FaultSite::doorbell, "", 0,
     "the doorbell is lost; a later one announces its descriptors, too"},
    {FaultKind::drop_head_doorbell, "drop_head_doorbell", FaultSite::head_doorbell, "", 0,
     "the doorbell is lost, its ARM too"},
    {FaultKind::wrong_head, "wrong_head", FaultSite::completion, "difference", -1,
     "the entry's sq_head is that much further, or behind"},
    {FaultKind::all_ones, "all_ones", FaultSite::register_read, "", 0,
     "the read is not answered, which gives all ones; the register's state stays"},
    {FaultKind::remove, "remove", FaultSite::fetch, "", 0,
     "the chip is gone: nothing answers any more, no DMA, no message"},
    {FaultKind::slow_slice, "slow_slice", FaultSite::slice, "factor", 10,
     "the slice takes that many times as long, at most 1000000; its watchdog counts"},
    {FaultKind::dma_timeout, "dma_timeout", FaultSite::source, "ns", 50'000,
     "the read is not answered: DMA_RD after that much longer"},
    {FaultKind::poison, "poison", FaultSite::source, "", 0,
     "the data comes poisoned and is discarded: DMA_RD"},
    {FaultKind::ecc_error, "ecc_error", FaultSite::source, "", 0,
     "the data is broken within the chip: ECC_UNC"},
    {FaultKind::unsupported_request, "unsupported_request", FaultSite::source, "", 0,
     "nobody answers for the address: DMA_RD, master abort in Status"},
    {FaultKind::completer_abort, "completer_abort", FaultSite::source, "", 0,
     "the completer refuses: DMA_RD, target abort in Status"},
    {FaultKind::malformed_tlp, "malformed_tlp", FaultSite::source, "", 0,
     "the answer is malformed: LINK, which is fatal"},
    {FaultKind::ecc_fatal, "ecc_fatal", FaultSite::fetch, "", 0,
     "the chip's own state is broken: ECC_FATAL, which is fatal"},
    {FaultKind::lose_link, "lose_link", FaultSite::fetch, "", 0,
     "the link goes down and up: as a function-level reset that nobody asked for"},
    {FaultKind::iommu_read, "iommu_read", FaultSite::source, "", 0,
     "the IOMMU refuses the read of the source"},
    {FaultKind::iommu_write, "iommu_write", FaultSite::output, "", 0,
     "the IOMMU refuses the write of the output"},
    {FaultKind::descriptor_fault, "descriptor_fault", FaultSite::descriptor_read, "", 0,
     "the IOMMU refuses the read of the descriptor"},
    {FaultKind::completion_fault, "completion_fault", FaultSite::completion, "", 0,
     "the IOMMU refuses the write of the entry"},
    {FaultKind::late_dma, "late_dma", FaultSite::output, "ns", 1'000'000,
     "the chip forgets the operation, but writes its output that much later, whatever was reset "
     "meanwhile; Transactions Pending until then"},
    {FaultKind::torn_completion, "torn_completion", FaultSite::completion, "ns", 1'000,
     "bytes 18h to 1Fh of the entry are written, the others that much later"},
    {FaultKind::correctable, "correctable", FaultSite::fetch, "errors", 1,
     "so many corrected errors at once, at most 4096"},
    {FaultKind::drop_interrupt, "drop_interrupt", FaultSite::interrupt, "", 0,
     "the message is lost; the queue pair is disarmed"},
    {FaultKind::spurious_interrupt, "spurious_interrupt", FaultSite::fetch, "", 0,
     "the queue pair's message is sent; nothing was completed, arming stays"},
    {FaultKind::early_interrupt, "early_interrupt", FaultSite::completion, "ns", 1'000,
     "the message that the entry would bring is sent at once, the entry is written that much "
     "later"},
    {FaultKind::interrupt_storm, "interrupt_storm", FaultSite::interrupt, "messages", 1'000,
     "so many more messages follow the first, as fast as the chip can"},
    {FaultKind::mask_vector, "mask_vector", FaultSite::interrupt, "", 0,
     "the vector's mask bit has come on: the message becomes pending"},
    {FaultKind::misroute_interrupt, "misroute_interrupt", FaultSite::interrupt, "vector", 0,
     "the message is that of another vector"},
    {FaultKind::coalesce_for_ever, "coalesce_for_ever", FaultSite::interrupt, "", 0,
     "no message, as if moderation waited for more; the queue pair stays armed"},
    {FaultKind::wrong_crt_half, "wrong_crt_half", FaultSite::crt, "", 0,
     "the half modulo p is wrong: who knows the message can factor the key"},
    {FaultKind::break_slices, "break_slices", FaultSite::fetch, "slices", 0x7F,
     "from then on these slices compute wrongly, and the next self-test finds them: SELF_TEST"},
};

}  // namespace detail

/// In the order of their numbers, from 1 on.
inline constexpr std::span<const FaultInfo> fault_kinds = detail::fault_table;

/// Null: no such kind.
constexpr const FaultInfo* find_fault(std::uint32_t kind) {
    return kind >= 1 && kind <= fault_kinds.size() ? &fault_kinds[kind - 1] : nullptr;
}
constexpr const FaultInfo* find_fault(std::string_view name) {
    for (const auto& info : fault_kinds) {
        if (info.name == name) {
            return &info;
        }
    }
    return nullptr;
}

namespace detail {

consteval bool faults_are_consistent() {
    for (std::uint32_t i = 0; i < fault_kinds.size(); ++i) {
        if (static_cast<std::uint32_t>(fault_kinds[i].kind) != i + 1 ||
            find_fault(fault_kinds[i].name) != &fault_kinds[i]) {
            return false;
        }
    }
    return true;
}
static_assert(faults_are_consistent(), "a kind stands at its number, a name stands once");

}  // namespace detail

}  // namespace ringside::spec
