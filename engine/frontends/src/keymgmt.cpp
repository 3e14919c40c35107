// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// provider-keymgmt(7). The default provider has the keys: it makes, checks, compares, imports and
// exports them; so whatever it accepts we accept, and encoders get from us what they get from it.
// But X25519 keys, of which a server makes one for each handshake, are made in the device.

#include <openssl/core_names.h>
#include <openssl/proverr.h>

#include <string_view>

#include "asymmetric.hpp"
#include "forwarding.hpp"
#include "guarded.hpp"
#include "x25519_generation.hpp"

namespace ringside::frontends {
namespace {

AsymmetricKey& self(const void* key) {
    return *static_cast<AsymmetricKey*>(const_cast<void*>(key));
}

/// The default provider's function with this number, for `key`.
template <typename Function>
Function* software(const AsymmetricKey& key, int id) {
    return key.functions().get<Function>(id);
}

void destroy(void* key) {
    if (key != nullptr) {
        self(key).release();
    }
}

int set_params(void* key, const OSSL_PARAM params[]) {
    self(key).changed();
    return software<OSSL_FUNC_keymgmt_set_params_fn>(self(key), OSSL_FUNC_KEYMGMT_SET_PARAMS)(
        self(key).software(), params);
}

int import_key(void* key, int selection, const OSSL_PARAM params[]) {
    self(key).changed();
    return software<OSSL_FUNC_keymgmt_import_fn>(self(key), OSSL_FUNC_KEYMGMT_IMPORT)(
        self(key).software(), selection, params);
}

int match(const void* one, const void* other, int selection) {
    return one != nullptr && other != nullptr
               ? software<OSSL_FUNC_keymgmt_match_fn>(self(one), OSSL_FUNC_KEYMGMT_MATCH)(
                     self(one).software(), self(other).software(), selection)
               : 0;
}

void* duplicate(const void* key, int selection) {
    return guarded<void*>(nullptr, [&] {
        AsymmetricKey& from = self(key);
        return AsymmetricKey::adopt(from.front_end(), from.type(),
                                    software<OSSL_FUNC_keymgmt_dup_fn>(from, OSSL_FUNC_KEYMGMT_DUP)(
                                        from.software(), selection));
    });
}

/// What asks for more, such as a seed for the key, is for software.
bool asks_for_group_alone(const OSSL_PARAM params[]) {
    for (; params != nullptr && params->key != nullptr; ++params) {
        if (std::string_view(params->key) != OSSL_PKEY_PARAM_GROUP_NAME) {
            return false;
        }
    }
    return true;
}

/// A key generation of the default provider under way, which checks all that is asked for.
class Generation {
  public:
    Generation(FrontEnd& front_end, KeyType type, void* software, int selection,
               const OSSL_PARAM params[])
        : front_end_(front_end),
          type_(type),
          software_(software),
          in_device_(front_end),
          suits_device_(type == KeyType::x25519 &&
                        (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 &&
                        asks_for_group_alone(params)) {}
    void* software() const { return software_; }
    const SoftwareAlgorithm& functions() const {
        return key_management(front_end_.software(), type_);
    }

    int set_template(AsymmetricKey& key) {
        return functions().get<OSSL_FUNC_keymgmt_gen_set_template_fn>(
            OSSL_FUNC_KEYMGMT_GEN_SET_TEMPLATE)(software_, key.software());
    }
    int set_params(const OSSL_PARAM params[]) {
        suits_device_ = suits_device_ && asks_for_group_alone(params);
        return functions().get<OSSL_FUNC_keymgmt_gen_set_params_fn>(
            OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS)(software_, params);
    }
    AsymmetricKey* generate(OSSL_CALLBACK* progress, void* argument) {
        if (suits_device_ && front_end_.wants_device(AlgorithmFamily::x25519)) {
            const auto made = in_device_.generate();
            if (made) {
                return *made;
            }
            if (!front_end_.falls_back(made.error())) {
                raise_error(PROV_R_FAILED_TO_GENERATE_KEY, made.error());
                return nullptr;
            }
        }
        return AsymmetricKey::adopt(front_end_, type_,
                                    functions().get<OSSL_FUNC_keymgmt_gen_fn>(
                                        OSSL_FUNC_KEYMGMT_GEN)(software_, progress, argument));
    }
    void end() {
        functions().get<OSSL_FUNC_keymgmt_gen_cleanup_fn>(OSSL_FUNC_KEYMGMT_GEN_CLEANUP)(software_);
    }

  private:
    FrontEnd& front_end_;
    const KeyType type_;
    void* const software_;
    X25519Generation in_device_;
    bool suits_device_;
};

Generation& generation(void* context) {
    return *static_cast<Generation*>(context);
}

int set_generation_params(void* context, const OSSL_PARAM params[]) {
    return generation(context).set_params(params);
}

int set_template(void* context, void* key) {
    return generation(context).set_template(self(key));
}

void* generate(void* context, OSSL_CALLBACK* progress, void* argument) {
    return guarded<void*>(nullptr,
                          [&] { return generation(context).generate(progress, argument); });
}

void end_generation(void* context) {
    if (context != nullptr) {
        generation(context).end();
        delete &generation(context);
    }
}

/// What begins with the provider, and must be told of which type a key is.
template <KeyType Type>
struct Typed {
    static const PrivateLibcrypto& library(void* front_end) {
        return static_cast<FrontEnd*>(front_end)->software();
    }
    template <typename Function>
    static Function* software(void* front_end, int id) {
        return key_management(library(front_end), Type).get<Function>(id);
    }

