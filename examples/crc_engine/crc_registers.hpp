// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What driver and model of the CRC engine share: its registers, and what they leave for each other
// in memory.

#include <ringside/spec/register_types.hpp>

namespace crc {

namespace spec = ringside::spec;
using spec::Access;
using spec::ResetDomain;

inline constexpr std::uint32_t engine_id = 0x31435243;  // "CRC1"
inline constexpr std::uint32_t bar0_size = 0x2000;
inline constexpr std::uint32_t doorbells = 0x1000;

inline constexpr spec::Field ctrl_fields[] = {
    {"EN", 0, 1, "rings and size are taken over at 0 -> 1"},
    {"RESET", 1, 1, "write 1: forget everything; no DMA from then on"}};
inline constexpr spec::Field err_fields[] = {{"RING", 0, 1, "a bad size, or a DMA failed"},
                                             {"BAD_DB", 1, 1, "a doorbell out of range"}};
inline constexpr spec::Field mod_fields[] = {{"TIME_US", 0, 16, "longest delay of an interrupt"},
                                             {"COUNT", 16, 16, "completions that fire it at once"}};
inline constexpr spec::Field db_fields[] = {{"HEAD", 0, 16, "next completion to be read"},
                                            {"ARM", 31, 1, "interrupt at the next completion"}};
inline constexpr spec::Register registers[] = {
    {"ID", 0x00, 32, Access::ro, engine_id, ResetDomain::power_on, {}, "identity"},
    {"CTRL", 0x04, 32, Access::rw, 0, ResetDomain::device, ctrl_fields, "control"},
    {"ERR_SRC", 0x08, 32, Access::ro, 0, ResetDomain::device, err_fields, "until a reset"},
    {"SIZE", 0x0C, 32, Access::rw, 0, ResetDomain::device, {}, "entries of each ring"},
    {"SQ_BASE", 0x10, 64, Access::rw, 0, ResetDomain::device, {}, "submission ring"},
    {"CQ_BASE", 0x18, 64, Access::rw, 0, ResetDomain::device, {}, "completion ring"},
    {"INT_MOD", 0x20, 32, Access::rw, 0, ResetDomain::device, mod_fields, "moderation"}};
inline constexpr spec::Register doorbell_registers[] = {
    {"SQ_DB", 0x00, 32, Access::wo, 0, ResetDomain::device, {}, "new tail"},
    {"CQ_DB", 0x04, 32, Access::wo, 0, ResetDomain::device, db_fields, "new head"}};
inline constexpr spec::Block map[] = {
    {"ENGINE", 0, doorbells, 1, registers, "state"},
    {"DOORBELL", doorbells, 0x1000, 1, doorbell_registers, "doorbells"}};

consteval std::uint32_t at(std::string_view name) {
    return spec::find_address(map, name).of();
}
consteval spec::Field field(std::string_view register_name, std::string_view name) {
    return spec::find_field(map, register_name, name);
}

inline constexpr std::uint32_t max_entries = 4096;
inline constexpr std::uint32_t max_length = 1 << 16;

/// A field of one bit, in its place.
consteval std::uint32_t bit(std::string_view register_name, std::string_view name) {
    return static_cast<std::uint32_t>(field(register_name, name).mask());
}

enum class Command : std::uint16_t { crc32c = 1, copy = 2 };  ///< copy: and the CRC of it
enum class Status : std::uint16_t { ok = 0, bad_descriptor = 1, dma_fault = 2 };

struct Descriptor {
    std::uint64_t src = 0;  ///< I/O virtual addresses
    std::uint64_t dst = 0;
    std::uint32_t length = 0;  ///< 1 to max_length
    Command command{};
    std::uint16_t cid = 0;  ///< echoed in the completion
    std::uint64_t reserved = 0;
};
static_assert(sizeof(Descriptor) == 32);

struct Completion {
    std::uint64_t reserved = 0;
    std::uint32_t crc = 0;
    std::uint16_t cid = 0;
    std::uint16_t status = 0;  ///< 0 phase, 15:1 Status
};
static_assert(sizeof(Completion) == 16);

constexpr std::uint16_t encode(Status status, bool phase) {
    return static_cast<std::uint16_t>(static_cast<unsigned>(status) << 1 | (phase ? 1u : 0u));
}
constexpr Status status_of(std::uint16_t word) {
    return static_cast<Status>(word >> 1);
}

}  // namespace crc
