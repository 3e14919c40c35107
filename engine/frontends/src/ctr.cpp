// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// AES-CTR on the device, for the provider. Each update is one operation, wherever in the key stream
// it begins.
//
// libcrypto's own random generator is built on AES-CTR, and with our default properties it fetches
// this one. It must not: a job that pauses inside the generator leaves it half-way for the next
// caller. It is known by giving its key before any IV; a context that begins so is software's.

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/proverr.h>

#include <algorithm>
#include <array>
#include <memory>

#include "cipher_dispatch.hpp"

namespace ringside::frontends {
namespace {

constexpr std::size_t block_size = 16;
/// EVP counts in int.
constexpr std::size_t largest_software_piece = std::size_t{1} << 30;
using Block = std::array<unsigned char, block_size>;

constexpr CipherShape ctr_shape(const char* name, int nid, std::size_t key_size) {
    // A stream cipher to EVP: blocks of one byte.
    return {name,
            nid,
            AlgorithmFamily::aes_ctr,
            spec::Algorithm::aes_ctr,
            EVP_CIPH_CTR_MODE,
            key_size,
            block_size,
            1};
}
constexpr CipherShape ctr_128 = ctr_shape("AES-128-CTR", NID_aes_128_ctr, 16);
constexpr CipherShape ctr_192 = ctr_shape("AES-192-CTR", NID_aes_192_ctr, 24);
constexpr CipherShape ctr_256 = ctr_shape("AES-256-CTR", NID_aes_256_ctr, 32);

/// A number of 128 bits, big-endian, that wraps.
void add(Block& counter, std::uint64_t blocks) {
    std::uint64_t carry = blocks;
    for (auto byte = counter.rbegin(); byte != counter.rend() && carry != 0; ++byte) {
        const std::uint64_t sum = *byte + (carry & 0xFF);
        *byte = static_cast<unsigned char>(sum);
        carry = (carry >> 8) + (sum >> 8);
    }
}

void decrement(Block& counter) {
    for (auto byte = counter.rbegin(); byte != counter.rend(); ++byte) {
        if ((*byte)-- != 0) {
            break;
        }
    }
}

class CtrContext {
  public:
    CtrContext(FrontEnd& front_end, const CipherShape& shape)
        : front_end_(front_end), shape_(shape), key_(front_end, shape.algorithm) {}
    CtrContext(const CtrContext& other)
        : front_end_(other.front_end_),
          shape_(other.shape_),
          key_(other.key_),
          has_iv_(other.has_iv_),
          is_softwares_(other.is_softwares_),
          pads_(other.pads_),
          original_iv_(other.original_iv_),
          counter_(other.counter_),
          used_(other.used_) {}
    CtrContext& operator=(const CtrContext&) = delete;

    std::unique_ptr<CtrContext> duplicate() const { return std::make_unique<CtrContext>(*this); }

    int init(bool /*encrypts*/, const unsigned char* key, std::size_t key_size,
             const unsigned char* iv, std::size_t iv_size, const OSSL_PARAM params[]) {
        used_ = 0;
        if (iv != nullptr) {
            if (iv_size != block_size) {
                ERR_raise(ERR_LIB_PROV, PROV_R_INVALID_IV_LENGTH);
                return 0;
            }
            std::copy_n(iv, block_size, original_iv_.begin());
            counter_ = original_iv_;
            has_iv_ = true;
        }
        if (key != nullptr) {
            is_softwares_ = is_softwares_ || !has_iv_;
            software_.reset();
            if (!set_cipher_key(key_, shape_, {key, key_size})) {
                return 0;
            }
        }
        return set_params(params);
    }

    int update(unsigned char* out, std::size_t* out_size, std::size_t capacity,
               const unsigned char* in, std::size_t size) {
        *out_size = 0;
        if (size == 0) {
            return 1;
        }
        if (capacity < size || !key_.is_set()) {
            ERR_raise(ERR_LIB_PROV,
                      capacity < size ? PROV_R_OUTPUT_BUFFER_TOO_SMALL : PROV_R_NO_KEY_SET);
            return 0;
        }
        bool in_device = !is_softwares_ && front_end_.wants_device(shape_.family, size);
        for (std::size_t at = 0; at != size;) {
            // In pieces, so that software can go on where the device stopped.
            const auto done = in_device ? run_on_device({in + at, size - at}, out + at)
                                        : run_in_software({in + at, size - at}, out + at);
            if (done) {
                advance(*done);
                at += *done;
            } else if (in_device && front_end_.falls_back(done.error())) {
                in_device = false;
            } else {
                raise_error(PROV_R_CIPHER_OPERATION_FAILED, done.error());
                return 0;
            }
        }
        *out_size = size;
        return 1;
    }

    int final(unsigned char* /*out*/, std::size_t* out_size, std::size_t /*capacity*/) {
        *out_size = 0;
        return 1;
    }

