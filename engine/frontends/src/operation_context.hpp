// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What the contexts of our signatures, key exchanges and RSA encryption have in common: each stands
// for a context of the default provider, which keeps all parameters and checks them, and has the
// key that OpenSSL gave it.

#include <memory>
#include <new>
#include <vector>

#include "asymmetric_key.hpp"
#include "forwarding.hpp"
#include "guarded.hpp"

namespace ringside::frontends {

class OperationContext {
  public:
    /// Takes `software` over, which `functions` made and `free_id` of them frees. Throws bad_alloc
    /// if it is null.
    OperationContext(FrontEnd& front_end, const SoftwareAlgorithm& functions, int free_id,
                     void* software)
        : front_end_(front_end),
          functions_(functions),
          software_(software, functions.get<void(void*)>(free_id)) {
        if (software == nullptr) {
            throw std::bad_alloc();
        }
    }

    FrontEnd& front_end() const { return front_end_; }
    const SoftwareAlgorithm& functions() const { return functions_; }
    void* software() const { return software_.get(); }

    /// Calls the default provider's function `id` on its context.
    template <typename Function, typename... Rest>
    auto call(int id, Rest... rest) const {
        const SoftwareOnly software;
        return functions_.get<Function>(id)(software_.get(), rest...);
    }

  protected:
    /// The key that OpenSSL gave, kept for as long as this; null: as before.
    void keep(void* key) {
        if (key != nullptr) {
            key_ = static_cast<AsymmetricKey*>(key)->shared_from_this();
        }
    }
    const std::shared_ptr<AsymmetricKey>& key() const { return key_; }

  private:
    FrontEnd& front_end_;
    const SoftwareAlgorithm& functions_;
    const std::unique_ptr<void, void (*)(void*)> software_;
    std::shared_ptr<AsymmetricKey> key_;
};

/// newctx, freectx and dupctx of a class derived from it, which is constructed from front end and
/// context of the default provider, has copy_to(), and says the number of its dupctx.
template <typename Context>
struct ContextLife {
    static void* create(void* front_end, void* software) {
        return guarded<void*>(
            nullptr, [&] { return new Context(*static_cast<FrontEnd*>(front_end), software); });
    }
    static void destroy(void* context) { delete static_cast<Context*>(context); }
    static void* duplicate(void* context) {
        const auto& from = *static_cast<const Context*>(context);
        return guarded<void*>(nullptr, [&]() -> void* {
            auto copy = std::make_unique<Context>(
                from.front_end(), from.template call<void*(void*)>(Context::duplicate_id));
            return from.copy_to(*copy) ? copy.release() : nullptr;
        });
    }
};

template <typename Context>
void* create_signature(void* front_end, const char* properties) {
    const auto& library = static_cast<FrontEnd*>(front_end)->software();
    return ContextLife<Context>::create(
        front_end, Context::functions_of(library).template get<OSSL_FUNC_signature_newctx_fn>(
                       OSSL_FUNC_SIGNATURE_NEWCTX)(library.provider_context(), properties));
}

/// The dispatch table of a signature: `own`, the context's life, and the functions for parameters,
/// which the default provider answers.
template <typename Context>
std::vector<OSSL_DISPATCH> signature_table(const PrivateLibcrypto& library,
                                           std::vector<OSSL_DISPATCH> own) {
    using Life = ContextLife<Context>;
    own.insert(own.end(), {dispatch_entry(OSSL_FUNC_SIGNATURE_NEWCTX, &create_signature<Context>),
                           dispatch_entry(OSSL_FUNC_SIGNATURE_FREECTX, &Life::destroy),
                           dispatch_entry(OSSL_FUNC_SIGNATURE_DUPCTX, &Life::duplicate),
                           forward<Context, OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS,
                                   OSSL_FUNC_signature_get_ctx_params_fn>(),
                           forward<Context, OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS,
                                   OSSL_FUNC_signature_gettable_ctx_params_fn>(),
                           forward<Context, OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS,
                                   OSSL_FUNC_signature_set_ctx_params_fn>(),
                           forward<Context, OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS,
                                   OSSL_FUNC_signature_settable_ctx_params_fn>(),
                           forward<Context, OSSL_FUNC_SIGNATURE_GET_CTX_MD_PARAMS,
                                   OSSL_FUNC_signature_get_ctx_md_params_fn>(),
                           forward<Context, OSSL_FUNC_SIGNATURE_GETTABLE_CTX_MD_PARAMS,
                                   OSSL_FUNC_signature_gettable_ctx_md_params_fn>(),
                           forward<Context, OSSL_FUNC_SIGNATURE_SET_CTX_MD_PARAMS,
                                   OSSL_FUNC_signature_set_ctx_md_params_fn>(),
                           forward<Context, OSSL_FUNC_SIGNATURE_SETTABLE_CTX_MD_PARAMS,
                                   OSSL_FUNC_signature_settable_ctx_md_params_fn>()});
    return Context::functions_of(library).replace(own);
}

}  // namespace ringside::frontends
