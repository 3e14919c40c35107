// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/frontends/provider.hpp"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <exception>
#include <map>
#include <span>
#include <vector>

#include "algorithms.hpp"
#include "asymmetric.hpp"
#include "front_end.hpp"
#include "provider_settings.hpp"

namespace ringside::frontends {
namespace {

struct Offer {
    int operation;  ///< OSSL_OP_*
    std::span<const AlgorithmRow> rows;
};
const Offer offers[] = {
    {OSSL_OP_CIPHER, cbc_rows}, {OSSL_OP_CIPHER, gcm_rows},    {OSSL_OP_CIPHER, ctr_rows},
    {OSSL_OP_CIPHER, xts_rows}, {OSSL_OP_CIPHER, chacha_rows}, {OSSL_OP_DIGEST, hash_rows},
    {OSSL_OP_MAC, hmac_rows},   {OSSL_OP_KDF, kdf_rows},       {OSSL_OP_CIPHER, cbc_hmac_rows},
};

/// By operation: what query_operation() gives, end mark included.
using Operations = std::map<int, std::vector<OSSL_ALGORITHM>>;

Operations allowed_operations(const PrivateLibcrypto& library, const Policy& policy) {
    Operations operations;
    for (const auto& [operation, algorithm] : asymmetric_algorithms(library, policy)) {
        operations[operation].push_back(algorithm);
    }
    for (const Offer& offer : offers) {
        for (const AlgorithmRow& row : offer.rows) {
            if (policy.allows(row.family)) {
                operations[offer.operation].push_back(row.algorithm);
            }
        }
    }
    for (auto& [operation, algorithms] : operations) {
        algorithms.push_back({});
    }
    return operations;
}

/// A loaded provider; its algorithms see the front end in it.
class Provider : public FrontEnd {
  public:
    Provider(DeviceHost& host, const Settings& settings, bool settings_are_good)
        : FrontEnd(host, settings, settings_are_good),
          operations_(allowed_operations(software(), settings.policy)) {}
    /// Null: nothing of it is offered.
    const OSSL_ALGORITHM* algorithms(int operation) const {
        const auto found = operations_.find(operation);
        return found != operations_.end() ? found->second.data() : nullptr;
    }

  private:
    const Operations operations_;
};

void teardown(void* front_end) {
    delete static_cast<Provider*>(static_cast<FrontEnd*>(front_end));
}

const OSSL_PARAM* gettable_params(void* /*context*/) {
    static const OSSL_PARAM params[] = {
        OSSL_PARAM_DEFN(OSSL_PROV_PARAM_NAME, OSSL_PARAM_UTF8_PTR, nullptr, 0),
        OSSL_PARAM_DEFN(OSSL_PROV_PARAM_VERSION, OSSL_PARAM_UTF8_PTR, nullptr, 0),
        OSSL_PARAM_DEFN(OSSL_PROV_PARAM_BUILDINFO, OSSL_PARAM_UTF8_PTR, nullptr, 0),
        OSSL_PARAM_DEFN(OSSL_PROV_PARAM_STATUS, OSSL_PARAM_INTEGER, nullptr, 0),
        OSSL_PARAM_END,
    };
    return params;
}

int get_params(void* /*context*/, OSSL_PARAM params[]) {
    const auto put_text = [params](const char* key, const char* value) {
        OSSL_PARAM* param = OSSL_PARAM_locate(params, key);
        return param == nullptr || OSSL_PARAM_set_utf8_ptr(param, value) == 1;
    };
    OSSL_PARAM* status = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_STATUS);
    return put_text(OSSL_PROV_PARAM_NAME, "ringside: a simulated crypto accelerator") &&
                   put_text(OSSL_PROV_PARAM_VERSION, RINGSIDE_VERSION) &&
                   put_text(OSSL_PROV_PARAM_BUILDINFO, RINGSIDE_VERSION) &&
                   (status == nullptr || OSSL_PARAM_set_int(status, 1) == 1)
               ? 1
               : 0;
}

const OSSL_ALGORITHM* query_operation(void* front_end, int operation, int* no_cache) {
    *no_cache = 0;
    return static_cast<const Provider*>(static_cast<FrontEnd*>(front_end))->algorithms(operation);
}

int get_provider_capabilities(void* front_end, const char* capability, OSSL_CALLBACK* callback,
                              void* argument) {
    const auto& provider = *static_cast<const FrontEnd*>(front_end);
    return get_capabilities(provider.software(), provider.policy(), capability, callback, argument);
}

}  // namespace

int init_provider(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* in,
                  const OSSL_DISPATCH** out, void** provider_context, DeviceHost& host) {
    static const OSSL_DISPATCH dispatch[] = {
        dispatch_entry(OSSL_FUNC_PROVIDER_TEARDOWN, &teardown),
        dispatch_entry(OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, &gettable_params),
        dispatch_entry(OSSL_FUNC_PROVIDER_GET_PARAMS, &get_params),
        dispatch_entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, &query_operation),
        dispatch_entry(OSSL_FUNC_PROVIDER_GET_CAPABILITIES, &get_provider_capabilities),
        {0, nullptr},
    };
    try {
        Settings settings;
        const bool good = read_provider_settings(handle, in, settings);
        auto provider = std::make_unique<Provider>(host, settings, good);
        if (!provider->is_usable()) {
            return 0;
        }
        *out = dispatch;
        *provider_context = static_cast<FrontEnd*>(provider.release());
        return 1;
    } catch (const std::exception&) {
        return 0;
    }
}

}  // namespace ringside::frontends
