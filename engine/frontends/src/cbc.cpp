// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// AES-CBC on the device. Blocks are offloaded as they become whole; what is kept back for the next
// call and the padding are ours. The record layer of TLS (which wants MAC and padding taken off in
// constant time, OSSL_CIPHER_PARAM_TLS_VERSION) is left to OpenSSL's software.

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/proverr.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "cbc_cipher.hpp"
#include "cipher_dispatch.hpp"

namespace ringside::frontends {
namespace {

constexpr std::size_t block_size = cbc_block_size;
using Block = CbcBlock;

class CbcContext {
  public:
    CbcContext(FrontEnd& front_end, const CipherShape& shape)
        : front_end_(front_end), shape_(shape), cipher_(front_end, shape) {}

    std::unique_ptr<CbcContext> duplicate() const {
        auto copy = std::make_unique<CbcContext>(*this);
        if (software_ != nullptr) {
            copy->software_.reset(EVP_CIPHER_CTX_new());
            if (copy->software_ == nullptr ||
                EVP_CIPHER_CTX_copy(copy->software_.get(), software_.get()) != 1) {
                return nullptr;
            }
        }
        return copy;
    }
    CbcContext(const CbcContext& other)
        : front_end_(other.front_end_),
          shape_(other.shape_),
          cipher_(other.cipher_),
          encrypts_(other.encrypts_),
          pads_(other.pads_),
          has_iv_(other.has_iv_),
          original_iv_(other.original_iv_),
          iv_(other.iv_),
          kept_(other.kept_),
          kept_size_(other.kept_size_) {}
    CbcContext& operator=(const CbcContext&) = delete;
    ~CbcContext() { OPENSSL_cleanse(kept_.data(), kept_.size()); }

    int init(bool encrypts, const unsigned char* key, std::size_t key_size, const unsigned char* iv,
             std::size_t iv_size, const OSSL_PARAM params[]) {
        encrypts_ = encrypts;
        kept_size_ = 0;
        if (key != nullptr && !cipher_.set_key({key, key_size})) {
            return 0;
        }
        if (iv != nullptr) {
            if (iv_size != block_size) {
                ERR_raise(ERR_LIB_PROV, PROV_R_INVALID_IV_LENGTH);
                return 0;
            }
            std::copy_n(iv, block_size, original_iv_.begin());
            has_iv_ = true;
        }
        iv_ = original_iv_;  // a new message under the former key or IV, as in OpenSSL's own
        if (software_ != nullptr &&
            EVP_CipherInit_ex2(software_.get(), nullptr, key, iv, encrypts ? 1 : 0, nullptr) != 1) {
            return 0;
        }
        return set_params(params);
    }

    int update(unsigned char* out, std::size_t* out_size, std::size_t capacity,
               const unsigned char* in, std::size_t size) {
        if (software_ != nullptr) {
            return update_in_software(out, out_size, in, size);
        }
        *out_size = 0;
        const std::size_t total = kept_size_ + size;
        std::size_t ready = total / block_size * block_size;
        if (!encrypts_ && pads_ && ready == total && ready != 0) {
            ready -= block_size;  // it may be the padding
        }
        if (ready > capacity) {
            ERR_raise(ERR_LIB_PROV, PROV_R_OUTPUT_BUFFER_TOO_SMALL);
            return 0;
        }
        // What stays for the next call is taken first: `out` may lie over `in`.
        Block keep{};
        const std::size_t keep_size = total - ready;
        const std::size_t from_in = std::min(keep_size, size);
        const std::size_t from_kept = keep_size - from_in;
        std::copy_n(kept_.data() + (kept_size_ - from_kept), from_kept, keep.begin());
        std::copy_n(in + (size - from_in), from_in, keep.data() + from_kept);
        if (ready != 0 && transform_ready(out, in, ready) == 0) {
            return 0;
        }
        kept_ = keep;
        kept_size_ = keep_size;
        *out_size = ready;
        return 1;
    }

