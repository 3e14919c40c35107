// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/blocks/msix_table.hpp"

namespace ringside::blocks {
namespace {

constexpr std::uint32_t table_end = spec::msix_table_offset + spec::max_vectors * 16;
constexpr std::uint32_t pba_end = spec::msix_pba_offset + spec::max_vectors / 8;
static_assert(spec::msix_pba_offset % 8 == 0 && pba_end % 8 == 0, "no half of 64 bits is outside");

}  // namespace

bool MsixTable::is_known(std::uint32_t offset) {
    return offset < table_end || (offset >= spec::msix_pba_offset && offset < pba_end);
}

std::uint32_t MsixTable::read(std::uint32_t offset) const {
    if (offset < table_end) {
        return entries_[offset / 16].words[offset / 4 % words_per_entry];
    }
    if (offset == spec::msix_pba_offset || offset == spec::msix_pba_offset + 4) {
        const std::uint64_t bits = pending_.to_ullong();
        return static_cast<std::uint32_t>(offset == spec::msix_pba_offset ? bits : bits >> 32);
    }
    return 0;
}

bool MsixTable::write(std::uint32_t offset, std::uint32_t value) {
    if (offset >= table_end) {
        return false;
    }
    const std::uint32_t vector = offset / 16;
    Entry& entry = entries_[vector];
    entry.words[offset / 4 % words_per_entry] = value;
    if (is_held(vector) || !pending_.test(vector)) {
        return false;
    }
    pending_.reset(vector);
    send(entry);
    return true;
}

bool MsixTable::raise(std::uint32_t vector) {
    if (is_held(vector)) {
        pending_.set(vector);
        return false;
    }
    send(entries_[vector]);
    return true;
}

std::uint64_t MsixTable::let_send(bool allowed) {
    may_send_ = allowed;
    std::uint64_t sent = 0;
    for (std::uint32_t vector = 0; vector < entries_.size(); ++vector) {
        if (pending_.test(vector) && !is_held(vector)) {
            pending_.reset(vector);
            send(entries_[vector]);
            sent |= std::uint64_t{1} << vector;
        }
    }
    return sent;
}

void MsixTable::reset_table() {
    entries_ = {};
}

void MsixTable::send(const Entry& entry) {
    port_.send(entry.words[0] | std::uint64_t{entry.words[1]} << 32, entry.words[2]);
}

}  // namespace ringside::blocks
