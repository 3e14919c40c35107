// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "libcrypto.hpp"

#include <dlfcn.h>
#include <link.h>

#include <atomic>
#include <mutex>

namespace ringside::async {
namespace {

// <openssl/err.h> and <openssl/asyncerr.h>
constexpr int library_async = 51;
constexpr int reason_invalid_pool_size = 103;

struct Libcrypto {
    void* (*set0_default)(void* context);
    void* (*get0_global_default)();
    void (*err_new)();
    void (*err_set_debug)(const char* file, int line, const char* function);
    void (*err_set_error)(int library, int reason, const char* format, ...);
};

template <typename Function>
bool find(void* scope, const char* name, Function& function) {
    void* address = dlsym(scope, name);
    function = reinterpret_cast<Function>(address);
    return address != nullptr;
}

bool find_all(void* scope, Libcrypto& crypto) {
    return find(scope, "OSSL_LIB_CTX_set0_default", crypto.set0_default) &&
           find(scope, "OSSL_LIB_CTX_get0_global_default", crypto.get0_global_default) &&
           find(scope, "ERR_new", crypto.err_new) &&
           find(scope, "ERR_set_debug", crypto.err_set_debug) &&
           find(scope, "ERR_set_error", crypto.err_set_error);
}

/// Whatever dlclose() does later, the functions stay: the object is marked as not to be unloaded.
void keep_loaded(void* function) {
    Dl_info object{};
    if (dladdr(function, &object) != 0) {
        dlopen(object.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    }
}

/// In the global scope, as for anybody who is linked to libcrypto; else one that was loaded
/// locally.
bool look_up(Libcrypto& crypto) {
    bool found = find_all(RTLD_DEFAULT, crypto);
    if (!found) {
        if (void* library = dlopen("libcrypto.so.3", RTLD_LAZY | RTLD_NOLOAD)) {
            found = find_all(library, crypto);
            dlclose(library);
        }
    }
    if (found) {
        keep_loaded(reinterpret_cast<void*>(crypto.set0_default));
    }
    return found;
}

/// How many objects the process has loaded so far.
unsigned long long objects_loaded() {
    unsigned long long count = 0;
    dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* result) {
            *static_cast<unsigned long long*>(result) = info->dlpi_adds;
            return 1;
        },
        &count);
    return count;
}

std::mutex mutex;
Libcrypto found_functions;  // written before `found` is set
std::atomic<const Libcrypto*> found{nullptr};
std::atomic<unsigned long long> objects_without_it{0};  ///< among so many objects it was not

const Libcrypto* look_again() {
    const unsigned long long objects = objects_loaded();
    if (objects == objects_without_it.load(std::memory_order_relaxed)) {
        return nullptr;
    }
    const std::lock_guard lock(mutex);
    if (const Libcrypto* already = found.load(std::memory_order_acquire)) {
        return already;
    }
    if (!look_up(found_functions)) {
        objects_without_it.store(objects, std::memory_order_relaxed);
        return nullptr;
    }
    found.store(&found_functions, std::memory_order_release);
    return &found_functions;
}

/// Null: not loaded, so far.
const Libcrypto* libcrypto() {
    const Libcrypto* present = found.load(std::memory_order_acquire);
    return present != nullptr ? present : look_again();
}

}  // namespace

void* default_library_context() {
    const Libcrypto* crypto = libcrypto();
    return crypto != nullptr ? crypto->set0_default(nullptr) : nullptr;
}

void set_default_library_context(void* context) {
    if (const Libcrypto* crypto = libcrypto()) {
        crypto->set0_default(context != nullptr ? context : crypto->get0_global_default());
    }
}

void raise_invalid_pool_size(const char* file, int line, const char* function) {
    if (const Libcrypto* crypto = libcrypto()) {
        crypto->err_new();
        crypto->err_set_debug(file, line, function);
        crypto->err_set_error(library_async, reason_invalid_pool_size, nullptr);
    }
}

}  // namespace ringside::async
