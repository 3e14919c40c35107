// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// What OpenSSL looks up in the module: as a provider, and as a dynamic ENGINE. Both find the one
// device that is embedded in this process.

#define OPENSSL_SUPPRESS_DEPRECATED  // ENGINE
#include <openssl/engine.h>

#include "embedded_device.hpp"
#include "ringside/frontends/engine.hpp"
#include "ringside/frontends/provider.hpp"

extern "C" __attribute__((visibility("default"))) int OSSL_provider_init(
    const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* in, const OSSL_DISPATCH** out,
    void** provider_context) {
    return ringside::frontends::init_provider(handle, in, out, provider_context,
                                              ringside::engine::EmbeddedDevice::instance());
}

namespace {

int bind(ENGINE* engine, const char* id) {
    return ringside::frontends::bind_engine(engine, id,
                                            ringside::engine::EmbeddedDevice::instance());
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {
IMPLEMENT_DYNAMIC_CHECK_FN()
IMPLEMENT_DYNAMIC_BIND_FN(bind)
}
#pragma GCC visibility pop
