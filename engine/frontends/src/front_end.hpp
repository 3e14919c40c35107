// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What all algorithms of one loaded provider or ENGINE share: the source of the device, what goes
// there, and libcrypto's own software for the rest.

#include <openssl/core_dispatch.h>

#include <atomic>
#include <memory>
#include <vector>

#include "held_session.hpp"
#include "ringside/base/private_libcrypto.hpp"
#include "ringside/driver/error.hpp"
#include "ringside/frontends/device_host.hpp"

namespace ringside::frontends {

class FrontEnd {
  public:
    /// Attaches to `host` with `settings`; with settings that were refused it has no device. Then
    /// operations fail, or are done in software if the policy says so.
    FrontEnd(DeviceHost& host, const Settings& settings, bool settings_are_good);
    FrontEnd(const FrontEnd&) = delete;
    FrontEnd& operator=(const FrontEnd&) = delete;
    ~FrontEnd();

    bool is_usable() const { return software_.is_usable(); }
    OffloadSource& source() { return *source_; }
    KeylessSessions& keyless_sessions() { return keyless_; }
    const PrivateLibcrypto& software() const { return software_; }
    const Policy& policy() const { return policy_; }

    /// Whether a request of `size` bytes by this caller is to go to the device; else it has been
    /// counted as software's.
    bool wants_device(AlgorithmFamily family, std::size_t size);
    /// The same where the work does not grow with the data.
    bool wants_device(AlgorithmFamily family);
    /// Whether software does what ended with `error` in the device; then it has been counted.
    bool falls_back(const boost::system::error_code& error);

  private:
    const Policy policy_;
    const std::unique_ptr<OffloadSource> source_;
    PrivateLibcrypto software_;
    KeylessSessions keyless_;
    std::atomic<bool> has_fallen_back_{false};
};

/// Puts a driver error on OpenSSL's error queue, with its message.
void raise_error(int reason, const boost::system::error_code& error);

}  // namespace ringside::frontends