    static void* create(void* front_end) {
        return guarded<void*>(nullptr, [&] {
            return AsymmetricKey::adopt(
                *static_cast<FrontEnd*>(front_end), Type,
                software<OSSL_FUNC_keymgmt_new_fn>(
                    front_end, OSSL_FUNC_KEYMGMT_NEW)(library(front_end).provider_context()));
        });
    }
    template <int Id>
    static const OSSL_PARAM* list(void* front_end) {
        return software<OSSL_FUNC_keymgmt_gettable_params_fn>(
            front_end, Id)(library(front_end).provider_context());
    }
    static const OSSL_PARAM* list_of_generation(void* context, void* front_end) {
        return software<OSSL_FUNC_keymgmt_gen_settable_params_fn>(
            front_end, OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS)(
            context != nullptr ? generation(context).software() : nullptr,
            library(front_end).provider_context());
    }
    static void* begin_generation(void* front_end, int selection, const OSSL_PARAM params[]) {
        void* const begun =
            software<OSSL_FUNC_keymgmt_gen_init_fn>(front_end, OSSL_FUNC_KEYMGMT_GEN_INIT)(
                library(front_end).provider_context(), selection, params);
        return begun == nullptr ? nullptr : guarded<void*>(nullptr, [&] {
            return new Generation(*static_cast<FrontEnd*>(front_end), Type, begun, selection,
                                  params);
        });
    }

    static std::vector<OSSL_DISPATCH> table(const PrivateLibcrypto& library) {
        const OSSL_DISPATCH ours[] = {
            dispatch_entry(OSSL_FUNC_KEYMGMT_NEW, &create),
            dispatch_entry(OSSL_FUNC_KEYMGMT_FREE, &destroy),
            dispatch_entry(OSSL_FUNC_KEYMGMT_GEN_INIT, &begin_generation),
            dispatch_entry(OSSL_FUNC_KEYMGMT_GEN_SET_TEMPLATE, &set_template),
            dispatch_entry(OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS, &set_generation_params),
            dispatch_entry(OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS, &list_of_generation),
            dispatch_entry(OSSL_FUNC_KEYMGMT_GEN, &generate),
            dispatch_entry(OSSL_FUNC_KEYMGMT_GEN_CLEANUP, &end_generation),
            forward<AsymmetricKey, OSSL_FUNC_KEYMGMT_GET_PARAMS, OSSL_FUNC_keymgmt_get_params_fn>(),
            dispatch_entry(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS,
                           &list<OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS>),
            dispatch_entry(OSSL_FUNC_KEYMGMT_SET_PARAMS, &set_params),
            dispatch_entry(OSSL_FUNC_KEYMGMT_SETTABLE_PARAMS,
                           &list<OSSL_FUNC_KEYMGMT_SETTABLE_PARAMS>),
            forward<AsymmetricKey, OSSL_FUNC_KEYMGMT_HAS, OSSL_FUNC_keymgmt_has_fn>(),
            forward<AsymmetricKey, OSSL_FUNC_KEYMGMT_VALIDATE, OSSL_FUNC_keymgmt_validate_fn>(),
            dispatch_entry(OSSL_FUNC_KEYMGMT_MATCH, &match),
            dispatch_entry(OSSL_FUNC_KEYMGMT_IMPORT, &import_key),
            forward<AsymmetricKey, OSSL_FUNC_KEYMGMT_EXPORT, OSSL_FUNC_keymgmt_export_fn>(),
            dispatch_entry(OSSL_FUNC_KEYMGMT_DUP, &duplicate),
        };
        static constexpr int kept[] = {
            OSSL_FUNC_KEYMGMT_IMPORT_TYPES,
            OSSL_FUNC_KEYMGMT_EXPORT_TYPES,
            OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME,
        };
        return key_management(library, Type).replace(ours, kept);
    }
};

}  // namespace

const OSSL_DISPATCH* key_management_functions(const PrivateLibcrypto& library, KeyType type) {
    static const std::array<std::vector<OSSL_DISPATCH>, key_types> all = {
        Typed<KeyType::rsa>::table(library), Typed<KeyType::ec>::table(library),
        Typed<KeyType::x25519>::table(library), Typed<KeyType::ed25519>::table(library)};
    return all.at(static_cast<std::size_t>(type)).data();
}

}  // namespace ringside::frontends
