// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

#include "hash_message.hpp"

namespace ringside::frontends {

/// What the device calls a digest, by any name that OpenSSL has for it; null: the device has not
/// got it.
const HashShape* find_device_hash(const FrontEnd& front_end, const char* name);

}  // namespace ringside::frontends
