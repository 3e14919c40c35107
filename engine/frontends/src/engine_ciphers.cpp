// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#define OPENSSL_SUPPRESS_DEPRECATED  // ENGINE, and what it stands on
#include "engine_ciphers.hpp"

#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/evperr.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "aead_cipher.hpp"
#include "cbc_cipher.hpp"
#include "guarded.hpp"
#include "xts_cipher.hpp"

namespace ringside::frontends {
namespace {

/// libcrypto's memory for a context holds only the pointer to ours.
template <typename Cipher>
Cipher*& own(EVP_CIPHER_CTX* ctx) {
    return *static_cast<Cipher**>(EVP_CIPHER_CTX_get_cipher_data(ctx));
}

template <typename Cipher>
int cleanup(EVP_CIPHER_CTX* ctx) {
    if (EVP_CIPHER_CTX_get_cipher_data(ctx) != nullptr) {
        delete std::exchange(own<Cipher>(ctx), nullptr);
    }
    return 1;
}

/// Makes what the context needs, unless it has it. No exception gets past it.
template <typename Cipher, const CipherShape& Shape>
Cipher* ensure(EVP_CIPHER_CTX* ctx) {
    if (own<Cipher>(ctx) == nullptr) {
        FrontEnd* const front_end = engine_front_end();
        own<Cipher>(ctx) =
            front_end != nullptr ? new (std::nothrow) Cipher(*front_end, Shape) : nullptr;
    }
    return own<Cipher>(ctx);
}

/// Null, which the error queue explains: nobody has given this context a key.
template <typename Cipher>
Cipher* require(EVP_CIPHER_CTX* ctx) {
    if (own<Cipher>(ctx) == nullptr) {
        ERR_raise(ERR_LIB_EVP, EVP_R_NO_KEY_SET);
    }
    return own<Cipher>(ctx);
}

bool encrypts(const EVP_CIPHER_CTX* ctx) {
    return EVP_CIPHER_CTX_is_encrypting(ctx) == 1;
}

// ---- CBC: libcrypto cuts into blocks and pads ----

template <const CipherShape& Shape>
int cbc_init(EVP_CIPHER_CTX* ctx, const unsigned char* key, const unsigned char* /*iv*/,
             int /*encrypt*/) {
    return guarded(0, [&] {
        CbcCipher* const cipher = ensure<CbcCipher, Shape>(ctx);
        return cipher != nullptr && cipher->set_key({key, Shape.key_size}) ? 1 : 0;
    });
}

int cbc_cipher(EVP_CIPHER_CTX* ctx, unsigned char* out, const unsigned char* in, std::size_t size) {
    return guarded(0, [&] {
        CbcCipher* const cipher = require<CbcCipher>(ctx);
        const CbcIv iv(EVP_CIPHER_CTX_iv_noconst(ctx), cbc_block_size);
        return cipher != nullptr && size % cbc_block_size == 0 &&
                       cipher->transform(encrypts(ctx), iv, in, out, size)
                   ? 1
                   : 0;
    });
}

template <typename Cipher>
int control_copy(EVP_CIPHER_CTX* ctx, int type, int /*argument*/, void* pointer) {
    if (type != EVP_CTRL_COPY) {
        return type == EVP_CTRL_INIT ? 1 : -1;
    }
    auto* const copy = static_cast<EVP_CIPHER_CTX*>(pointer);
    const Cipher* const cipher = own<Cipher>(ctx);
    own<Cipher>(copy) = nullptr;
    return guarded(0, [&] {
        own<Cipher>(copy) = cipher != nullptr ? new Cipher(*cipher) : nullptr;
        return 1;
    });
}

// ---- XTS: each call is a data unit; the tweak is ours ----

template <const CipherShape& Shape>
int xts_init(EVP_CIPHER_CTX* ctx, const unsigned char* key, const unsigned char* iv, int encrypt) {
    return guarded(0, [&] {
        XtsCipher* const cipher = ensure<XtsCipher, Shape>(ctx);
        return cipher != nullptr &&
                       cipher->init(encrypt == 1, key, Shape.key_size, iv, Shape.iv_size)
                   ? 1
                   : 0;
    });
}

int xts_cipher(EVP_CIPHER_CTX* ctx, unsigned char* out, const unsigned char* in, std::size_t size) {
    return guarded(0, [&] {
        XtsCipher* const cipher = require<XtsCipher>(ctx);
        return cipher != nullptr && cipher->transform(in, out, size) ? 1 : 0;
    });
}

// ---- GCM and ChaCha20-Poly1305: everything is ours ----

template <const CipherShape& Shape>
int aead_init(EVP_CIPHER_CTX* ctx, const unsigned char* key, const unsigned char* iv, int encrypt) {
    return guarded(0, [&] {
        AeadCipher* const cipher = ensure<AeadCipher, Shape>(ctx);
        return cipher != nullptr &&
                       cipher->init(encrypt == 1, key, Shape.key_size, iv, cipher->iv_size())
                   ? 1
                   : 0;
    });
}

int aead_cipher(EVP_CIPHER_CTX* ctx, unsigned char* out, const unsigned char* in,
                std::size_t size) {
    AeadCipher* const cipher = require<AeadCipher>(ctx);
    if (cipher == nullptr) {
        return -1;
    }
    if (EVP_CIPHER_CTX* tls = cipher->handed_over()) {
        return EVP_Cipher(tls, out, in, static_cast<unsigned int>(size));
    }
    return guarded(-1, [&] {
        std::size_t written = 0;
        if (in == nullptr) {
            return cipher->final(out, &written) ? static_cast<int>(written) : -1;
        }
        if (!cipher->update(out, &written, size, in, size)) {
            return -1;
        }
        return static_cast<int>(out == nullptr ? size : written);
    });
}

int copy_aead(const AeadCipher* cipher, EVP_CIPHER_CTX* copy) {
    own<AeadCipher>(copy) = nullptr;
    return guarded(0, [&] {
        own<AeadCipher>(copy) = cipher != nullptr ? cipher->duplicate().release() : nullptr;
        return cipher == nullptr || own<AeadCipher>(copy) != nullptr ? 1 : 0;
    });
}

int give(Octets octets, int size, void* to) {
    if (size <= 0 || octets.size() != static_cast<std::size_t>(size)) {
        return 0;
    }
    std::copy(octets.begin(), octets.end(), static_cast<unsigned char*>(to));
    return 1;
}

template <const CipherShape& Shape>
int aead_control(EVP_CIPHER_CTX* ctx, int type, int argument, void* pointer) {
    AeadCipher* const cipher = own<AeadCipher>(ctx);
    if (type == EVP_CTRL_INIT) {
        return ensure<AeadCipher, Shape>(ctx) != nullptr ? 1 : 0;
    }
    if (cipher == nullptr) {
        return 0;
    }
    const auto size = static_cast<std::size_t>(std::max(argument, 0));
    switch (type) {
        case EVP_CTRL_COPY:
            return copy_aead(cipher, static_cast<EVP_CIPHER_CTX*>(pointer));
        case EVP_CTRL_GET_IVLEN:
            *static_cast<int*>(pointer) = static_cast<int>(cipher->iv_size());
            return 1;
        case EVP_CTRL_AEAD_SET_IVLEN:
            return cipher->set_iv_size(size) ? 1 : 0;
        case EVP_CTRL_AEAD_SET_TAG:
            return cipher->set_tag({static_cast<const unsigned char*>(pointer), size}) ? 1 : 0;
        case EVP_CTRL_AEAD_GET_TAG:
            return give(cipher->tag(size), argument, pointer);
        case EVP_CTRL_AEAD_SET_IV_FIXED:
        case EVP_CTRL_GCM_IV_GEN:
        case EVP_CTRL_GCM_SET_IV_INV:
        case EVP_CTRL_AEAD_TLS1_AAD: {
            EVP_CIPHER_CTX* const tls = cipher->hand_over();
            return tls != nullptr ? EVP_CIPHER_CTX_ctrl(tls, type, argument, pointer) : 0;
        }
        default:
            return -1;
    }
}

// ---- the methods ----

struct Functions {
    unsigned long flags;
    int (*init)(EVP_CIPHER_CTX*, const unsigned char*, const unsigned char*, int);
    int (*cipher)(EVP_CIPHER_CTX*, unsigned char*, const unsigned char*, std::size_t);
    int (*cleanup)(EVP_CIPHER_CTX*);
    int (*control)(EVP_CIPHER_CTX*, int, int, void*);
};

EVP_CIPHER* make(const CipherShape& shape, const Functions& functions) {
    EVP_CIPHER* method = EVP_CIPHER_meth_new(shape.nid, static_cast<int>(shape.block_size),
                                             static_cast<int>(shape.key_size));
    EVP_CIPHER_meth_set_flags(method, shape.mode | functions.flags | EVP_CIPH_CUSTOM_COPY);
    EVP_CIPHER_meth_set_iv_length(method, static_cast<int>(shape.iv_size));
    EVP_CIPHER_meth_set_impl_ctx_size(method, sizeof(void*));
    EVP_CIPHER_meth_set_init(method, functions.init);
    EVP_CIPHER_meth_set_do_cipher(method, functions.cipher);
    EVP_CIPHER_meth_set_cleanup(method, functions.cleanup);
    EVP_CIPHER_meth_set_ctrl(method, functions.control);
    return method;
}

template <const CipherShape& Shape>
constexpr Functions cbc{EVP_CIPH_FLAG_DEFAULT_ASN1, &cbc_init<Shape>, &cbc_cipher,
                        &cleanup<CbcCipher>, &control_copy<CbcCipher>};

template <const CipherShape& Shape>
constexpr Functions xts{EVP_CIPH_CUSTOM_IV | EVP_CIPH_ALWAYS_CALL_INIT | EVP_CIPH_CTRL_INIT,
                        &xts_init<Shape>, &xts_cipher, &cleanup<XtsCipher>,
                        &control_copy<XtsCipher>};

constexpr unsigned long aead_flags = EVP_CIPH_FLAG_AEAD_CIPHER | EVP_CIPH_CUSTOM_IV |
                                     EVP_CIPH_FLAG_CUSTOM_CIPHER | EVP_CIPH_ALWAYS_CALL_INIT |
                                     EVP_CIPH_CTRL_INIT | EVP_CIPH_CUSTOM_IV_LENGTH;
template <const CipherShape& Shape>
constexpr Functions gcm{aead_flags | EVP_CIPH_FLAG_DEFAULT_ASN1, &aead_init<Shape>, &aead_cipher,
                        &cleanup<AeadCipher>, &aead_control<Shape>};
template <const CipherShape& Shape>
constexpr Functions chacha{aead_flags, &aead_init<Shape>, &aead_cipher, &cleanup<AeadCipher>,
                           &aead_control<Shape>};

struct EngineCipher {
    const CipherShape& shape;
    const Functions& functions;
};

// Not CTR or ECB: libcrypto's own random generator would come to the device with them.
constexpr EngineCipher rows[] = {
    {cbc_128, cbc<cbc_128>}, {cbc_192, cbc<cbc_192>}, {cbc_256, cbc<cbc_256>},
    {gcm_128, gcm<gcm_128>}, {gcm_192, gcm<gcm_192>}, {gcm_256, gcm<gcm_256>},
    {xts_128, xts<xts_128>}, {xts_256, xts<xts_256>}, {chacha_poly, chacha<chacha_poly>},
};
constexpr std::size_t row_count = std::size(rows);

struct Methods {
    Methods() {
        for (std::size_t i = 0; i < row_count; ++i) {
            nids.at(i) = rows[i].shape.nid;
            ciphers.at(i) = make(rows[i].shape, rows[i].functions);
        }
    }
    std::array<int, row_count> nids{};
    std::array<EVP_CIPHER*, row_count> ciphers{};
};

}  // namespace

int engine_ciphers(ENGINE* /*engine*/, const EVP_CIPHER** cipher, const int** nids, int nid) {
    // Leaked on purpose: contexts outlive whoever loaded the ENGINE.
    static const auto* const methods = new Methods;
    if (cipher == nullptr) {
        *nids = methods->nids.data();
        return static_cast<int>(row_count);
    }
    const auto* const found = std::find(methods->nids.begin(), methods->nids.end(), nid);
    *cipher = found != methods->nids.end()
                  ? methods->ciphers.at(static_cast<std::size_t>(found - methods->nids.begin()))
                  : nullptr;
    return *cipher != nullptr ? 1 : 0;
}

}  // namespace ringside::frontends
