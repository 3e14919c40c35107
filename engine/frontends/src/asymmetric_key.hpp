// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The provider's key objects: the default provider's own, which stays in charge of the key, and
// what the device needs of it. Keys are shared by threads; the functions of provider-keymgmt(7)
// that change one are not called while it is used.

#include <openssl/types.h>

#include <memory>
#include <mutex>

#include "device_key_pair.hpp"
#include "rsa_transform.hpp"
#include "software_algorithm.hpp"

namespace ringside::frontends {

enum class KeyType : unsigned char { rsa, ec, x25519, ed25519 };
inline constexpr std::size_t key_types = 4;

/// The default provider's key management for keys of this type.
const SoftwareAlgorithm& key_management(const PrivateLibcrypto& library, KeyType type);

class AsymmetricKey : public std::enable_shared_from_this<AsymmetricKey> {
  public:
    /// An object of the default provider.
    using Software = std::unique_ptr<void, OSSL_FUNC_keymgmt_free_fn*>;

    /// What OpenSSL holds until release(): a key around `software`, which is taken over. Null if
    /// that is. `pair`: the same key as the device has it; null: it is asked for when wanted.
    static AsymmetricKey* adopt(FrontEnd& front_end, KeyType type, void* software,
                                std::shared_ptr<DeviceKeyPair> pair = nullptr);
    AsymmetricKey(FrontEnd& front_end, KeyType type, Software software);
    AsymmetricKey(const AsymmetricKey&) = delete;
    AsymmetricKey& operator=(const AsymmetricKey&) = delete;
    /// OpenSSL lets go of it; operations may still use it.
    void release() { const auto last = std::move(held_by_openssl_); }

    FrontEnd& front_end() const { return front_end_; }
    KeyType type() const { return type_; }
    void* software() const { return software_.get(); }
    const SoftwareAlgorithm& functions() const { return functions_; }

    /// Null: the device does not take such a key.
    std::shared_ptr<DeviceKeyPair> in_device();
    /// The same for an RSA key, with what stands around the bare power.
    std::shared_ptr<RsaTransform> rsa();
    /// Its numbers have been set.
    void changed();

  private:
    void derive();

    FrontEnd& front_end_;
    const KeyType type_;
    const SoftwareAlgorithm& functions_;
    const Software software_;
    std::shared_ptr<AsymmetricKey> held_by_openssl_;
    std::mutex mutex_;
    bool is_derived_ = false;  ///< guarded, as what follows
    std::shared_ptr<DeviceKeyPair> pair_;
    std::shared_ptr<RsaTransform> rsa_;
};

}  // namespace ringside::frontends
