// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "register_file.hpp"

#include <bit>

namespace ringside::core {
namespace {

// Everything below the doorbells is storage.
constexpr std::uint32_t storage_size =
    spec::blocks[3].base + spec::blocks[3].stride * spec::fault_rules;
static_assert(storage_size <= spec::at("SQ_DB").of());

constexpr std::uint32_t state_change_ms = 100;

bool has_storage(std::uint32_t offset) {
    return offset < storage_size;
}

}  // namespace

RegisterFile::RegisterFile(const DeviceConfig& config) : config_(config), words_(storage_size / 4) {
    reset(spec::ResetDomain::power_on);
}

void RegisterFile::reset(spec::ResetDomain domain) {
    for (const auto& block : spec::blocks) {
        for (std::uint32_t instance = 0; instance < block.count; ++instance) {
            reset_block(block, instance, domain);
        }
    }
    fill_capabilities();
}

void RegisterFile::reset_queue(std::uint32_t queue) {
    reset_block(spec::blocks[1], queue, spec::ResetDomain::queue);
}

void RegisterFile::reset_block(const spec::Block& block, std::uint32_t instance,
                               spec::ResetDomain domain) {
    const std::uint32_t base = block.base + block.stride * instance;
    if (!has_storage(base)) {
        return;
    }
    for (const auto& reg : block.registers) {
        if (reg.domain < domain) {
            continue;
        }
        if (reg.width == 64) {
            set64(base + reg.offset, reg.reset);
        } else {
            set32(base + reg.offset, static_cast<std::uint32_t>(reg.reset));
        }
    }
}

void RegisterFile::fill_capabilities() {
    const auto put = [this](spec::Address address, std::uint64_t value) {
        set32(address.of(), static_cast<std::uint32_t>(value));
    };
    put(spec::at("CAP"),
        spec::field("CAP", "MAX_QP").set(config_.queue_pairs) |
            spec::field("CAP", "LOG2_ENTRIES").set(config_.log2_max_entries) |
            spec::field("CAP", "SGL").set(1) | spec::field("CAP", "RATE_LIMIT").set(1) |
            spec::field("CAP", "FAULT_INJECT").set(config_.fault_injection ? 1 : 0) |
            spec::field("CAP", "FENCE").set(1));
    put(spec::at("LIMITS"), spec::field("LIMITS", "MAX_SGE").set(config_.max_list_entries) |
                                spec::field("LIMITS", "MAX_VECTORS").set(spec::max_vectors));
    put(spec::at("MAX_SESS"), config_.max_sessions);
    put(spec::at("MAX_LEN"), config_.max_length);
    put(spec::at("TO"), state_change_ms);
}

void RegisterFile::write(const spec::Location& location, std::uint32_t offset,
                         std::uint32_t value) {
    if (!has_storage(offset)) {
        return;
    }
    const auto writable = static_cast<std::uint32_t>(
        location.upper_half ? location.reg->writable() >> 32 : location.reg->writable());
    const std::uint32_t old = get32(offset);
    switch (location.reg->access) {
        case spec::Access::rw:
            set32(offset, (old & ~writable) | (value & writable));
            break;
        case spec::Access::w1c:
            set32(offset, old & ~(value & writable));
            break;
        case spec::Access::ro:
        case spec::Access::rc:
        case spec::Access::wo:
            break;
    }
}

std::uint32_t RegisterFile::read(const spec::Location& location, std::uint32_t offset) const {
    return location.reg->access == spec::Access::wo || !has_storage(offset) ? 0 : get32(offset);
}

}  // namespace ringside::core
