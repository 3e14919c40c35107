// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What a small driver has in flight, found by a command identifier that the device echoes. As many
// places as credits: none left is a full ring. Not locked. (The RS1's driver keeps more: SlotTable
// tells stale and torn completions apart.)

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace ringside::driver {

template <typename Operation>
class InFlight {
  public:
    /// `credits`: of a ring of n entries, n - 1; below 2^16.
    explicit InFlight(std::uint32_t credits) : places_(credits) {
        for (std::uint32_t cid = 0; cid < credits; ++cid) {
            free_.push_back(static_cast<std::uint16_t>(cid));
        }
    }

    bool is_full() const { return free_.empty(); }
    /// The operation's cid; it must not be full.
    std::uint16_t add(Operation operation) {
        const std::uint16_t cid = free_.back();
        free_.pop_back();
        places_[cid].emplace(std::move(operation));
        return cid;
    }
    /// Empty: nothing of this cid is in flight, whatever the device says.
    std::optional<Operation> take(std::uint16_t cid) {
        if (cid >= places_.size() || !places_[cid]) {
            return std::nullopt;
        }
        free_.push_back(cid);
        return std::exchange(places_[cid], std::nullopt);
    }
    /// Everything, in no order.
    std::vector<Operation> take_all() {
        std::vector<Operation> all;
        for (std::uint32_t cid = 0; cid < places_.size(); ++cid) {
            if (auto operation = take(static_cast<std::uint16_t>(cid))) {
                all.push_back(std::move(*operation));
            }
        }
        return all;
    }

  private:
    std::vector<std::optional<Operation>> places_;
    std::vector<std::uint16_t> free_;
};

}  // namespace ringside::driver
