// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The default provider's own functions (core_dispatch.h), called directly on objects that they
// made. Asymmetric algorithms are theirs but for the operation that the device does: ours stand in
// front of them, function by function. docs/decisions/0012.

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

#include <array>
#include <span>
#include <vector>

#include "ringside/base/private_libcrypto.hpp"

namespace ringside::frontends {

/// One algorithm of the default provider. Its functions are constants of libcrypto.
class SoftwareAlgorithm {
  public:
    /// `operation`: OSSL_OP_*; `name`: the first of its names. Without functions if there is none.
    SoftwareAlgorithm(const PrivateLibcrypto& library, int operation, const char* name);

    /// All its names, with colons, as a provider offers them; null: there is no such algorithm.
    const char* names() const { return names_; }

    /// The function with this number, OSSL_FUNC_*; null: it has none. `Function` is the type that
    /// core_dispatch.h gives to the number.
    template <typename Function>
    Function* get(int id) const {
        const auto index = static_cast<std::size_t>(id);
        return index < functions_.size() ? reinterpret_cast<Function*>(functions_[index]) : nullptr;
    }

    /// A table of those in `ours` that this algorithm has too, and of its own functions numbered
    /// `kept`, which take no object of its.
    std::vector<OSSL_DISPATCH> replace(std::span<const OSSL_DISPATCH> ours,
                                       std::span<const int> kept = {}) const;

  private:
    const char* names_ = nullptr;
    std::array<void (*)(), 64> functions_{};
};

}  // namespace ringside::frontends
