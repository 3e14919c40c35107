// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The MSI-X table and pending-bit array (PCI Local Bus Specification 3.0, 6.8.2): software writes
// an address, a datum and a mask bit for each vector; a message of a masked vector becomes pending
// and is sent when it is unmasked.

#include <array>
#include <bitset>
#include <cstdint>

#include "ringside/blocks/ports.hpp"
#include "ringside/spec/registers.hpp"

namespace ringside::blocks {

class MsixTable {
  public:
    explicit MsixTable(MsiPort& port) : port_(port) {}

    /// Whether the table or the pending bits stand at a 4-byte aligned offset in BAR2.
    static bool is_known(std::uint32_t offset);
    /// Whose entry stands at an offset in the table.
    static std::uint32_t vector_at(std::uint32_t offset) { return offset / 16; }
    /// BAR2, 4-byte aligned offsets.
    std::uint32_t read(std::uint32_t offset) const;
    /// True: the write unmasked a pending vector, whose message has been sent.
    bool write(std::uint32_t offset, std::uint32_t value);

    /// True: the message was sent; false: it is pending.
    bool raise(std::uint32_t vector);
    /// Whether the function as a whole may send; if not, every message becomes pending. Returns
    /// which vectors' pending ones went out, a bit each.
    std::uint64_t let_send(bool allowed);

    /// The vector's mask bit comes on by itself (fault injection).
    void mask(std::uint32_t vector) { entries_[vector].words[3] |= 1; }

    /// Forgets what is pending; the table is software's and stays (device reset).
    void clear_pending() { pending_.reset(); }
    /// All vectors masked, as after power-on (function-level reset).
    void reset_table();

  private:
    static constexpr std::uint32_t words_per_entry = 4;
    struct Entry {
        std::array<std::uint32_t, words_per_entry> words = {0, 0, 0, 1};  // masked after power-on
        bool masked() const { return (words[3] & 1) != 0; }
    };
    bool is_held(std::uint32_t vector) const { return !may_send_ || entries_[vector].masked(); }
    void send(const Entry& entry);

    MsiPort& port_;
    bool may_send_ = false;
    std::array<Entry, spec::max_vectors> entries_{};
    std::bitset<spec::max_vectors> pending_;
};

}  // namespace ringside::blocks
