// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The OpenSSL provider "ringside": EVP ciphers whose work is done by the device (provider(7),
// provider-cipher(7)). What the device does not do, and what would not be worth a descriptor, is
// done by OpenSSL's own software, with the same results.

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

#include "ringside/frontends/device_host.hpp"

namespace ringside::frontends {

/// For OSSL_provider_init(): reads the provider's settings, attaches to `host`, which must outlive
/// the provider, and fills `out` and `provider_context`. 1, or 0.
int init_provider(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* in,
                  const OSSL_DISPATCH** out, void** provider_context, DeviceHost& host);

}  // namespace ringside::frontends
