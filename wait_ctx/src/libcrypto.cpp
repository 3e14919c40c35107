// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "libcrypto.hpp"

#include <dlfcn.h>

#include <atomic>

namespace ringside::async {
namespace {

// <openssl/err.h> and <openssl/asyncerr.h>
constexpr int library_async = 51;
constexpr int reason_invalid_pool_size = 103;

/// One function of libcrypto. Looked for until it is found; not found costs a look-up each time,
/// and then the process has no library context to switch.
class LibcryptoSymbol {
  public:
    explicit constexpr LibcryptoSymbol(const char* name) : name_(name) {}

    template <typename Function>
    Function* get() {
        void* address = address_.load(std::memory_order_acquire);
        if (address == nullptr) {
            address = find();
            address_.store(address, std::memory_order_release);
        }
        return reinterpret_cast<Function*>(address);
    }

  private:
    void* find() const {
        if (void* address = dlsym(RTLD_DEFAULT, name_)) {
            return address;
        }
        void* library = dlopen("libcrypto.so.3", RTLD_LAZY | RTLD_NOLOAD);
        if (library == nullptr) {
            return nullptr;
        }
        void* address = dlsym(library, name_);
        dlclose(library);  // only our reference: it stays loaded
        return address;
    }

    const char* name_;
    std::atomic<void*> address_{nullptr};
};

LibcryptoSymbol set0_default("OSSL_LIB_CTX_set0_default");
LibcryptoSymbol err_new("ERR_new");
LibcryptoSymbol err_set_debug("ERR_set_debug");
LibcryptoSymbol err_set_error("ERR_set_error");

}  // namespace

void* set_default_library_context(void* context) {
    auto* function = set0_default.get<void*(void*)>();
    return function != nullptr ? function(context) : nullptr;
}

void raise_invalid_pool_size(const char* file, int line, const char* function) {
    auto* create = err_new.get<void()>();
    auto* set_debug = err_set_debug.get<void(const char*, int, const char*)>();
    auto* set_error = err_set_error.get<void(int, int, const char*, ...)>();
    if (create != nullptr && set_debug != nullptr && set_error != nullptr) {
        create();
        set_debug(file, line, function);
        set_error(library_async, reason_invalid_pool_size, nullptr);
    }
}

}  // namespace ringside::async
