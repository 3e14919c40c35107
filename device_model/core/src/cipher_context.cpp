// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "cipher_context.hpp"

#include <openssl/core_names.h>
#include <openssl/params.h>

namespace ringside::core {

CipherContext::CipherContext(const CipherFunctions& cipher, std::span<const std::byte> key,
                             bool encrypts)
    : cipher_(cipher),
      init_(encrypts ? cipher.encrypt_init : cipher.decrypt_init),
      context_(cipher.make(cipher.provider), cipher.free) {
    require(context_ != nullptr &&
                init_(context_.get(), as_uchar(key.data()), key.size(), nullptr, 0, nullptr) == 1,
            "a cipher context cannot be made");
}

void CipherContext::update(std::span<const std::byte> from, std::span<std::byte> into) {
    std::size_t length = 0;
    require(from.empty() || cipher_.update(context_.get(), as_uchar(into.data()), &length,
                                           from.size(), as_uchar(from.data()), from.size()) == 1,
            "an authenticating cipher failed on checked input");
}

void CipherContext::get_tag(std::span<std::byte> tag) {
    OSSL_PARAM wanted[] = {
        OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag.data(), tag.size()),
        OSSL_PARAM_construct_end()};
    require(finish() && cipher_.get_params(context_.get(), wanted) == 1,
            "an authenticating cipher gave no tag");
}

bool CipherContext::verify(std::span<const std::byte> tag) {
    // libcrypto's parameters are not const, but it does not write to what is set.
    const OSSL_PARAM given[] = {
        OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG,
                                          const_cast<std::byte*>(tag.data()), tag.size()),
        OSSL_PARAM_construct_end()};
    require(cipher_.set_params(context_.get(), given) == 1, "a tag of checked length was refused");
    return finish();
}

bool CipherContext::finish() {
    unsigned char nothing[1];
    std::size_t length = 0;
    return cipher_.finish(context_.get(), nothing, &length, 0) == 1;
}

}  // namespace ringside::core
