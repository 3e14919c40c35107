// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The chip's session memory. An id is a slot number and an 8-bit generation, so that the id of a
// destroyed session is refused even after its slot has been given to somebody else's key.

#include <cstdint>
#include <memory>
#include <vector>

#include "crypto_library.hpp"
#include "session.hpp"

namespace ringside::core {

class SessionTable {
  public:
    SessionTable(const CryptoLibrary& library, std::uint32_t max_sessions)
        : library_(library), max_sessions_(max_sessions) {}

    struct Created {
        spec::Status status;
        std::uint32_t id = 0;
    };
    Created create(const SessionKeys& keys);
    /// False: no such session.
    bool destroy(std::uint32_t id);
    /// Null: no such session. Shared, because an operation under way keeps the session that it
    /// began with.
    SessionPtr find(std::uint32_t id) const;
    /// Device reset: all ids become stale.
    void forget_all();

  private:
    struct Slot {
        std::uint8_t generation = 1;  ///< never 0, so that no id is 0
        SessionPtr session;
    };
    static constexpr std::uint32_t index_of(std::uint32_t id) { return id >> 8; }
    void vacate(std::uint32_t index);

    const CryptoLibrary& library_;
    std::uint32_t max_sessions_;
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> vacant_;
};

}  // namespace ringside::core