    /// EVP_Cipher(3).
    int one_shot(unsigned char* out, std::size_t* out_size, std::size_t capacity,
                 const unsigned char* in, std::size_t size) {
        return update(out, out_size, capacity, in, size);
    }

    int get_params(OSSL_PARAM params[]) {
        return get_iv_params(
            shape_, {.original_iv = original_iv_, .iv = counter_, .pads = pads_, .num = used_},
            params);
    }

    int set_params(const OSSL_PARAM params[]) {
        if (params == nullptr) {
            return 1;
        }
        unsigned pads = pads_ ? 1 : 0;
        unsigned used = used_;
        if (!take_uint(params, OSSL_CIPHER_PARAM_PADDING, pads) ||
            !take_uint(params, OSSL_CIPHER_PARAM_NUM, used) || !accepts_key_size(shape_, params)) {
            return 0;
        }
        pads_ = pads != 0;
        used_ = used % block_size;
        return 1;
    }

    static const OSSL_PARAM* gettable() { return gettable_iv_params(); }
    static const OSSL_PARAM* settable() {
        static const OSSL_PARAM params[] = {
            OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_KEYLEN, nullptr),
            OSSL_PARAM_uint(OSSL_CIPHER_PARAM_PADDING, nullptr),
            OSSL_PARAM_uint(OSSL_CIPHER_PARAM_NUM, nullptr),
            OSSL_PARAM_END,
        };
        return params;
    }

  private:
    /// The counter block that the next byte's key stream comes from.
    Block current_counter() const {
        Block counter = counter_;
        if (used_ != 0) {
            decrement(counter);
        }
        return counter;
    }

    void advance(std::size_t size) {
        const std::size_t begun = used_ != 0 ? 1 : 0;
        const std::size_t end = used_ + size;
        add(counter_, (end + block_size - 1) / block_size - begun);
        used_ = static_cast<unsigned>(end % block_size);
    }

    /// How much of `in`, from its beginning, has been done.
    driver::result<std::size_t> run_on_device(std::span<const unsigned char> in,
                                              unsigned char* out) {
        const auto session = key_.session();
        if (!session) {
            return session.error();
        }
        const Block counter = current_counter();
        const auto piece =
            in.first(std::min<std::size_t>(in.size(), (*session)->largest_transfer() - used_));
        const auto done = (*session)->ctr(
            std::as_bytes(std::span<const unsigned char, block_size>(counter)), used_,
            std::as_bytes(piece), std::as_writable_bytes(std::span(out, piece.size())));
        if (!done) {
            key_.end_session();
            return done.error();
        }
        return piece.size();
    }

    driver::result<std::size_t> run_in_software(std::span<const unsigned char> in,
                                                unsigned char* out) {
        const auto failed = make_error_code(boost::system::errc::not_enough_memory);
        if (software_ == nullptr) {
            const CipherHandle cipher = front_end_.software().fetch_cipher(shape_.name);
            software_.reset(EVP_CIPHER_CTX_new());
            if (cipher == nullptr || software_ == nullptr ||
                EVP_EncryptInit_ex2(software_.get(), cipher.get(), key_.data(), nullptr, nullptr) !=
                    1) {
                software_.reset();
                return failed;
            }
        }
        const auto piece = in.first(std::min(in.size(), largest_software_piece));
        const Block counter = current_counter();
        Block skipped{};
        int length = 0;
        const bool done =
            EVP_EncryptInit_ex2(software_.get(), nullptr, nullptr, counter.data(), nullptr) == 1 &&
            EVP_EncryptUpdate(software_.get(), skipped.data(), &length, skipped.data(),
                              static_cast<int>(used_)) == 1 &&
            EVP_EncryptUpdate(software_.get(), out, &length, piece.data(),
                              static_cast<int>(piece.size())) == 1;
        OPENSSL_cleanse(skipped.data(), skipped.size());
        return done ? driver::result<std::size_t>(piece.size()) : failed;
    }

    FrontEnd& front_end_;
    const CipherShape& shape_;
    CipherKey key_;
    bool has_iv_ = false;
    bool is_softwares_ = false;
    bool pads_ = true;  ///< of no consequence, but it can be asked for
    Block original_iv_{};
    Block counter_{};    ///< of the next block whose key stream is untouched
    unsigned used_ = 0;  ///< bytes of the key stream of the block before it; 0: all
    CipherContextHandle software_;
};

}  // namespace

// Names and object identifiers as in OpenSSL's own table.
const AlgorithmRow ctr_rows[3] = {
    {AlgorithmFamily::aes_ctr,
     {"AES-128-CTR", algorithm_properties, CipherDispatch<CtrContext, ctr_128>::table, nullptr}},
    {AlgorithmFamily::aes_ctr,
     {"AES-192-CTR", algorithm_properties, CipherDispatch<CtrContext, ctr_192>::table, nullptr}},
    {AlgorithmFamily::aes_ctr,
     {"AES-256-CTR", algorithm_properties, CipherDispatch<CtrContext, ctr_256>::table, nullptr}},
};

}  // namespace ringside::frontends