    int final(unsigned char* out, std::size_t* out_size, std::size_t capacity) {
        if (software_ != nullptr) {
            int written = 0;
            const int done = EVP_CipherFinal_ex(software_.get(), out, &written);
            *out_size = static_cast<std::size_t>(written);
            return done;
        }
        *out_size = 0;
        if (!pads_) {
            if (kept_size_ != 0) {
                ERR_raise(ERR_LIB_PROV, PROV_R_WRONG_FINAL_BLOCK_LENGTH);
                return 0;
            }
            return 1;
        }
        return encrypts_ ? finish_encryption(out, out_size, capacity)
                         : finish_decryption(out, out_size, capacity);
    }

    /// EVP_Cipher(3): whole blocks, nothing kept, no padding.
    int one_shot(unsigned char* out, std::size_t* out_size, std::size_t capacity,
                 const unsigned char* in, std::size_t size) {
        if (software_ != nullptr) {
            return update_in_software(out, out_size, in, size);
        }
        if (size > capacity || size % block_size != 0) {
            ERR_raise(ERR_LIB_PROV, size > capacity ? PROV_R_OUTPUT_BUFFER_TOO_SMALL
                                                    : PROV_R_WRONG_FINAL_BLOCK_LENGTH);
            return 0;
        }
        *out_size = size;
        return transform(out, in, size);
    }

    int get_params(OSSL_PARAM params[]) {
        if (software_ != nullptr) {
            return EVP_CIPHER_CTX_get_params(software_.get(), params);
        }
        const IvParams now{.original_iv = original_iv_, .iv = iv_, .pads = pads_};
        return get_iv_params(shape_, now, params);
    }

    int set_params(const OSSL_PARAM params[]) {
        if (params == nullptr) {
            return 1;
        }
        unsigned pads = pads_ ? 1 : 0;
        if (!take_uint(params, OSSL_CIPHER_PARAM_PADDING, pads) ||
            !accepts_key_size(shape_, params)) {
            return 0;
        }
        pads_ = pads != 0;
        const bool is_tls =
            OSSL_PARAM_locate_const(params, OSSL_CIPHER_PARAM_TLS_VERSION) != nullptr;
        if (is_tls && software_ == nullptr && !go_on_in_software()) {
            return 0;
        }
        return software_ == nullptr ? 1 : EVP_CIPHER_CTX_set_params(software_.get(), params);
    }

