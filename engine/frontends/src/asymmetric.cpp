// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "asymmetric.hpp"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <string_view>

#include "algorithms.hpp"

namespace ringside::frontends {
namespace {

/// One algorithm of ours: where the default provider has it, and which families make it wanted.
struct Offer {
    int operation;
    const char* name;
    std::initializer_list<AlgorithmFamily> families;
    const OSSL_DISPATCH* (*functions)(const PrivateLibcrypto& library);
};

template <KeyType type>
const OSSL_DISPATCH* keys(const PrivateLibcrypto& library) {
    return key_management_functions(library, type);
}

const Offer offers[] = {
    {OSSL_OP_KEYMGMT, "RSA", {AlgorithmFamily::rsa}, &keys<KeyType::rsa>},
    {OSSL_OP_KEYMGMT, "EC", {AlgorithmFamily::ecdsa, AlgorithmFamily::ecdh}, &keys<KeyType::ec>},
    {OSSL_OP_KEYMGMT, "X25519", {AlgorithmFamily::x25519}, &keys<KeyType::x25519>},
    {OSSL_OP_KEYMGMT, "ED25519", {AlgorithmFamily::ed25519}, &keys<KeyType::ed25519>},
    {OSSL_OP_SIGNATURE, "RSA", {AlgorithmFamily::rsa}, &rsa_signature_functions},
    {OSSL_OP_SIGNATURE, "ECDSA", {AlgorithmFamily::ecdsa}, &ecdsa_functions},
    {OSSL_OP_SIGNATURE, "ED25519", {AlgorithmFamily::ed25519}, &ed25519_functions},
    {OSSL_OP_KEYEXCH, "ECDH", {AlgorithmFamily::ecdh}, &ecdh_functions},
    {OSSL_OP_KEYEXCH, "X25519", {AlgorithmFamily::x25519}, &x25519_functions},
    {OSSL_OP_ASYM_CIPHER, "RSA", {AlgorithmFamily::rsa}, &rsa_cipher_functions},
};

bool is_wanted(const Offer& offer, const Policy& policy) {
    bool wanted = false;
    for (const AlgorithmFamily family : offer.families) {
        wanted = wanted || policy.allows(family);
    }
    return wanted;
}

/// Whose groups are passed on, and to whom.
struct GroupFilter {
    const Policy& policy;
    OSSL_CALLBACK* callback;
    void* argument;
};

int pass_group(const OSSL_PARAM params[], void* argument) {
    const auto& filter = *static_cast<const GroupFilter*>(argument);
    const char* keys = nullptr;
    const auto* const param = OSSL_PARAM_locate_const(params, OSSL_CAPABILITY_TLS_GROUP_ALG);
    if (param == nullptr || OSSL_PARAM_get_utf8_string_ptr(param, &keys) != 1) {
        return 1;
    }
    for (const Offer& offer : offers) {
        if (offer.operation == OSSL_OP_KEYMGMT && std::string_view(offer.name) == keys &&
            is_wanted(offer, filter.policy)) {
            return filter.callback(params, filter.argument);
        }
    }
    return 1;
}

}  // namespace

std::vector<OfferedAlgorithm> asymmetric_algorithms(const PrivateLibcrypto& library,
                                                    const Policy& policy) {
    std::vector<OfferedAlgorithm> offered;
    for (const Offer& offer : offers) {
        const char* const names = SoftwareAlgorithm(library, offer.operation, offer.name).names();
        if (is_wanted(offer, policy) && names != nullptr) {
            offered.push_back({offer.operation,
                               {names, algorithm_properties, offer.functions(library), nullptr}});
        }
    }
    return offered;
}

int get_capabilities(const PrivateLibcrypto& library, const Policy& policy, const char* capability,
                     OSSL_CALLBACK* callback, void* argument) {
    if (std::string_view(capability) != "TLS-GROUP") {
        return 0;
    }
    GroupFilter filter{policy, callback, argument};
    return OSSL_PROVIDER_get_capabilities(library.default_provider(), capability, &pass_group,
                                          &filter);
}

}  // namespace ringside::frontends
