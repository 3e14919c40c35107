// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What a cipher says of itself, to the provider's callers and the ENGINE's alike.

#include <openssl/evp.h>

#include <span>

#include "device_key.hpp"
#include "ringside/offload/cipher_session.hpp"

namespace ringside::frontends {

/// An algorithm with one size of key, as OpenSSL sees it.
struct CipherShape {
    const char* name;  ///< as OpenSSL calls it
    int nid;
    AlgorithmFamily family;
    spec::Algorithm algorithm;
    unsigned mode;  ///< EVP_CIPH_*_MODE
    std::size_t key_size;
    std::size_t iv_size;  ///< default
    std::size_t block_size;
    bool is_aead = false;
    bool has_custom_iv = false;  ///< EVP hands the IV over and does nothing with it
};

using CipherKey = DeviceKey<offload::CipherSession>;

/// False: the size is not the shape's (the error queue says so).
bool set_cipher_key(CipherKey& key, const CipherShape& shape, std::span<const unsigned char> bytes);

}  // namespace ringside::frontends
