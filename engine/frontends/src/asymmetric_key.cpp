// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "asymmetric_key.hpp"

#include "key_numbers.hpp"

namespace ringside::frontends {

const SoftwareAlgorithm& key_management(const PrivateLibcrypto& library, KeyType type) {
    static const std::array<SoftwareAlgorithm, key_types> all = {
        SoftwareAlgorithm(library, OSSL_OP_KEYMGMT, "RSA"),
        SoftwareAlgorithm(library, OSSL_OP_KEYMGMT, "EC"),
        SoftwareAlgorithm(library, OSSL_OP_KEYMGMT, "X25519"),
        SoftwareAlgorithm(library, OSSL_OP_KEYMGMT, "ED25519"),
    };
    return all.at(static_cast<std::size_t>(type));
}

AsymmetricKey* AsymmetricKey::adopt(FrontEnd& front_end, KeyType type, void* software,
                                    std::shared_ptr<DeviceKeyPair> pair) {
    if (software == nullptr) {
        return nullptr;
    }
    Software owned(software, key_management(front_end.software(), type)
                                 .get<OSSL_FUNC_keymgmt_free_fn>(OSSL_FUNC_KEYMGMT_FREE));
    auto key = std::make_shared<AsymmetricKey>(front_end, type, std::move(owned));
    key->pair_ = std::move(pair);
    AsymmetricKey* const held = key.get();
    held->held_by_openssl_ = std::move(key);
    return held;
}

AsymmetricKey::AsymmetricKey(FrontEnd& front_end, KeyType type, Software software)
    : front_end_(front_end),
      type_(type),
      functions_(key_management(front_end.software(), type)),
      software_(std::move(software)) {}

std::shared_ptr<DeviceKeyPair> AsymmetricKey::in_device() {
    const std::lock_guard lock(mutex_);
    derive();
    return pair_;
}

std::shared_ptr<RsaTransform> AsymmetricKey::rsa() {
    const std::lock_guard lock(mutex_);
    derive();
    return rsa_;
}

void AsymmetricKey::changed() {
    const std::lock_guard lock(mutex_);
    is_derived_ = false;
    pair_.reset();
    rsa_.reset();
}

void AsymmetricKey::derive() {
    if (is_derived_) {
        return;
    }
    if (pair_ == nullptr) {
        pair_ = device_key_pair(*this);
    }
    if (pair_ != nullptr && type_ == KeyType::rsa) {
        rsa_ = RsaTransform::create(pair_, functions_, software());
    }
    is_derived_ = true;
}

}  // namespace ringside::frontends
