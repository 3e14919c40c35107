// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The ENGINE's methods for RSA and EC keys. Keys are libcrypto's own objects; what we know of one
// hangs on it from its first operation to its end. Whatever the device does not do, libcrypto's own
// methods do.

#include <openssl/types.h>

#include "front_end.hpp"

namespace ringside::frontends {

/// For ENGINE_set_RSA() and ENGINE_set_EC(); made once, and stay. Null: no memory.
const RSA_METHOD* engine_rsa();
const EC_KEY_METHOD* engine_ec();

/// Null: this caller's operation is software's (engine_front_end() otherwise).
FrontEnd* engine_front_end_for(AlgorithmFamily family);

}  // namespace ringside::frontends
