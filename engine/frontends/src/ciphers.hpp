// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What the cipher implementations have in common: the shape of an algorithm, the key and its
// session in the device, and the parts of provider-cipher(7) that do not depend on the mode.

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

#include <optional>
#include <span>

#include "provider_context.hpp"
#include "ringside/base/cleansed_buffer.hpp"
#include "ringside/offload/cipher_session.hpp"

namespace ringside::frontends {

/// For OSSL_OP_CIPHER.
const OSSL_ALGORITHM* cipher_algorithms();
extern const OSSL_ALGORITHM cbc_algorithms[3];
extern const OSSL_ALGORITHM gcm_algorithms[3];

struct CipherShape {
    const char* name;  ///< as OpenSSL calls it
    spec::Algorithm algorithm;
    unsigned mode;  ///< EVP_CIPH_*_MODE
    std::size_t key_size;
    std::size_t iv_size;  ///< default
    std::size_t block_size;
    bool is_aead;
};

/// OSSL_FUNC_cipher_get_params(): what can be said without a context.
int get_shape_params(const CipherShape& shape, OSSL_PARAM params[]);
const OSSL_PARAM* gettable_shape_params(void* provider_context);

/// A key, and its session in the device from the first operation on.
class DeviceKey {
  public:
    DeviceKey(ProviderContext& provider, const CipherShape& shape)
        : provider_(provider), shape_(shape) {}
    /// The same key, with a session of its own to come.
    DeviceKey(const DeviceKey& other)
        : provider_(other.provider_), shape_(other.shape_), key_(other.key_.bytes()) {}
    DeviceKey& operator=(const DeviceKey&) = delete;
    ~DeviceKey() { end_session(); }

    /// False: wrong size (the error queue says so).
    bool set(std::span<const unsigned char> key);
    bool is_set() const { return !key_.empty(); }
    const unsigned char* data() const {
        return reinterpret_cast<const unsigned char*>(key_.data());
    }
    /// Null: no key, no device, or no session left (the error queue says which).
    offload::CipherSession* session();

  private:
    void end_session();

    ProviderContext& provider_;
    const CipherShape& shape_;
    CleansedBuffer key_;
    std::optional<offload::CipherSession> session_;
};

/// Puts a driver error on OpenSSL's error queue, with its message.
void raise_error(int reason, const boost::system::error_code& error);

/// Param helpers: true also if the caller did not ask.
bool answer(OSSL_PARAM params[], const char* key, std::size_t value);
bool answer(OSSL_PARAM params[], const char* key, std::span<const unsigned char> octets);

}  // namespace ringside::frontends
