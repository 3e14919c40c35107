// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/testing/ledger.hpp"

namespace ringside::testing {

void Ledger::owe(const std::string& work) {
    ++work_[work].owed;
}

void Ledger::end(const std::string& work) {
    ++work_[work].ended;
}

std::vector<std::string> Ledger::outstanding() const {
    std::vector<std::string> names;
    for (const auto& [work, count] : work_) {
        if (count.ended < count.owed) {
            names.push_back(work);
        }
    }
    return names;
}

std::vector<std::string> Ledger::problems() const {
    std::vector<std::string> all;
    for (const auto& [work, count] : work_) {
        if (count.owed != 1) {
            all.push_back(work + " was taken on " + std::to_string(count.owed) + " times");
        } else if (count.ended != 1) {
            all.push_back(work + " ended " + std::to_string(count.ended) + " times");
        }
    }
    return all;
}

}  // namespace ringside::testing
