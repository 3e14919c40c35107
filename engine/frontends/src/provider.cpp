// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/frontends/provider.hpp"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <new>

#include "ciphers.hpp"
#include "provider_context.hpp"

namespace ringside::frontends {

ProviderContext::ProviderContext(std::unique_ptr<OffloadSource> source)
    : source_(std::move(source)),
      library_context_(OSSL_LIB_CTX_new()),
      default_provider_(
          library_context_ != nullptr ? OSSL_PROVIDER_load(library_context_, "default") : nullptr) {
}

ProviderContext::~ProviderContext() {
    if (default_provider_ != nullptr) {
        OSSL_PROVIDER_unload(default_provider_);
    }
    OSSL_LIB_CTX_free(library_context_);
}

CipherHandle ProviderContext::fetch_software(const char* name) const {
    return CipherHandle(EVP_CIPHER_fetch(library_context_, name, nullptr));
}

namespace {

void teardown(void* context) {
    delete static_cast<ProviderContext*>(context);
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

const OSSL_ALGORITHM* query_operation(void* /*context*/, int operation, int* no_cache) {
    *no_cache = 0;
    return operation == OSSL_OP_CIPHER ? cipher_algorithms() : nullptr;
}

template <typename Function>
OSSL_DISPATCH entry(int id, Function* function) {
    return {id, reinterpret_cast<void (*)()>(function)};
}

}  // namespace

int init_provider(const OSSL_CORE_HANDLE* /*handle*/, std::unique_ptr<OffloadSource> source,
                  const OSSL_DISPATCH** out, void** provider_context) {
    static const OSSL_DISPATCH dispatch[] = {
        entry(OSSL_FUNC_PROVIDER_TEARDOWN, &teardown),
        entry(OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, &gettable_params),
        entry(OSSL_FUNC_PROVIDER_GET_PARAMS, &get_params),
        entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, &query_operation),
        {0, nullptr},
    };
    auto context = std::make_unique<ProviderContext>(std::move(source));
    if (!context->is_usable()) {
        return 0;
    }
    *out = dispatch;
    *provider_context = context.release();
    return 1;
}

}  // namespace ringside::frontends
