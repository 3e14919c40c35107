// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// SHA-2 and SHA-3 as provider-digest(7) wants them. Not SHA-1: libcrypto computes fingerprints of
// certificates with it while it holds a lock, and a job that paused there would keep it.

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/proverr.h>

#include "algorithms.hpp"
#include "ciphers.hpp"
#include "guarded.hpp"
#include "hash_message.hpp"

namespace ringside::frontends {
namespace {

HashMessage& self(void* message) {
    return *static_cast<HashMessage*>(message);
}

template <const HashShape& Shape>
void* create(void* front_end) {
    return guarded<void*>(
        nullptr, [&] { return new HashMessage(*static_cast<FrontEnd*>(front_end), Shape); });
}

void destroy(void* message) {
    delete static_cast<HashMessage*>(message);
}

void* duplicate(void* message) {
    return guarded<void*>(nullptr, [&] { return self(message).duplicate().release(); });
}

int init(void* message, const OSSL_PARAM /*params*/[]) {
    self(message).begin();
    return 1;
}

int update(void* message, const unsigned char* in, size_t size) {
    return guarded(0, [&] { return self(message).update({in, size}) ? 1 : 0; });
}

template <const HashShape& Shape>
int final(void* message, unsigned char* out, size_t* out_size, size_t capacity) {
    if (capacity < Shape.size) {
        ERR_raise(ERR_LIB_PROV, PROV_R_OUTPUT_BUFFER_TOO_SMALL);
        return 0;
    }
    *out_size = Shape.size;
    return guarded(0, [&] { return self(message).finish(out) ? 1 : 0; });
}

template <const HashShape& Shape>
int get_params(OSSL_PARAM params[]) {
    OSSL_PARAM* xof = OSSL_PARAM_locate(params, OSSL_DIGEST_PARAM_XOF);
    OSSL_PARAM* algid_absent = OSSL_PARAM_locate(params, OSSL_DIGEST_PARAM_ALGID_ABSENT);
    const bool done = answer(params, OSSL_DIGEST_PARAM_BLOCK_SIZE, Shape.block_size) &&
                      answer(params, OSSL_DIGEST_PARAM_SIZE, Shape.size) &&
                      (xof == nullptr || OSSL_PARAM_set_int(xof, 0) == 1) &&
                      (algid_absent == nullptr || OSSL_PARAM_set_int(algid_absent, 1) == 1);
    if (!done) {
        ERR_raise(ERR_LIB_PROV, PROV_R_FAILED_TO_SET_PARAMETER);
    }
    return done ? 1 : 0;
}

const OSSL_PARAM* gettable_params(void* /*provider*/) {
    static const OSSL_PARAM params[] = {
        OSSL_PARAM_size_t(OSSL_DIGEST_PARAM_BLOCK_SIZE, nullptr),
        OSSL_PARAM_size_t(OSSL_DIGEST_PARAM_SIZE, nullptr),
        OSSL_PARAM_int(OSSL_DIGEST_PARAM_XOF, nullptr),
        OSSL_PARAM_int(OSSL_DIGEST_PARAM_ALGID_ABSENT, nullptr),
        OSSL_PARAM_END,
    };
    return params;
}

template <const HashShape& Shape>
const OSSL_DISPATCH table[] = {
    dispatch_entry(OSSL_FUNC_DIGEST_NEWCTX, &create<Shape>),
    dispatch_entry(OSSL_FUNC_DIGEST_FREECTX, &destroy),
    dispatch_entry(OSSL_FUNC_DIGEST_DUPCTX, &duplicate),
    dispatch_entry(OSSL_FUNC_DIGEST_INIT, &init),
    dispatch_entry(OSSL_FUNC_DIGEST_UPDATE, &update),
    dispatch_entry(OSSL_FUNC_DIGEST_FINAL, &final<Shape>),
    dispatch_entry(OSSL_FUNC_DIGEST_GET_PARAMS, &get_params<Shape>),
    dispatch_entry(OSSL_FUNC_DIGEST_GETTABLE_PARAMS, &gettable_params),
    {0, nullptr},
};

}  // namespace

// Names and object identifiers as in OpenSSL's own table.
const AlgorithmRow hash_rows[7] = {
    {sha2_224.family,
     {"SHA2-224:SHA-224:SHA224:2.16.840.1.101.3.4.2.4", algorithm_properties, table<sha2_224>,
      nullptr}},
    {sha2_256.family,
     {"SHA2-256:SHA-256:SHA256:2.16.840.1.101.3.4.2.1", algorithm_properties, table<sha2_256>,
      nullptr}},
    {sha2_384.family,
     {"SHA2-384:SHA-384:SHA384:2.16.840.1.101.3.4.2.2", algorithm_properties, table<sha2_384>,
      nullptr}},
    {sha2_512.family,
     {"SHA2-512:SHA-512:SHA512:2.16.840.1.101.3.4.2.3", algorithm_properties, table<sha2_512>,
      nullptr}},
    {sha2_512_224.family,
     {"SHA2-512/224:SHA-512/224:SHA512-224:2.16.840.1.101.3.4.2.5", algorithm_properties,
      table<sha2_512_224>, nullptr}},
    {sha2_512_256.family,
     {"SHA2-512/256:SHA-512/256:SHA512-256:2.16.840.1.101.3.4.2.6", algorithm_properties,
      table<sha2_512_256>, nullptr}},
    {sha3_256.family,
     {"SHA3-256:2.16.840.1.101.3.4.2.8", algorithm_properties, table<sha3_256>, nullptr}},
};

}  // namespace ringside::frontends
