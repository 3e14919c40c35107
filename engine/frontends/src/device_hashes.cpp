// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "device_hashes.hpp"

#include <openssl/err.h>
#include <openssl/objects.h>

namespace ringside::frontends {

const HashShape* find_device_hash(const FrontEnd& front_end, const char* name) {
    static constexpr const HashShape* shapes[] = {
        &sha1, &sha2_224, &sha2_256, &sha2_384, &sha2_512, &sha2_512_224, &sha2_512_256, &sha3_256};
    for (const HashShape* shape :
         shapes) {  // the usual names: asking OpenSSL costs 20 times as much
        if (OPENSSL_strcasecmp(name, shape->name) == 0 ||
            OPENSSL_strcasecmp(name, OBJ_nid2sn(shape->nid)) == 0) {
            return shape;
        }
    }
    ERR_set_mark();
    const DigestHandle digest(EVP_MD_fetch(front_end.software().context(), name, nullptr));
    ERR_pop_to_mark();
    for (const HashShape* shape : shapes) {
        if (digest != nullptr && EVP_MD_is_a(digest.get(), shape->name) == 1) {
            return shape;
        }
    }
    return nullptr;
}

}  // namespace ringside::frontends
