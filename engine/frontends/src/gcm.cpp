// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// AES-GCM on the device. The device takes a message whole: additional data, payload, tag. So
// additional data is collected, and the first (mostly the only) update with payload is one
// operation. A message that turns out to be different, in several updates, decrypted before its tag
// is known, with a long IV, in TLS 1.2's record form, starts over in OpenSSL's software with what
// has been seen, and gives the same bytes.

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/proverr.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "cipher_dispatch.hpp"

namespace ringside::frontends {
namespace {

constexpr std::size_t default_iv_size = 12;
constexpr std::size_t largest_device_iv = 16;
constexpr std::size_t largest_iv = 128;  // the default provider's GCM_IV_MAX_SIZE
constexpr std::size_t tag_size = 16;
constexpr std::size_t largest_device_aad = 65535;

constexpr CipherShape shape_of(const char* name, std::size_t key_size) {
    // A stream cipher to EVP: blocks of one byte.
    return {name, spec::Algorithm::aes_gcm, EVP_CIPH_GCM_MODE, key_size, default_iv_size, 1, true};
}
constexpr CipherShape shape_128 = shape_of("AES-128-GCM", 16);
constexpr CipherShape shape_192 = shape_of("AES-192-GCM", 24);
constexpr CipherShape shape_256 = shape_of("AES-256-GCM", 32);

using Octets = std::span<const unsigned char>;

/// Bytes that are seen again only if the message starts over; overwritten when dropped.
class Seen {
  public:
    Seen() = default;
    Seen(const Seen&) = default;
    Seen& operator=(const Seen&) = delete;
    ~Seen() { clear(); }
    void append(Octets octets) { bytes_.insert(bytes_.end(), octets.begin(), octets.end()); }
    void clear() {
        OPENSSL_cleanse(bytes_.data(), bytes_.size());
        bytes_.clear();
    }
    Octets octets() const { return bytes_; }

  private:
    std::vector<unsigned char> bytes_;
};

class GcmContext {
  public:
    GcmContext(ProviderContext& provider, const CipherShape& shape)
        : provider_(provider), shape_(shape), key_(provider, shape) {}
    GcmContext(const GcmContext& other)
        : provider_(other.provider_),
          shape_(other.shape_),
          key_(other.key_),
          encrypts_(other.encrypts_),
          iv_state_(other.iv_state_),
          iv_(other.iv_),
          iv_size_(other.iv_size_),
          tag_(other.tag_),
          known_tag_size_(other.known_tag_size_),
          progress_(other.progress_),
          aad_(other.aad_),
          payload_(other.payload_) {}
    GcmContext& operator=(const GcmContext&) = delete;

    std::unique_ptr<GcmContext> duplicate() const {
        auto copy = std::make_unique<GcmContext>(*this);
        if (software_ != nullptr) {
            copy->software_.reset(EVP_CIPHER_CTX_new());
            if (copy->software_ == nullptr ||
                EVP_CIPHER_CTX_copy(copy->software_.get(), software_.get()) != 1) {
                return nullptr;
            }
            copy->tls_ = tls_;
        }
        return copy;
    }

    int init(bool encrypts, const unsigned char* key, std::size_t key_size, const unsigned char* iv,
             std::size_t iv_size, const OSSL_PARAM params[]) {
        encrypts_ = encrypts;
        if (iv != nullptr) {
            if (iv_size == 0 || iv_size > largest_iv) {
                ERR_raise(ERR_LIB_PROV, PROV_R_INVALID_IV_LENGTH);
                return 0;
            }
            iv_size_ = iv_size;
            std::copy_n(iv, iv_size, iv_.begin());
            begin_message(IvState::fresh);
        }
        if (key != nullptr && !key_.set({key, key_size})) {
            return 0;
        }
        if (tls_ &&
            EVP_CipherInit_ex2(software_.get(), nullptr, key, iv, encrypts ? 1 : 0, nullptr) != 1) {
            return 0;
        }
        return set_params(params);
    }

    int update(unsigned char* out, std::size_t* out_size, std::size_t capacity,
               const unsigned char* in, std::size_t size) {
        *out_size = 0;
        if (tls_) {
            return update_in_software(out, out_size, in, size);
        }
        if (size == 0) {
            return 1;
        }
        if (iv_state_ != IvState::fresh) {
            ERR_raise_data(ERR_LIB_PROV, PROV_R_CIPHER_OPERATION_FAILED, "no fresh IV");
            return 0;
        }
        if (out == nullptr) {
            return add_aad({in, size});
        }
        if (capacity < size) {
            ERR_raise(ERR_LIB_PROV, PROV_R_OUTPUT_BUFFER_TOO_SMALL);
            return 0;
        }
        if (progress_ == Progress::collecting && fits_device()) {
            const Outcome outcome = run_on_device(out, in, size);
            if (outcome != Outcome::not_the_whole) {
                *out_size = outcome == Outcome::done ? size : 0;
                return outcome == Outcome::done ? 1 : 0;
            }
        }
        return start_over_in_software() ? update_in_software(out, out_size, in, size) : 0;
    }

