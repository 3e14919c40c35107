// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// From a key of the default provider to the fixed layout that the device reads (datasheet,
// "Algorithms").

#include "asymmetric_key.hpp"

namespace ringside::frontends {

/// Null: not a key for the device, by its type, size, curve or exponent, or because a number that
/// the device wants is missing. A key without private half is one.
std::shared_ptr<DeviceKeyPair> device_key_pair(const AsymmetricKey& key);

}  // namespace ringside::frontends
