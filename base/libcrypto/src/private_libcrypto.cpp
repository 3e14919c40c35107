// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/base/private_libcrypto.hpp"

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace ringside {
namespace {

constexpr const char* prefix = "unnumbered-";

/// What ENGINEs may take over.
constexpr int renamed_operations[] = {OSSL_OP_CIPHER, OSSL_OP_DIGEST};

/// An operation of the default provider under other names; its algorithms are constants of
/// libcrypto, and so are these.
struct Renamed {
    Renamed(OSSL_PROVIDER* provider, int which) : operation(which) {
        int no_cache = 0;
        const OSSL_ALGORITHM* entry = OSSL_PROVIDER_query_operation(provider, which, &no_cache);
        for (; entry != nullptr && entry->algorithm_names != nullptr; ++entry) {
            const std::string all = entry->algorithm_names;
            names.push_back(prefix + all.substr(0, all.find(':')));
            algorithms.push_back(
                {names.back().c_str(), "provider=unnumbered", entry->implementation, nullptr});
        }
        algorithms.push_back({});
    }
    int operation;
    std::deque<std::string> names;
    std::vector<OSSL_ALGORITHM> algorithms;
};

const std::deque<Renamed>& renamed(OSSL_PROVIDER* provider = nullptr) {
    // Leaked on purpose: whoever is torn down last may still ask.
    static const auto* const all = [provider] {
        auto* const operations = new std::deque<Renamed>;
        for (const int operation : renamed_operations) {
            operations->emplace_back(provider, operation);
        }
        return operations;
    }();
    return *all;
}

/// The context of the default provider that is being renamed on this thread.
thread_local void* renamed_context = nullptr;

const OSSL_ALGORITHM* query_operation(void* /*context*/, int operation, int* no_cache) {
    *no_cache = 0;
    for (const Renamed& each : renamed()) {
        if (each.operation == operation) {
            return each.algorithms.data();
        }
    }
    return nullptr;
}

/// A provider whose algorithms are the default provider's functions, on its context.
int init_unnumbered(const OSSL_CORE_HANDLE* /*handle*/, const OSSL_DISPATCH* /*in*/,
                    const OSSL_DISPATCH** out, void** context) {
    static const OSSL_DISPATCH dispatch[] = {
        {OSSL_FUNC_PROVIDER_QUERY_OPERATION, reinterpret_cast<void (*)()>(&query_operation)},
        {0, nullptr},
    };
    *out = dispatch;
    *context = renamed_context;
    return 1;
}

}  // namespace

PrivateLibcrypto::PrivateLibcrypto() : context_(OSSL_LIB_CTX_new()) {
    if (context_ == nullptr ||
        OSSL_PROVIDER_add_builtin(context_, "unnumbered", &init_unnumbered) != 1) {
        return;
    }
    default_ = OSSL_PROVIDER_load(context_, "default");
    if (default_ != nullptr) {
        renamed(default_);
        renamed_context = OSSL_PROVIDER_get0_provider_ctx(default_);
        unnumbered_ = OSSL_PROVIDER_load(context_, "unnumbered");
    }
}

PrivateLibcrypto::~PrivateLibcrypto() {
    for (OSSL_PROVIDER* provider : {unnumbered_, default_}) {
        if (provider != nullptr) {
            OSSL_PROVIDER_unload(provider);
        }
    }
    OSSL_LIB_CTX_free(context_);
}

const OSSL_ALGORITHM* PrivateLibcrypto::find_algorithm(int operation, const char* name) const {
    int no_cache = 0;
    const OSSL_ALGORITHM* row = OSSL_PROVIDER_query_operation(default_, operation, &no_cache);
    for (; row != nullptr && row->algorithm_names != nullptr; ++row) {
        const std::string_view names = row->algorithm_names;
        if (names.substr(0, names.find(':')) == name) {
            return row;
        }
    }
    return nullptr;
}

CipherHandle PrivateLibcrypto::fetch_cipher(const char* name) const {
    return CipherHandle(EVP_CIPHER_fetch(context_, unnumbered(name).c_str(), nullptr));
}

DigestHandle PrivateLibcrypto::fetch_digest(const char* name) const {
    return DigestHandle(EVP_MD_fetch(context_, unnumbered(name).c_str(), nullptr));
}

std::string PrivateLibcrypto::unnumbered(const char* name) {
    return std::string(prefix) + name;
}

}  // namespace ringside
