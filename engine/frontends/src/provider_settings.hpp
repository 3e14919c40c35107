// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

#include "ringside/frontends/settings.hpp"

namespace ringside::frontends {

/// The provider's section of openssl.cnf, then the environment. False: something was refused, which
/// has been said; `settings` holds the rest.
bool read_provider_settings(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* in,
                            Settings& settings);

}  // namespace ringside::frontends
