// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "cbc_cipher.hpp"

#include <openssl/err.h>
#include <openssl/proverr.h>

#include <algorithm>

namespace ringside::frontends {
namespace {

/// EVP counts in int.
constexpr std::size_t largest_software_piece = std::size_t{1} << 30;

}  // namespace

bool CbcCipher::set_key(std::span<const unsigned char> key) {
    software_[0].reset();
    software_[1].reset();
    return set_cipher_key(key_, shape_, key);
}

bool CbcCipher::transform(bool encrypts, CbcIv iv, const unsigned char* in, unsigned char* out,
                          std::size_t size) {
    if (!key_.is_set()) {
        ERR_raise(ERR_LIB_PROV, PROV_R_NO_KEY_SET);
        return false;
    }
    bool in_device = front_end_.wants_device(shape_.family, size);
    while (size != 0) {
        // In pieces, so that software can go on where the device stopped.
        const auto done = in_device ? run_on_device(encrypts, iv, {in, size}, out)
                                    : run_in_software(encrypts, iv, {in, size}, out);
        if (done) {
            in += *done;
            out += *done;
            size -= *done;
        } else if (in_device && front_end_.falls_back(done.error())) {
            in_device = false;
        } else {
            raise_error(PROV_R_CIPHER_OPERATION_FAILED, done.error());
            return false;
        }
    }
    return true;
}

driver::result<std::size_t> CbcCipher::run_on_device(bool encrypts, CbcIv iv,
                                                     std::span<const unsigned char> in,
                                                     unsigned char* out) {
    const auto session = key_.session();
    if (!session) {
        return session.error();
    }
    const std::size_t largest = (*session)->largest_transfer() / cbc_block_size * cbc_block_size;
    const auto piece = in.first(std::min(in.size(), largest));
    const auto done =
        (*session)->cbc(encrypts ? driver::Direction::encrypt : driver::Direction::decrypt,
                        std::as_writable_bytes(iv), std::as_bytes(piece),
                        std::as_writable_bytes(std::span(out, piece.size())));
    if (!done) {
        key_.end_session();
        return done.error();
    }
    return piece.size();
}

driver::result<std::size_t> CbcCipher::run_in_software(bool encrypts, CbcIv iv,
                                                       std::span<const unsigned char> in,
                                                       unsigned char* out) {
    const auto failed = make_error_code(boost::system::errc::not_enough_memory);
    CipherContextHandle& ctx = software_[encrypts ? 1 : 0];
    if (ctx == nullptr) {
        const CipherHandle cipher = front_end_.software().fetch_cipher(shape_.name);
        ctx.reset(EVP_CIPHER_CTX_new());
        if (cipher == nullptr || ctx == nullptr ||
            EVP_CipherInit_ex2(ctx.get(), cipher.get(), key_.data(), nullptr, encrypts ? 1 : 0,
                               nullptr) != 1 ||
            EVP_CIPHER_CTX_set_padding(ctx.get(), 0) != 1) {
            ctx.reset();
            return failed;
        }
    }
    const auto piece = in.first(std::min(in.size(), largest_software_piece));
    const auto last_block = piece.last<cbc_block_size>();
    CbcBlock next_iv{};
    std::copy(last_block.begin(), last_block.end(), next_iv.begin());  // `out` may lie over it
    int length = 0;
    if (EVP_CipherInit_ex2(ctx.get(), nullptr, nullptr, iv.data(), -1, nullptr) != 1 ||
        EVP_CipherUpdate(ctx.get(), out, &length, piece.data(), static_cast<int>(piece.size())) !=
            1) {
        return failed;
    }
    if (encrypts) {
        std::copy_n(out + (piece.size() - cbc_block_size), cbc_block_size, next_iv.begin());
    }
    std::copy(next_iv.begin(), next_iv.end(), iv.begin());
    return piece.size();
}

}  // namespace ringside::frontends
