// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The provider's asymmetric algorithms: key management, signatures, key exchange, RSA encryption,
// and the TLS groups that go with them.

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

#include <vector>

#include "algorithms.hpp"
#include "asymmetric_key.hpp"

namespace ringside::frontends {

struct OfferedAlgorithm {
    int operation;  ///< OSSL_OP_*
    OSSL_ALGORITHM algorithm;
};
/// What `policy` allows of them, under the names that the default provider has for them.
std::vector<OfferedAlgorithm> asymmetric_algorithms(const PrivateLibcrypto& library,
                                                    const Policy& policy);

/// OSSL_FUNC_provider_get_capabilities(): the groups for which libssl asks whoever manages their
/// keys, which we do if `policy` says so. Without these TLS would lose P-256 and X25519.
int get_capabilities(const PrivateLibcrypto& library, const Policy& policy, const char* capability,
                     OSSL_CALLBACK* callback, void* argument);

// The functions in front of the default provider's, of each kind of algorithm.
const OSSL_DISPATCH* key_management_functions(const PrivateLibcrypto& library, KeyType type);
const OSSL_DISPATCH* rsa_signature_functions(const PrivateLibcrypto& library);
const OSSL_DISPATCH* rsa_cipher_functions(const PrivateLibcrypto& library);
const OSSL_DISPATCH* ecdsa_functions(const PrivateLibcrypto& library);
const OSSL_DISPATCH* ed25519_functions(const PrivateLibcrypto& library);
const OSSL_DISPATCH* ecdh_functions(const PrivateLibcrypto& library);
const OSSL_DISPATCH* x25519_functions(const PrivateLibcrypto& library);

}  // namespace ringside::frontends
