// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "device_key.hpp"

#include <openssl/err.h>
#include <openssl/proverr.h>

#include <cstring>

namespace ringside::frontends {

bool DeviceKey::set(std::span<const unsigned char> key) {
    if (key.size() != shape_.key_size) {
        ERR_raise(ERR_LIB_PROV, PROV_R_INVALID_KEY_LENGTH);
        return false;
    }
    const auto bytes = std::as_bytes(key);
    // A message loop sets the same key again and again; its session serves on.
    if (key_.size() != key.size() || std::memcmp(key_.data(), key.data(), key.size()) != 0) {
        end_session();
        key_ = CleansedBuffer(bytes);
    }
    return true;
}

driver::result<offload::CipherSession*> DeviceKey::session() {
    if (session_ && front_end_.source().is_current(&session_->offload())) {
        return &*session_;
    }
    end_session();
    offload::Offload* offload = front_end_.source().offload();
    if (offload == nullptr) {
        return boost::system::errc::make_error_code(boost::system::errc::no_such_device);
    }
    auto created = offload::CipherSession::create(*offload, shape_.algorithm, key_.bytes());
    if (!created) {
        return created.error();
    }
    session_.emplace(std::move(*created));
    return &*session_;
}

void DeviceKey::end_session() {
    if (session_ && !front_end_.source().is_current(&session_->offload())) {
        session_->abandon();
    }
    session_.reset();
}

void raise_error(int reason, const boost::system::error_code& error) {
    ERR_raise_data(ERR_LIB_PROV, reason, "ringside: %s", error.message().c_str());
}

}  // namespace ringside::frontends
