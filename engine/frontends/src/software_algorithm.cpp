// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "software_algorithm.hpp"

#include <string_view>

namespace ringside::frontends {

SoftwareAlgorithm::SoftwareAlgorithm(const PrivateLibcrypto& library, int operation,
                                     const char* name) {
    if (!library.is_usable()) {
        return;
    }
    int no_cache = 0;
    const OSSL_ALGORITHM* row =
        OSSL_PROVIDER_query_operation(library.default_provider(), operation, &no_cache);
    for (; row != nullptr && row->algorithm_names != nullptr; ++row) {
        const std::string_view names = row->algorithm_names;
        if (names.substr(0, names.find(':')) != name) {
            continue;
        }
        names_ = row->algorithm_names;
        for (const OSSL_DISPATCH* entry = row->implementation; entry->function_id != 0; ++entry) {
            const auto index = static_cast<std::size_t>(entry->function_id);
            if (index < functions_.size()) {
                functions_[index] = entry->function;
            }
        }
        return;
    }
}

std::vector<OSSL_DISPATCH> SoftwareAlgorithm::replace(std::span<const OSSL_DISPATCH> ours,
                                                      std::span<const int> kept) const {
    std::vector<OSSL_DISPATCH> table;
    for (const OSSL_DISPATCH& entry : ours) {
        if (get<void()>(entry.function_id) != nullptr) {
            table.push_back(entry);
        }
    }
    for (const int id : kept) {
        if (get<void()>(id) != nullptr) {
            table.push_back({id, get<void()>(id)});
        }
    }
    table.push_back({0, nullptr});
    return table;
}

}  // namespace ringside::frontends