    int final(unsigned char* out, std::size_t* out_size, std::size_t /*capacity*/) {
        *out_size = 0;
        if (tls_) {
            return finish_in_software(out, out_size);
        }
        if (iv_state_ != IvState::fresh) {
            ERR_raise_data(ERR_LIB_PROV, PROV_R_CIPHER_OPERATION_FAILED, "no fresh IV");
            return 0;
        }
        if (!encrypts_ && known_tag_size_ == 0) {
            ERR_raise(ERR_LIB_PROV, PROV_R_TAG_NOT_SET);
            return 0;
        }
        int done = 1;
        if (progress_ != Progress::on_device) {
            // Nothing but additional data, or a message that is in software already.
            done = start_over_in_software() ? finish_in_software(out, out_size) : 0;
        }
        iv_state_ = IvState::used;  // never the same nonce twice
        payload_.clear();
        return done;
    }

    /// EVP_Cipher(3): an update, or with no input the end of the message.
    int one_shot(unsigned char* out, std::size_t* out_size, std::size_t capacity,
                 const unsigned char* in, std::size_t size) {
        if (tls_) {
            const int written =
                EVP_Cipher(software_.get(), out, in, static_cast<unsigned int>(size));
            *out_size = written > 0 ? static_cast<std::size_t>(written) : 0;
            return written > 0 ? 1 : 0;
        }
        return in != nullptr ? update(out, out_size, capacity, in, size)
                             : final(out, out_size, capacity);
    }

    int get_params(OSSL_PARAM params[]) {
        if (tls_) {
            return EVP_CIPHER_CTX_get_params(software_.get(), params);
        }
        const std::size_t shown_tag = known_tag_size_ != 0 ? known_tag_size_ : tag_size;
        const bool done =
            answer(params, OSSL_CIPHER_PARAM_KEYLEN, shape_.key_size) &&
            answer(params, OSSL_CIPHER_PARAM_IVLEN, iv_size_) &&
            answer(params, OSSL_CIPHER_PARAM_AEAD_TAGLEN, shown_tag) &&
            answer(params, OSSL_CIPHER_PARAM_IV, Octets(iv_).first(iv_size_)) &&
            answer(params, OSSL_CIPHER_PARAM_UPDATED_IV, Octets(iv_).first(iv_size_)) &&
            give_tag(params);
        if (!done) {
            ERR_raise(ERR_LIB_PROV, PROV_R_FAILED_TO_SET_PARAMETER);
        }
        return done ? 1 : 0;
    }

    int set_params(const OSSL_PARAM params[]) {
        if (params == nullptr) {
            return 1;
        }
        for (const char* name :
             {OSSL_CIPHER_PARAM_AEAD_TLS1_AAD, OSSL_CIPHER_PARAM_AEAD_TLS1_IV_FIXED,
              OSSL_CIPHER_PARAM_AEAD_TLS1_SET_IV_INV}) {
            tls_ |= OSSL_PARAM_locate_const(params, name) != nullptr;
        }
        if (tls_) {
            return (software_ != nullptr || make_software()) &&
                           EVP_CIPHER_CTX_set_params(software_.get(), params) == 1
                       ? 1
                       : 0;
        }
        return take_iv_size(params) && take_key_size(params) && take_tag(params) ? 1 : 0;
    }

