// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The OpenSSL ENGINE "ringside", for programs that still want one (OpenSSL 3; 4 has none): the same
// ciphers on the same device as the provider's, the same options as control commands.

#include <openssl/types.h>

#include "ringside/frontends/device_host.hpp"

namespace ringside::frontends {

/// For a dynamic ENGINE's bind function: makes `engine` ours. `id` is what was asked for, or null.
/// It attaches to `host`, which must outlive the process's ENGINEs, with the first operation; until
/// then commands may come. 1, or 0.
int bind_engine(ENGINE* engine, const char* id, DeviceHost& host);

}  // namespace ringside::frontends
