// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "rsa_transform.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/proverr.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <vector>

#include "device_key.hpp"

namespace ringside::frontends {
namespace {

const SoftwareAlgorithm& cipher(const PrivateLibcrypto& library) {
    static const SoftwareAlgorithm rsa(library, OSSL_OP_ASYM_CIPHER, "RSA");
    return rsa;
}

/// The default provider's key object for `modulus` with both exponents 1; null if it takes none.
void* make_identity(const SoftwareAlgorithm& management, void* provider_context,
                    std::span<const std::byte> modulus) {
    std::vector<unsigned char> native(modulus.size());  // parameters have the host's order
    std::reverse_copy(modulus.begin(), modulus.end(),
                      std::as_writable_bytes(std::span(native)).begin());
    unsigned char one = 1;
    const OSSL_PARAM numbers[] = {
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, native.data(), native.size()),
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, &one, 1),
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_D, &one, 1),
        OSSL_PARAM_construct_end(),
    };
    void* const key =
        management.get<OSSL_FUNC_keymgmt_new_fn>(OSSL_FUNC_KEYMGMT_NEW)(provider_context);
    if (key != nullptr && management.get<OSSL_FUNC_keymgmt_import_fn>(OSSL_FUNC_KEYMGMT_IMPORT)(
                              key, OSSL_KEYMGMT_SELECT_KEYPAIR, numbers) == 1) {
        return key;
    }
    management.get<OSSL_FUNC_keymgmt_free_fn>(OSSL_FUNC_KEYMGMT_FREE)(key);
    return nullptr;
}

}  // namespace

std::shared_ptr<RsaTransform> RsaTransform::create(std::shared_ptr<DeviceKeyPair> key,
                                                   const SoftwareAlgorithm& management,
                                                   void* software) {
    auto transform = std::make_shared<RsaTransform>(std::move(key), management, software);
    return transform->identity_ != nullptr ? std::move(transform) : nullptr;
}

RsaTransform::RsaTransform(std::shared_ptr<DeviceKeyPair> key, const SoftwareAlgorithm& management,
                           void* software)
    : front_end_(key->front_end()),
      device_(std::move(key)),
      encoding_(front_end_.software(), device_.modulus()),
      management_(management),
      software_(software),
      identity_(
          make_identity(management, front_end_.software().provider_context(), device_.modulus())) {}

RsaTransform::~RsaTransform() {
    management_.get<OSSL_FUNC_keymgmt_free_fn>(OSSL_FUNC_KEYMGMT_FREE)(identity_);
}

bool RsaTransform::private_power(const unsigned char* in, unsigned char* out) {
    if (!device_.has_private_half() || !front_end_.wants_device(AlgorithmFamily::rsa)) {
        return in_software(true, in, out);
    }
    const auto done = device_.private_power(octets(in, size()), octets(out, size()));
    if (!done && front_end_.falls_back(done.error())) {
        return in_software(true, in, out);
    }
    if (!done) {
        raise_error(PROV_R_FAILED_TO_DECRYPT, done.error());
    }
    return done.has_value();
}

bool RsaTransform::public_power(const unsigned char* in, unsigned char* out) {
    if (!front_end_.wants_device(AlgorithmFamily::rsa)) {
        return in_software(false, in, out);
    }
    const auto done = device_.public_power(octets(in, size()), octets(out, size()));
    if (!done && front_end_.falls_back(done.error())) {
        return in_software(false, in, out);
    }
    if (!done) {
        raise_error(PROV_R_BAD_ENCODING, done.error());
    }
    return done.has_value();
}

bool RsaTransform::in_software(bool is_private, const unsigned char* in, unsigned char* out) {
    const SoftwareAlgorithm& rsa = cipher(front_end_.software());
    int padding = RSA_NO_PADDING;
    const OSSL_PARAM no_padding[] = {
        OSSL_PARAM_construct_int(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, &padding),
        OSSL_PARAM_construct_end(),
    };
    // Of one shape: the key with which it begins, and the operation.
    auto* const init = rsa.get<OSSL_FUNC_asym_cipher_decrypt_init_fn>(
        is_private ? OSSL_FUNC_ASYM_CIPHER_DECRYPT_INIT : OSSL_FUNC_ASYM_CIPHER_ENCRYPT_INIT);
    auto* const power = rsa.get<OSSL_FUNC_asym_cipher_decrypt_fn>(
        is_private ? OSSL_FUNC_ASYM_CIPHER_DECRYPT : OSSL_FUNC_ASYM_CIPHER_ENCRYPT);
    void* const context = rsa.get<OSSL_FUNC_asym_cipher_newctx_fn>(OSSL_FUNC_ASYM_CIPHER_NEWCTX)(
        front_end_.software().provider_context());
    if (context == nullptr) {
        return false;
    }
    const SoftwareOnly software;
    std::size_t length = 0;
    const bool done = init(context, software_, no_padding) == 1 &&
                      power(context, out, &length, size(), in, size()) == 1 && length == size();
    rsa.get<OSSL_FUNC_asym_cipher_freectx_fn>(OSSL_FUNC_ASYM_CIPHER_FREECTX)(context);
    return done;
}

}  // namespace ringside::frontends
