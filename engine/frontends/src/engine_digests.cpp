// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#define OPENSSL_SUPPRESS_DEPRECATED  // ENGINE, and what it stands on
#include "engine_digests.hpp"

#include <openssl/engine.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>

#include "engine_ciphers.hpp"
#include "guarded.hpp"
#include "hash_message.hpp"

namespace ringside::frontends {
namespace {

/// libcrypto's memory for a context holds only the pointer to ours.
HashMessage*& own(EVP_MD_CTX* ctx) {
    return *static_cast<HashMessage**>(EVP_MD_CTX_get0_md_data(ctx));
}

template <const HashShape& Shape>
int init(EVP_MD_CTX* ctx) {
    return guarded(0, [&] {
        FrontEnd* const front_end = engine_front_end();
        if (own(ctx) == nullptr && front_end != nullptr) {
            own(ctx) = new HashMessage(*front_end, Shape);
        }
        if (own(ctx) == nullptr) {
            return 0;
        }
        own(ctx)->begin();
        return 1;
    });
}

int update(EVP_MD_CTX* ctx, const void* data, std::size_t size) {
    return guarded(0, [&] {
        return own(ctx)->update({static_cast<const unsigned char*>(data), size}) ? 1 : 0;
    });
}

int final(EVP_MD_CTX* ctx, unsigned char* out) {
    return guarded(0, [&] { return own(ctx)->finish(out) ? 1 : 0; });
}

/// libcrypto has copied the pointer.
int copy(EVP_MD_CTX* to, const EVP_MD_CTX* from) {
    if (EVP_MD_CTX_get0_md_data(to) == nullptr) {
        return 1;
    }
    own(to) = nullptr;
    const HashMessage* const message =
        *static_cast<HashMessage* const*>(EVP_MD_CTX_get0_md_data(from));
    return guarded(0, [&] {
        own(to) = message != nullptr ? message->duplicate().release() : nullptr;
        return message == nullptr || own(to) != nullptr ? 1 : 0;
    });
}

int cleanup(EVP_MD_CTX* ctx) {
    if (EVP_MD_CTX_get0_md_data(ctx) != nullptr) {
        delete std::exchange(own(ctx), nullptr);
    }
    return 1;
}

template <const HashShape& Shape>
EVP_MD* make() {
    EVP_MD* method = EVP_MD_meth_new(Shape.nid, NID_undef);
    EVP_MD_meth_set_result_size(method, static_cast<int>(Shape.size));
    EVP_MD_meth_set_input_blocksize(method, static_cast<int>(Shape.block_size));
    EVP_MD_meth_set_app_datasize(method, sizeof(void*));
    EVP_MD_meth_set_flags(method, EVP_MD_FLAG_DIGALGID_ABSENT);
    EVP_MD_meth_set_init(method, &init<Shape>);
    EVP_MD_meth_set_update(method, &update);
    EVP_MD_meth_set_final(method, &final);
    EVP_MD_meth_set_copy(method, &copy);
    EVP_MD_meth_set_cleanup(method, &cleanup);
    return method;
}

struct EngineDigest {
    int nid;
    EVP_MD* (*make)();
};

// Not SHA-1, like the provider; nor SHA-512: libcrypto draws the nonces of ECDSA with it, in the
// device's own software too.
constexpr EngineDigest rows[] = {
    {sha2_224.nid, &make<sha2_224>},         {sha2_256.nid, &make<sha2_256>},
    {sha2_384.nid, &make<sha2_384>},         {sha2_512_224.nid, &make<sha2_512_224>},
    {sha2_512_256.nid, &make<sha2_512_256>}, {sha3_256.nid, &make<sha3_256>},
};
constexpr std::size_t row_count = std::size(rows);

struct Methods {
    Methods() {
        for (std::size_t i = 0; i < row_count; ++i) {
            nids.at(i) = rows[i].nid;
            digests.at(i) = rows[i].make();
        }
    }
    std::array<int, row_count> nids{};
    std::array<EVP_MD*, row_count> digests{};
};

}  // namespace

int engine_digests(ENGINE* /*engine*/, const EVP_MD** digest, const int** nids, int nid) {
    // Leaked on purpose: contexts outlive whoever loaded the ENGINE.
    static const auto* const methods = new Methods;
    if (digest == nullptr) {
        *nids = methods->nids.data();
        return static_cast<int>(row_count);
    }
    const auto* const found = std::find(methods->nids.begin(), methods->nids.end(), nid);
    *digest = found != methods->nids.end()
                  ? methods->digests.at(static_cast<std::size_t>(found - methods->nids.begin()))
                  : nullptr;
    return *digest != nullptr ? 1 : 0;
}

}  // namespace ringside::frontends
