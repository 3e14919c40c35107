// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// provider-keymgmt(7). The default provider has the keys: it makes, checks, compares, imports and
// exports them; so whatever it accepts we accept, and encoders get from us what they get from it.

#include <openssl/proverr.h>

#include "asymmetric.hpp"
#include "guarded.hpp"

namespace ringside::frontends {
namespace {

AsymmetricKey& self(const void* key) {
    return *static_cast<AsymmetricKey*>(const_cast<void*>(key));
}

/// A key generation of the default provider under way.
struct Generation {
    FrontEnd& front_end;
    KeyType type;
    void* software;
    const SoftwareAlgorithm& functions() const {
        return key_management(front_end.software(), type);
    }
};
Generation& generation(void* context) {
    return *static_cast<Generation*>(context);
}

template <KeyType type>
struct KeyManagement {
    static FrontEnd& front_end(void* provider) { return *static_cast<FrontEnd*>(provider); }
    static const SoftwareAlgorithm& software(void* provider) {
        return key_management(front_end(provider).software(), type);
    }
    static void* context(void* provider) {
        return front_end(provider).software().provider_context();
    }

    static void* create(void* provider) {
        return guarded<void*>(nullptr, [&] {
            return AsymmetricKey::adopt(front_end(provider), type,
                                        software(provider).template get<OSSL_FUNC_keymgmt_new_fn>(
                                            OSSL_FUNC_KEYMGMT_NEW)(context(provider)));
        });
    }
    static const OSSL_PARAM* gettable(void* provider) {
        return software(provider).template get<OSSL_FUNC_keymgmt_gettable_params_fn>(
            OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS)(context(provider));
    }
    static const OSSL_PARAM* settable(void* provider) {
        return software(provider).template get<OSSL_FUNC_keymgmt_settable_params_fn>(
            OSSL_FUNC_KEYMGMT_SETTABLE_PARAMS)(context(provider));
    }
    static void* begin_generation(void* provider, int selection, const OSSL_PARAM params[]) {
        void* const begun = software(provider).template get<OSSL_FUNC_keymgmt_gen_init_fn>(
            OSSL_FUNC_KEYMGMT_GEN_INIT)(context(provider), selection, params);
        return begun == nullptr ? nullptr : guarded<void*>(nullptr, [&] {
            return new Generation{front_end(provider), type, begun};
        });
    }
    static const OSSL_PARAM* settable_of_generation(void* context_of_ours, void* provider) {
        return software(provider).template get<OSSL_FUNC_keymgmt_gen_settable_params_fn>(
            OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS)(generation(context_of_ours).software,
                                                   context(provider));
    }
};
