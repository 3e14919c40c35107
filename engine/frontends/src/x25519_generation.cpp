// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "x25519_generation.hpp"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <array>
#include <utility>

#include "ringside/driver/requests_asymmetric.hpp"

namespace ringside::frontends {
namespace {

constexpr std::size_t key_size = 32;
/// u = 9, little-endian (RFC 7748, section 4.1).
constexpr std::array<std::byte, key_size> base_point{std::byte{9}};

/// Clamped (RFC 7748, section 5), as the default provider keeps it; empty: no randomness.
CleansedBuffer draw_scalar(const PrivateLibcrypto& library) {
    CleansedBuffer scalar(key_size);
    auto* const bytes = reinterpret_cast<unsigned char*>(scalar.data());
    if (RAND_priv_bytes_ex(library.context(), bytes, key_size, 0) <= 0) {
        return {};
    }
    bytes[0] &= 0xF8;
    bytes[key_size - 1] = static_cast<unsigned char>((bytes[key_size - 1] & 0x7F) | 0x40);
    return scalar;
}

/// The default provider's object with both halves of `pair`; null: libcrypto could not.
AsymmetricKey::Software in_software(const PrivateLibcrypto& library, const DeviceKeyPair& pair) {
    const SoftwareAlgorithm& keys = key_management(library, KeyType::x25519);
    const auto octets = [](const char* name, std::span<const std::byte> half) {
        return OSSL_PARAM_construct_octet_string(name, const_cast<std::byte*>(half.data()),
                                                 half.size());
    };
    const OSSL_PARAM halves[] = {
        octets(OSSL_PKEY_PARAM_PUB_KEY, pair.public_half()),
        octets(OSSL_PKEY_PARAM_PRIV_KEY, pair.private_half()),
        OSSL_PARAM_construct_end(),
    };
    AsymmetricKey::Software key(
        keys.get<OSSL_FUNC_keymgmt_new_fn>(OSSL_FUNC_KEYMGMT_NEW)(library.provider_context()),
        keys.get<OSSL_FUNC_keymgmt_free_fn>(OSSL_FUNC_KEYMGMT_FREE));
    if (key != nullptr && keys.get<OSSL_FUNC_keymgmt_import_fn>(OSSL_FUNC_KEYMGMT_IMPORT)(
                              key.get(), OSSL_KEYMGMT_SELECT_KEYPAIR, halves) != 1) {
        key.reset();
    }
    return key;
}

}  // namespace

driver::result<AsymmetricKey*> X25519Generation::generate() {
    CleansedBuffer scalar = draw_scalar(front_end_.software());
    if (scalar.empty()) {
        return nullptr;
    }
    pair_ = std::make_shared<DeviceKeyPair>(front_end_, spec::Algorithm::x25519, CleansedBuffer(),
                                            std::move(scalar));
    std::array<std::byte, key_size> point{};
    const auto done = pair_->run(&driver::agree, {base_point}, point);
    if (!done) {
        return done.error();
    }
    pair_->complete(point);
    auto software = in_software(front_end_.software(), *pair_);
    return AsymmetricKey::adopt(front_end_, KeyType::x25519, software.release(), std::move(pair_));
}

}  // namespace ringside::frontends