    static const OSSL_PARAM* gettable() {
        static const OSSL_PARAM params[] = {
            OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_KEYLEN, nullptr),
            OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_IVLEN, nullptr),
            OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_AEAD_TAGLEN, nullptr),
            OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_IV, nullptr, 0),
            OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_UPDATED_IV, nullptr, 0),
            OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, nullptr, 0),
            OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_AEAD_TLS1_AAD_PAD, nullptr),
            OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_GET_IV_GEN, nullptr, 0),
            OSSL_PARAM_END,
        };
        return params;
    }
    static const OSSL_PARAM* settable() {
        static const OSSL_PARAM params[] = {
            OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_KEYLEN, nullptr),
            OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_AEAD_IVLEN, nullptr),
            OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, nullptr, 0),
            OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_AAD, nullptr, 0),
            OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_IV_FIXED, nullptr, 0),
            OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_SET_IV_INV, nullptr, 0),
            OSSL_PARAM_END,
        };
        return params;
    }

  private:
    enum class IvState : unsigned char { none, fresh, used };
    enum class Progress : unsigned char { collecting, on_device, in_software };
    enum class Outcome : unsigned char { done, failed, not_the_whole };

    void begin_message(IvState state) {
        iv_state_ = state;
        progress_ = Progress::collecting;
        known_tag_size_ = 0;
        aad_.clear();
        payload_.clear();
        if (!tls_) {
            software_.reset();
        }
    }

    int add_aad(Octets octets) {
        if (progress_ == Progress::in_software) {
            std::size_t unused = 0;
            return update_in_software(nullptr, &unused, octets.data(), octets.size());
        }
        aad_.append(octets);
        return 1;
    }

    /// Whether the device can take a payload now as the whole message.
    bool fits_device() const {
        const auto is_defined = [](std::size_t size) {  // SP 800-38D 5.2.1.2
            return size == 4 || size == 8 || (size >= 12 && size <= tag_size);
        };
        return (encrypts_ || is_defined(known_tag_size_)) && iv_size_ <= largest_device_iv &&
               aad_.octets().size() <= largest_device_aad;
    }

    Outcome run_on_device(unsigned char* out, const unsigned char* in, std::size_t size) {
        offload::CipherSession* session = key_.session();
        if (session == nullptr) {
            return Outcome::failed;
        }
        if (aad_.octets().size() + size + tag_size > session->largest_message()) {
            return Outcome::not_the_whole;
        }
        payload_.append({in, size});
        const auto iv = std::as_bytes(Octets(iv_).first(iv_size_));
        const auto aad = std::as_bytes(aad_.octets());
        const auto from = std::as_bytes(payload_.octets());
        const auto to = std::as_writable_bytes(std::span(out, size));
        const auto tag = std::as_writable_bytes(std::span(tag_));
        const auto result =
            encrypts_ ? session->gcm_encrypt(iv, aad, from, to, tag)
                      : session->gcm_decrypt(iv, aad, from, to, tag.first(known_tag_size_));
        if (result) {
            progress_ = Progress::on_device;
            return Outcome::done;
        }
        if (result.error() == driver::Errc::auth_failed) {
            // Forged, or only the first part of a message: EVP cannot tell before the end. Software
            // goes on and has the last word.
            payload_.clear();
            return Outcome::not_the_whole;
        }
        raise_error(PROV_R_CIPHER_OPERATION_FAILED, result.error());
        return Outcome::failed;
    }

    bool make_software() {
        const CipherHandle cipher = provider_.fetch_software(shape_.name);
        software_.reset(EVP_CIPHER_CTX_new());
        std::size_t iv_size = iv_size_;
        const OSSL_PARAM params[] = {OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_IVLEN, &iv_size),
                                     OSSL_PARAM_END};
        const bool done = cipher != nullptr && software_ != nullptr &&
                          EVP_CipherInit_ex2(software_.get(), cipher.get(), nullptr, nullptr,
                                             encrypts_ ? 1 : 0, params) == 1 &&
                          EVP_CipherInit_ex2(
                              software_.get(), nullptr, key_.is_set() ? key_.data() : nullptr,
                              iv_state_ == IvState::fresh ? iv_.data() : nullptr, -1, nullptr) == 1;
        if (!done) {
            software_.reset();
        }
        return done;
    }

    /// The message from its beginning, as far as it has been seen; the output of that is known.
    bool start_over_in_software() {
        if (progress_ == Progress::in_software) {
            return true;
        }
        if (!make_software()) {
            return false;
        }
        int written = 0;
        const Octets aad = aad_.octets();
        const Octets payload = payload_.octets();
        std::vector<unsigned char> known(payload.size());
        bool done = aad.empty() || EVP_CipherUpdate(software_.get(), nullptr, &written, aad.data(),
                                                    static_cast<int>(aad.size())) == 1;
        done = done && (payload.empty() ||
                        EVP_CipherUpdate(software_.get(), known.data(), &written, payload.data(),
                                         static_cast<int>(payload.size())) == 1);
        OPENSSL_cleanse(known.data(), known.size());
        progress_ = Progress::in_software;
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

    int finish_in_software(unsigned char* out, std::size_t* out_size) {
        if (!encrypts_ && known_tag_size_ != 0 &&
            EVP_CIPHER_CTX_ctrl(software_.get(), EVP_CTRL_AEAD_SET_TAG,
                                static_cast<int>(known_tag_size_), tag_.data()) != 1) {
            return 0;
        }
        std::array<unsigned char, tag_size> nothing{};
        int written = 0;
        const int done =
            EVP_CipherFinal_ex(software_.get(), out != nullptr ? out : nothing.data(), &written);
        *out_size = static_cast<std::size_t>(written);
        if (done == 1 && encrypts_ && !tls_) {
            return EVP_CIPHER_CTX_ctrl(software_.get(), EVP_CTRL_AEAD_GET_TAG,
                                       static_cast<int>(tag_size), tag_.data());
        }
        return done;
    }

    bool give_tag(OSSL_PARAM params[]) const {
        OSSL_PARAM* param = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_AEAD_TAG);
        if (param == nullptr) {
            return true;
        }
        const std::size_t size = param->data_size;
        const bool allowed = encrypts_ && iv_state_ == IvState::used && size != 0 &&
                             size <= tag_size && param->data_type == OSSL_PARAM_OCTET_STRING;
        return allowed && OSSL_PARAM_set_octet_string(param, tag_.data(), size) == 1;
    }

    bool take_iv_size(const OSSL_PARAM params[]) {
        const auto* param = OSSL_PARAM_locate_const(params, OSSL_CIPHER_PARAM_AEAD_IVLEN);
        if (param == nullptr) {
            return true;
        }
        std::size_t size = 0;
        if (OSSL_PARAM_get_size_t(param, &size) != 1 || size == 0 || size > largest_iv) {
            ERR_raise(ERR_LIB_PROV, PROV_R_INVALID_IV_LENGTH);
            return false;
        }
        if (size != iv_size_) {
            iv_size_ = size;
            begin_message(IvState::none);  // an IV of another length is no IV
        }
        return true;
    }

    bool take_key_size(const OSSL_PARAM params[]) const {
        const auto* param = OSSL_PARAM_locate_const(params, OSSL_CIPHER_PARAM_KEYLEN);
        std::size_t size = shape_.key_size;
        if (param != nullptr &&
            (OSSL_PARAM_get_size_t(param, &size) != 1 || size != shape_.key_size)) {
            ERR_raise(ERR_LIB_PROV, PROV_R_INVALID_KEY_LENGTH);
            return false;
        }
        return true;
    }

    bool take_tag(const OSSL_PARAM params[]) {
        const auto* param = OSSL_PARAM_locate_const(params, OSSL_CIPHER_PARAM_AEAD_TAG);
        if (param == nullptr) {
            return true;
        }
        void* target = tag_.data();
        std::size_t size = 0;
        if (param->data == nullptr) {
            size = param->data_size;  // only its length is said
        } else if (OSSL_PARAM_get_octet_string(param, &target, tag_.size(), &size) != 1) {
            ERR_raise(ERR_LIB_PROV, PROV_R_FAILED_TO_GET_PARAMETER);
            return false;
        }
        if (size == 0 || size > tag_size || (param->data != nullptr && encrypts_)) {
            ERR_raise(ERR_LIB_PROV, PROV_R_INVALID_TAG);
            return false;
        }
        known_tag_size_ = param->data != nullptr ? size : known_tag_size_;
        return true;
    }

    ProviderContext& provider_;
    const CipherShape& shape_;
    DeviceKey key_;
    bool encrypts_ = true;
    IvState iv_state_ = IvState::none;
    std::array<unsigned char, largest_iv> iv_{};
    std::size_t iv_size_ = default_iv_size;
    std::array<unsigned char, tag_size> tag_{};
    std::size_t known_tag_size_ = 0;  ///< decrypting: of the tag that the caller gave
    Progress progress_ = Progress::collecting;
    Seen aad_;
    Seen payload_;             ///< what the device was given
    SoftwareCipher software_;  ///< in_software, or TLS 1.2 records
    bool tls_ = false;         ///< everything goes to software
};

}  // namespace

const OSSL_ALGORITHM gcm_algorithms[3] = {
    {"AES-128-GCM:id-aes128-GCM:2.16.840.1.101.3.4.1.6", cipher_properties,
     CipherDispatch<GcmContext, shape_128>::table, nullptr},
    {"AES-192-GCM:id-aes192-GCM:2.16.840.1.101.3.4.1.26", cipher_properties,
     CipherDispatch<GcmContext, shape_192>::table, nullptr},
    {"AES-256-GCM:id-aes256-GCM:2.16.840.1.101.3.4.1.46", cipher_properties,
     CipherDispatch<GcmContext, shape_256>::table, nullptr},
};

}  // namespace ringside::frontends
