// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// C functions that hand a call on to the default provider, on the object of its that one of ours
// stands for. An `Object` has software(), that object, functions(), and front_end().

#include "algorithms.hpp"
#include "front_end.hpp"
#include "software_algorithm.hpp"

namespace ringside::frontends {

template <typename Object, int id, typename Function>
struct Forwarder;

/// The first argument is the object. OpenSSL asks an EVP_PKEY that is still empty what it has, too:
/// nothing.
template <typename Object, int id, typename Result, typename First, typename... Rest>
struct Forwarder<Object, id, Result(First, Rest...)> {
    static Result call(First object, Rest... rest) {
        const auto* const ours = static_cast<const Object*>(object);
        return ours == nullptr ? Result{}
                               : ours->functions().template get<Result(First, Rest...)>(id)(
                                     ours->software(), rest...);
    }
};

/// Which parameters there are: asked with the object, which may be null, and the provider's
/// context.
template <typename Object, int id>
struct Forwarder<Object, id, const OSSL_PARAM*(void*, void*)> {
    static const OSSL_PARAM* call(void* object, void* front_end) {
        const auto& library = static_cast<FrontEnd*>(front_end)->software();
        auto* const ours = static_cast<const Object*>(object);
        return Object::functions_of(library).template get<const OSSL_PARAM*(void*, void*)>(id)(
            ours != nullptr ? ours->software() : nullptr, library.provider_context());
    }
};

template <typename Object, int id, typename Function>
OSSL_DISPATCH forward() {
    return dispatch_entry(id, &Forwarder<Object, id, Function>::call);
}

}  // namespace ringside::frontends
