// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// How each family of algorithms makes a session; the table of slices.cpp says which algorithm is
// whose. They get a hash exactly if the table says that the algorithm takes one.

#include "session.hpp"

namespace ringside::core {

NewSession create_cipher(const CryptoLibrary& library, const SessionKeys& keys);
NewSession create_record(const CryptoLibrary& library, const SessionKeys& keys);
NewSession create_hash(const CryptoLibrary& library, const SessionKeys& keys);
NewSession create_hmac(const CryptoLibrary& library, const SessionKeys& keys);
NewSession create_kdf(const CryptoLibrary& library, const SessionKeys& keys);
NewSession create_random(const CryptoLibrary& library, const SessionKeys& keys);
NewSession create_rsa(const CryptoLibrary& library, const SessionKeys& keys);
NewSession create_curve(const CryptoLibrary& library, const SessionKeys& keys);
NewSession create_curve25519(const CryptoLibrary& library, const SessionKeys& keys);

}  // namespace ringside::core
