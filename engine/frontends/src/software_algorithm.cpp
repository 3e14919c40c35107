// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "software_algorithm.hpp"

namespace ringside::frontends {

SoftwareAlgorithm::SoftwareAlgorithm(const PrivateLibcrypto& library, int operation,
                                     const char* name) {
    if (!library.is_usable()) {
        return;
    }
    const OSSL_ALGORITHM* const algorithm = library.find_algorithm(operation, name);
    if (algorithm == nullptr) {
        return;
    }
    names_ = algorithm->algorithm_names;
    for (const OSSL_DISPATCH* entry = algorithm->implementation; entry->function_id != 0; ++entry) {
        const auto index = static_cast<std::size_t>(entry->function_id);
        if (index < functions_.size()) {
            functions_[index] = entry->function;
        }
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