    static const OSSL_PARAM* gettable() {
        static const OSSL_PARAM params[] = {
            OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_KEYLEN, nullptr),
            OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_IVLEN, nullptr),
            OSSL_PARAM_uint(OSSL_CIPHER_PARAM_PADDING, nullptr),
            OSSL_PARAM_uint(OSSL_CIPHER_PARAM_NUM, nullptr),
            OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_IV, nullptr, 0),
            OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_UPDATED_IV, nullptr, 0),
            OSSL_PARAM_octet_ptr(OSSL_CIPHER_PARAM_TLS_MAC, nullptr, 0),
            OSSL_PARAM_END,
        };
        return params;
    }
    static const OSSL_PARAM* settable() {
        static const OSSL_PARAM params[] = {
            OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_KEYLEN, nullptr),
            OSSL_PARAM_uint(OSSL_CIPHER_PARAM_PADDING, nullptr),
            OSSL_PARAM_uint(OSSL_CIPHER_PARAM_NUM, nullptr),
            OSSL_PARAM_uint(OSSL_CIPHER_PARAM_TLS_VERSION, nullptr),
            OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_TLS_MAC_SIZE, nullptr),
            OSSL_PARAM_END,
        };
        return params;
    }

  private:
    int transform_ready(unsigned char* out, const unsigned char* in, std::size_t ready) {
        if (kept_size_ == 0) {
            return transform(out, in, ready);
        }
        CleansedBuffer joined(ready);
        auto* bytes = reinterpret_cast<unsigned char*>(joined.data());
        const std::size_t from_kept = std::min(kept_size_, ready);
        std::copy_n(kept_.data(), from_kept, bytes);
        std::copy_n(in, ready - from_kept, bytes + from_kept);
        return transform(out, bytes, ready);
    }

    int transform(unsigned char* out, const unsigned char* in, std::size_t size) {
        if (!has_iv_) {
            ERR_raise_data(ERR_LIB_PROV, PROV_R_CIPHER_OPERATION_FAILED, "no fresh IV");
            return 0;
        }
        return cipher_.transform(encrypts_, iv_, in, out, size) ? 1 : 0;
    }

    int finish_encryption(unsigned char* out, std::size_t* out_size, std::size_t capacity) {
        if (capacity < block_size) {
            ERR_raise(ERR_LIB_PROV, PROV_R_OUTPUT_BUFFER_TOO_SMALL);
            return 0;
        }
        const auto padding = static_cast<unsigned char>(block_size - kept_size_);
        std::fill(kept_.begin() + static_cast<std::ptrdiff_t>(kept_size_), kept_.end(), padding);
        kept_size_ = 0;
        *out_size = block_size;
        return transform(out, kept_.data(), block_size);
    }

    int finish_decryption(unsigned char* out, std::size_t* out_size, std::size_t capacity) {
        if (kept_size_ != block_size) {
            ERR_raise(ERR_LIB_PROV, PROV_R_WRONG_FINAL_BLOCK_LENGTH);
            return 0;
        }
        Block last{};
        kept_size_ = 0;
        if (transform(last.data(), kept_.data(), block_size) == 0) {
            return 0;
        }
        const std::size_t padding = last.back();
        const bool good = padding >= 1 && padding <= block_size &&
                          std::all_of(last.end() - static_cast<std::ptrdiff_t>(padding), last.end(),
                                      [padding](unsigned char byte) { return byte == padding; });
        if (!good) {
            ERR_raise(ERR_LIB_PROV, PROV_R_BAD_DECRYPT);
            return 0;
        }
        if (capacity < block_size - padding) {
            ERR_raise(ERR_LIB_PROV, PROV_R_OUTPUT_BUFFER_TOO_SMALL);
            return 0;
        }
        *out_size = block_size - padding;
        std::copy_n(last.begin(), *out_size, out);
        OPENSSL_cleanse(last.data(), last.size());
        return 1;
    }

    /// From here on the default provider's cipher, with this context's key, IV and settings.
    bool go_on_in_software() {
        const CipherHandle cipher = front_end_.software().fetch_cipher(shape_.name);
        software_.reset(EVP_CIPHER_CTX_new());
        const bool done =
            cipher != nullptr && software_ != nullptr &&
            EVP_CipherInit_ex2(software_.get(), cipher.get(),
                               cipher_.key().is_set() ? cipher_.key().data() : nullptr,
                               has_iv_ ? iv_.data() : nullptr, encrypts_ ? 1 : 0, nullptr) == 1 &&
            EVP_CIPHER_CTX_set_padding(software_.get(), pads_ ? 1 : 0) == 1;
        if (!done) {
            software_.reset();
        }
        return done;
    }

    int update_in_software(unsigned char* out, std::size_t* out_size, const unsigned char* in,
                           std::size_t size) {
        int written = 0;
        const int done =
            EVP_CipherUpdate(software_.get(), out, &written, in, static_cast<int>(size));
        *out_size = static_cast<std::size_t>(written);
        return done;
    }

    FrontEnd& front_end_;
    const CipherShape& shape_;
    CbcCipher cipher_;
    bool encrypts_ = true;
    bool pads_ = true;
    bool has_iv_ = false;
    Block original_iv_{};
    Block iv_{};
    Block kept_{};
    std::size_t kept_size_ = 0;
    CipherContextHandle software_;  ///< set: everything goes there
};

}  // namespace

// Names and object identifiers as in OpenSSL's own table.
const AlgorithmRow cbc_rows[3] = {
    {AlgorithmFamily::aes_cbc,
     {"AES-128-CBC:AES128:2.16.840.1.101.3.4.1.2", algorithm_properties,
      CipherDispatch<CbcContext, cbc_128>::table, nullptr}},
    {AlgorithmFamily::aes_cbc,
     {"AES-192-CBC:AES192:2.16.840.1.101.3.4.1.22", algorithm_properties,
      CipherDispatch<CbcContext, cbc_192>::table, nullptr}},
    {AlgorithmFamily::aes_cbc,
     {"AES-256-CBC:AES256:2.16.840.1.101.3.4.1.42", algorithm_properties,
      CipherDispatch<CbcContext, cbc_256>::table, nullptr}},
};

}  // namespace ringside::frontends
