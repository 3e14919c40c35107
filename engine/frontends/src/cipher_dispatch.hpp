// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The C functions of provider-cipher(7) in front of a context class, which has init(), update(),
// final(), one_shot(), get_params(), set_params(), duplicate() and the static gettable() and
// settable(). No exception gets past them.

#include "ciphers.hpp"
#include "guarded.hpp"

namespace ringside::frontends {

template <typename Context, const CipherShape& Shape>
struct CipherDispatch {
    static void* create(void* front_end) {
        return guarded<void*>(
            nullptr, [&] { return new Context(*static_cast<FrontEnd*>(front_end), Shape); });
    }
    static void destroy(void* context) { delete static_cast<Context*>(context); }
    static void* duplicate(void* context) {
        return guarded<void*>(nullptr, [&] { return self(context).duplicate().release(); });
    }
    static int encrypt_init(void* context, const unsigned char* key, size_t key_size,
                            const unsigned char* iv, size_t iv_size, const OSSL_PARAM params[]) {
        return guarded(
            0, [&] { return self(context).init(true, key, key_size, iv, iv_size, params); });
    }
    static int decrypt_init(void* context, const unsigned char* key, size_t key_size,
                            const unsigned char* iv, size_t iv_size, const OSSL_PARAM params[]) {
        return guarded(
            0, [&] { return self(context).init(false, key, key_size, iv, iv_size, params); });
    }
    static int update(void* context, unsigned char* out, size_t* out_size, size_t capacity,
                      const unsigned char* in, size_t size) {
        return guarded(0, [&] { return self(context).update(out, out_size, capacity, in, size); });
    }
    static int final(void* context, unsigned char* out, size_t* out_size, size_t capacity) {
        return guarded(0, [&] { return self(context).final(out, out_size, capacity); });
    }
    static int one_shot(void* context, unsigned char* out, size_t* out_size, size_t capacity,
                        const unsigned char* in, size_t size) {
        return guarded(0,
                       [&] { return self(context).one_shot(out, out_size, capacity, in, size); });
    }
    static int get_params(OSSL_PARAM params[]) { return get_shape_params(Shape, params); }
    static int get_context_params(void* context, OSSL_PARAM params[]) {
        return self(context).get_params(params);
    }
    static int set_context_params(void* context, const OSSL_PARAM params[]) {
        return guarded(0, [&] { return self(context).set_params(params); });
    }
    static const OSSL_PARAM* gettable(void* /*context*/, void* /*provider*/) {
        return Context::gettable();
    }
    static const OSSL_PARAM* settable(void* /*context*/, void* /*provider*/) {
        return Context::settable();
    }

    static const OSSL_DISPATCH table[15];

  private:
    static Context& self(void* context) { return *static_cast<Context*>(context); }
};

template <typename Context, const CipherShape& Shape>
const OSSL_DISPATCH CipherDispatch<Context, Shape>::table[15] = {
    dispatch_entry(OSSL_FUNC_CIPHER_NEWCTX, &create),
    dispatch_entry(OSSL_FUNC_CIPHER_FREECTX, &destroy),
    dispatch_entry(OSSL_FUNC_CIPHER_DUPCTX, &duplicate),
    dispatch_entry(OSSL_FUNC_CIPHER_ENCRYPT_INIT, &encrypt_init),
    dispatch_entry(OSSL_FUNC_CIPHER_DECRYPT_INIT, &decrypt_init),
    dispatch_entry(OSSL_FUNC_CIPHER_UPDATE, &update),
    dispatch_entry(OSSL_FUNC_CIPHER_FINAL, &final),
    dispatch_entry(OSSL_FUNC_CIPHER_CIPHER, &one_shot),
    dispatch_entry(OSSL_FUNC_CIPHER_GET_PARAMS, &get_params),
    dispatch_entry(OSSL_FUNC_CIPHER_GETTABLE_PARAMS, &gettable_shape_params),
    dispatch_entry(OSSL_FUNC_CIPHER_GET_CTX_PARAMS, &get_context_params),
    dispatch_entry(OSSL_FUNC_CIPHER_GETTABLE_CTX_PARAMS, &gettable),
    dispatch_entry(OSSL_FUNC_CIPHER_SET_CTX_PARAMS, &set_context_params),
    dispatch_entry(OSSL_FUNC_CIPHER_SETTABLE_CTX_PARAMS, &settable),
    {0, nullptr},
};

}  // namespace ringside::frontends
