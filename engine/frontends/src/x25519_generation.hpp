// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The making of X25519 keys in the device, for keymgmt.cpp, which has one of these for each
// generation. The scalar is drawn as the default provider draws it; the session in which the device
// finds the public half is the one in which the key's agreements run.

#include <memory>

#include "asymmetric_key.hpp"

namespace ringside::frontends {

class X25519Generation {
  public:
    explicit X25519Generation(FrontEnd& front_end) : front_end_(front_end) {}

    /// A key for OpenSSL to hold. Null: libcrypto could not, and has said why. May pause the job.
    /// Errors: DeviceKeyPair::run()'s.
    driver::result<AsymmetricKey*> generate();

  private:
    FrontEnd& front_end_;
    /// The key being made: here, since a job that is left behind frees nothing on its stack.
    std::shared_ptr<DeviceKeyPair> pair_;
};

}  // namespace ringside::frontends
