// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The OpenSSL provider "ringside": EVP ciphers whose work is done by the device (provider(7),
// provider-cipher(7)). The module's OSSL_provider_init() calls init_provider() and says where the
// device comes from. What the device does not do, and what would not be worth a descriptor, goes on
// to OpenSSL's own default provider, loaded privately, with the same results.

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

#include <memory>

#include "ringside/offload/offload.hpp"

namespace ringside::frontends {

/// Where a provider gets its device: asked at the first operation, not when the provider is loaded.
class OffloadSource {
  public:
    virtual ~OffloadSource() = default;
    /// Null: there is no device (the source has said why, once). Any thread; may be called on a
    /// job's small stack.
    virtual offload::Offload* offload() = 0;
    /// Whether `offload` is still the one that offload() gives; not so in a child after fork(),
    /// where the parent's must not be touched.
    virtual bool is_current(const offload::Offload* offload) = 0;
};

/// For OSSL_provider_init(): fills `out` and `provider_context`, which owns `source`. 1, or 0.
int init_provider(const OSSL_CORE_HANDLE* handle, std::unique_ptr<OffloadSource> source,
                  const OSSL_DISPATCH** out, void** provider_context);

}  // namespace ringside::frontends
