// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "xts_cipher.hpp"

#include <openssl/err.h>
#include <openssl/proverr.h>

#include <algorithm>

namespace ringside::frontends {
namespace {

/// IEEE 1619: 2^20 blocks.
constexpr std::size_t largest_data_unit = xts_block_size << 20;

}  // namespace

bool XtsCipher::init(bool encrypts, const unsigned char* key, std::size_t key_size,
                     const unsigned char* tweak, std::size_t tweak_size) {
    encrypts_ = encrypts;
    if (tweak != nullptr) {
        if (tweak_size != xts_block_size) {
            ERR_raise(ERR_LIB_PROV, PROV_R_INVALID_IV_LENGTH);
            return false;
        }
        std::copy_n(tweak, xts_block_size, tweak_.begin());
        has_tweak_ = true;
    }
    if (key == nullptr) {
        return true;
    }
    if (!set_cipher_key(key_, shape_, {key, key_size})) {
        return false;
    }
    // OpenSSL's own takes such a key for decrypting, for the sake of what was encrypted with it.
    is_softwares_ = CRYPTO_memcmp(key, key + key_size / 2, key_size / 2) == 0;
    if (is_softwares_ && encrypts) {
        ERR_raise(ERR_LIB_PROV, PROV_R_XTS_DUPLICATED_KEYS);
        return false;
    }
    return true;
}

bool XtsCipher::transform(const unsigned char* in, unsigned char* out, std::size_t size) {
    if (!key_.is_set() || !has_tweak_ || size < xts_block_size) {
        ERR_raise(ERR_LIB_PROV, key_.is_set() ? PROV_R_CIPHER_OPERATION_FAILED : PROV_R_NO_KEY_SET);
        return false;
    }
    if (size > largest_data_unit) {
        ERR_raise(ERR_LIB_PROV, PROV_R_XTS_DATA_UNIT_IS_TOO_LARGE);
        return false;
    }
    if (!is_softwares_ && front_end_.wants_device(shape_.family, size)) {
        const auto done = run_on_device({in, size}, out);
        // A data unit above what a descriptor holds is no failure of the device.
        if (done || (done.error() != driver::Errc::invalid_request &&
                     !front_end_.falls_back(done.error()))) {
            if (!done) {
                raise_error(PROV_R_CIPHER_OPERATION_FAILED, done.error());
            }
            return done.has_value();
        }
    }
    return run_in_software({in, size}, out);
}

driver::result<void> XtsCipher::run_on_device(std::span<const unsigned char> in,
                                              unsigned char* out) {
    const auto session = key_.session();
    if (!session) {
        return session.error();
    }
    const auto done =
        (*session)->xts(encrypts_ ? driver::Direction::encrypt : driver::Direction::decrypt,
                        std::as_bytes(std::span<const unsigned char, xts_block_size>(tweak_)),
                        std::as_bytes(in), std::as_writable_bytes(std::span(out, in.size())));
    if (!done && done.error() != driver::Errc::invalid_request) {
        key_.end_session();
    }
    return done;
}

bool XtsCipher::run_in_software(std::span<const unsigned char> in, unsigned char* out) {
    const CipherHandle cipher = front_end_.software().fetch_cipher(shape_.name);
    const CipherContextHandle ctx(EVP_CIPHER_CTX_new());
    int length = 0;
    return cipher != nullptr && ctx != nullptr &&
           EVP_CipherInit_ex2(ctx.get(), cipher.get(), key_.data(), tweak_.data(),
                              encrypts_ ? 1 : 0, nullptr) == 1 &&
           EVP_CipherUpdate(ctx.get(), out, &length, in.data(), static_cast<int>(in.size())) == 1;
}

}  // namespace ringside::frontends
