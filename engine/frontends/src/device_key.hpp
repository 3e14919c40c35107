// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A symmetric key of one cipher context, and its session in the device from the first operation on.

#include <optional>
#include <span>

#include "front_end.hpp"
#include "ringside/base/cleansed_buffer.hpp"
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
    bool is_aead;
};

class DeviceKey {
  public:
    DeviceKey(FrontEnd& front_end, const CipherShape& shape)
        : front_end_(front_end), shape_(shape) {}
    /// The same key, with a session of its own to come.
    DeviceKey(const DeviceKey& other)
        : front_end_(other.front_end_), shape_(other.shape_), key_(other.key_.bytes()) {}
    DeviceKey& operator=(const DeviceKey&) = delete;
    ~DeviceKey() { end_session(); }

    /// False: wrong size (the error queue says so).
    bool set(std::span<const unsigned char> key);
    bool is_set() const { return !key_.empty(); }
    const unsigned char* data() const {
        return reinterpret_cast<const unsigned char*>(key_.data());
    }
    /// The key must be set. May pause the job. Errors: no_such_device if there is none, those of
    /// CipherSession::create().
    driver::result<offload::CipherSession*> session();
    /// After an operation failed: the next one begins with a new session, on the device as it is
    /// then.
    void end_session();

  private:
    FrontEnd& front_end_;
    const CipherShape& shape_;
    CleansedBuffer key_;
    std::optional<offload::CipherSession> session_;
};

/// Puts a driver error on OpenSSL's error queue, with its message.
void raise_error(int reason, const boost::system::error_code& error);

}  // namespace ringside::frontends
