// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// AES-CBC-HMAC-SHA1 and -SHA256, which libssl takes for the CBC suites of TLS 1.0 to 1.2 without
// encrypt-then-MAC: a MAC key, then for each record its header (OSSL_CIPHER_PARAM_AEAD_TLS1_AAD)
// and one update with the whole record. Such a record is one descriptor. Whatever else is done with
// these ciphers is left to the default provider's.

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/prov_ssl.h>
#include <openssl/proverr.h>

#include <algorithm>
#include <array>
#include <memory>

#include "cipher_dispatch.hpp"

namespace ringside::frontends {
namespace {

constexpr std::size_t block_size = 16;
constexpr std::size_t largest_mac_key = 64;
using Block = std::array<unsigned char, block_size>;
using Header = std::array<unsigned char, driver::tls_header_size>;

constexpr CipherShape record_shape(const char* name, int nid, spec::Algorithm algorithm,
                                   std::size_t key_size) {
    return {.name = name,
            .nid = nid,
            .family = AlgorithmFamily::aes_cbc_hmac,
            .algorithm = algorithm,
            .mode = EVP_CIPH_CBC_MODE,
            .key_size = key_size,
            .iv_size = block_size,
            .block_size = block_size,
            .is_aead = true};
}
constexpr CipherShape sha1_128 = record_shape("AES-128-CBC-HMAC-SHA1", NID_aes_128_cbc_hmac_sha1,
                                              spec::Algorithm::aes_cbc_hmac_sha1, 16);
constexpr CipherShape sha1_256 = record_shape("AES-256-CBC-HMAC-SHA1", NID_aes_256_cbc_hmac_sha1,
                                              spec::Algorithm::aes_cbc_hmac_sha1, 32);
constexpr CipherShape sha256_128 =
    record_shape("AES-128-CBC-HMAC-SHA256", NID_aes_128_cbc_hmac_sha256,
                 spec::Algorithm::aes_cbc_hmac_sha256, 16);
constexpr CipherShape sha256_256 =
    record_shape("AES-256-CBC-HMAC-SHA256", NID_aes_256_cbc_hmac_sha256,
                 spec::Algorithm::aes_cbc_hmac_sha256, 32);

std::size_t number_at(const Header& header, std::size_t at) {
    return std::size_t{header.at(at)} << 8 | header.at(at + 1);
}

class RecordContext {
  public:
    RecordContext(FrontEnd& front_end, const CipherShape& shape)
        : front_end_(front_end),
          shape_(shape),
          mac_size_(shape.algorithm == spec::Algorithm::aes_cbc_hmac_sha1 ? 20 : 32),
          key_(front_end, shape.algorithm) {}
    RecordContext& operator=(const RecordContext&) = delete;

    std::unique_ptr<RecordContext> duplicate() const {
        return std::unique_ptr<RecordContext>(new RecordContext(*this));
    }

    int init(bool encrypts, const unsigned char* key, std::size_t key_size, const unsigned char* iv,
             std::size_t iv_size, const OSSL_PARAM params[]) {
        encrypts_ = encrypts;
        has_header_ = false;
        if (iv != nullptr) {
            if (iv_size != block_size) {
                ERR_raise(ERR_LIB_PROV, PROV_R_INVALID_IV_LENGTH);
                return 0;
            }
            std::copy_n(iv, block_size, original_iv_.begin());
        }
        iv_ = original_iv_;
        if (key != nullptr) {
            mac_key_ = {};  // as in OpenSSL's own
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
        Block last{};
        if (!encrypts_ && size >= block_size) {
            std::copy_n(in + (size - block_size), block_size, last.begin());
        }
        const int done = is_devices(size) ? transform_record(out, out_size, {in, size})
                                          : update_in_software(out, out_size, {in, size});
        has_header_ = false;
        if (done == 1 && size >= block_size) {
            if (encrypts_) {
                std::copy_n(out + (size - block_size), block_size, last.begin());
            }
            iv_ = last;
        }
        return done;
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
        const bool done = answer(params, OSSL_CIPHER_PARAM_AEAD_TLS1_AAD_PAD, padding_) &&
                          answer(params, OSSL_CIPHER_PARAM_KEYLEN, shape_.key_size) &&
                          answer(params, OSSL_CIPHER_PARAM_IVLEN, shape_.iv_size) &&
                          answer(params, OSSL_CIPHER_PARAM_IV, Octets(original_iv_)) &&
                          answer(params, OSSL_CIPHER_PARAM_UPDATED_IV, Octets(iv_));
        if (!done) {
            ERR_raise(ERR_LIB_PROV, PROV_R_FAILED_TO_SET_PARAMETER);
        }
        return done ? 1 : 0;
    }

    int set_params(const OSSL_PARAM params[]) {
        const OSSL_PARAM* mac_key = OSSL_PARAM_locate_const(params, OSSL_CIPHER_PARAM_AEAD_MAC_KEY);
        const OSSL_PARAM* header = OSSL_PARAM_locate_const(params, OSSL_CIPHER_PARAM_AEAD_TLS1_AAD);
        if ((mac_key != nullptr && mac_key->data_type != OSSL_PARAM_OCTET_STRING) ||
            (header != nullptr && header->data_type != OSSL_PARAM_OCTET_STRING)) {
            ERR_raise(ERR_LIB_PROV, PROV_R_FAILED_TO_GET_PARAMETER);
            return 0;
        }
        if (mac_key != nullptr) {
            const Octets bytes(static_cast<const unsigned char*>(mac_key->data),
                               mac_key->data_size);
            mac_key_ = CleansedBuffer(std::as_bytes(bytes));
            key_.set_second(bytes);
        }
        return (header == nullptr || take_header(*header)) && accepts_key_size(shape_, params) &&
                       take_uint(params, OSSL_CIPHER_PARAM_TLS_VERSION, version_)
                   ? 1
                   : 0;
    }

    static const OSSL_PARAM* gettable() {
        static const OSSL_PARAM params[] = {
            OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_AEAD_TLS1_AAD_PAD, nullptr),
            OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_KEYLEN, nullptr),
            OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_IVLEN, nullptr),
            OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_IV, nullptr, 0),
            OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_UPDATED_IV, nullptr, 0),
            OSSL_PARAM_END,
        };
        return params;
    }
    static const OSSL_PARAM* settable() {
        static const OSSL_PARAM params[] = {
            OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_MAC_KEY, nullptr, 0),
            OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_AAD, nullptr, 0),
            OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_KEYLEN, nullptr),
            OSSL_PARAM_uint(OSSL_CIPHER_PARAM_TLS_VERSION, nullptr),
            OSSL_PARAM_END,
        };
        return params;
    }

  private:
    using Octets = std::span<const unsigned char>;

    RecordContext(const RecordContext& other)
        : front_end_(other.front_end_),
          shape_(other.shape_),
          mac_size_(other.mac_size_),
          key_(other.key_),
          mac_key_(other.mac_key_.bytes()),
          encrypts_(other.encrypts_),
          has_header_(other.has_header_),
          header_(other.header_),
          padding_(other.padding_),
          version_(other.version_),
          original_iv_(other.original_iv_),
          iv_(other.iv_) {}

    bool has_explicit_iv() const { return number_at(header_, 9) >= TLS1_1_VERSION; }
    std::size_t explicit_iv_size() const { return has_explicit_iv() ? block_size : 0; }

    /// libssl counts the explicit IV of what it sends in the length; it is told how much the record
    /// grows.
    bool take_header(const OSSL_PARAM& param) {
        if (param.data_size != header_.size()) {
            ERR_raise(ERR_LIB_PROV, PROV_R_INVALID_DATA);
            return false;
        }
        auto* const bytes = static_cast<unsigned char*>(param.data);
        std::copy_n(bytes, header_.size(), header_.begin());
        const std::size_t length = number_at(header_, 11);
        padding_ = mac_size_;
        if (encrypts_) {
            if (length < explicit_iv_size()) {
                return false;
            }
            const std::size_t payload = length - explicit_iv_size();
            bytes[11] = static_cast<unsigned char>(payload >> 8);  // as OpenSSL's own
            bytes[12] = static_cast<unsigned char>(payload);
            padding_ = (payload + mac_size_) / block_size * block_size + block_size - payload;
        }
        has_header_ = true;
        return true;
    }

    bool is_devices(std::size_t size) {
        // Without the version OpenSSL's own leaves MAC and padding to the caller.
        return has_header_ && mac_key_.size() != 0 && mac_key_.size() <= largest_mac_key &&
               (encrypts_ || version_ != 0) && front_end_.wants_device(shape_.family, size);
    }

    int transform_record(unsigned char* out, std::size_t* out_size, Octets in) {
        const std::size_t length = number_at(header_, 11);
        const std::size_t fixed = explicit_iv_size() + mac_size_ + 1;
        if (in.size() % block_size != 0 ||
            (encrypts_ ? in.size() != length + padding_ : in.size() < fixed)) {
            ERR_raise(ERR_LIB_PROV, PROV_R_CIPHER_OPERATION_FAILED);
            return 0;
        }
        const auto session = key_.session();
        const auto done = !session
                              ? driver::result<std::size_t>(session.error())
                              : (encrypts_ ? seal(**session, out, in) : open(**session, out, in));
        if (done) {
            *out_size = *done;
            return 1;
        }
        if (done.error() != driver::Errc::auth_failed) {
            key_.end_session();
            if (front_end_.falls_back(done.error())) {
                return update_in_software(out, out_size, in);
            }
        }
        raise_error(PROV_R_CIPHER_OPERATION_FAILED, done.error());
        return 0;
    }

    /// The bytes that are given to the caller.
    driver::result<std::size_t> seal(const offload::CipherSession& session, unsigned char* out,
                                     Octets in) {
        const auto record = std::as_bytes(in).first(number_at(header_, 11));
        const auto explicit_iv = record.first(explicit_iv_size());
        const auto done = session.seal_record(
            std::as_bytes(std::span<const unsigned char, 13>(header_)),
            std::as_bytes(std::span<const unsigned char, 16>(iv_)), explicit_iv,
            record.subspan(explicit_iv.size()), std::as_writable_bytes(std::span(out, in.size())));
        if (!done) {
            return done.error();
        }
        return in.size();
    }

    /// The payload goes where it would be if it were decrypted in place, behind the explicit IV.
    driver::result<std::size_t> open(const offload::CipherSession& session, unsigned char* out,
                                     Octets in) {
        const auto record = std::as_bytes(in);
        const auto explicit_iv = record.first(explicit_iv_size());
        const auto ciphertext = record.subspan(explicit_iv.size());
        return session.open_record(
            std::as_bytes(std::span<const unsigned char, 13>(header_)),
            std::as_bytes(std::span<const unsigned char, 16>(iv_)), explicit_iv, ciphertext,
            std::as_writable_bytes(
                std::span(out + explicit_iv.size(), ciphertext.size() - mac_size_ - 1)));
    }

    int update_in_software(unsigned char* out, std::size_t* out_size, Octets in) {
        const CipherHandle cipher = front_end_.software().fetch_cipher(shape_.name);
        const CipherContextHandle ctx(EVP_CIPHER_CTX_new());
        if (cipher == nullptr || ctx == nullptr ||
            EVP_CipherInit_ex2(ctx.get(), cipher.get(), key_.data(), iv_.data(), encrypts_ ? 1 : 0,
                               nullptr) != 1) {
            return 0;
        }
        Header header = header_;
        std::array<OSSL_PARAM, 4> params{};
        std::size_t count = 0;
        if (mac_key_.size() != 0) {
            params.at(count++) = OSSL_PARAM_construct_octet_string(
                OSSL_CIPHER_PARAM_AEAD_MAC_KEY, mac_key_.data(), mac_key_.size());
        }
        if (version_ != 0) {
            params.at(count++) =
                OSSL_PARAM_construct_uint(OSSL_CIPHER_PARAM_TLS_VERSION, &version_);
        }
        if (has_header_) {
            params.at(count++) = OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_AAD,
                                                                   header.data(), header.size());
        }
        params.at(count) = OSSL_PARAM_construct_end();
        int written = 0;
        const bool done =
            EVP_CIPHER_CTX_set_params(ctx.get(), params.data()) == 1 &&
            EVP_CipherUpdate(ctx.get(), out, &written, in.data(), static_cast<int>(in.size())) == 1;
        *out_size = static_cast<std::size_t>(written);
        return done ? 1 : 0;
    }

    FrontEnd& front_end_;
    const CipherShape& shape_;
    const std::size_t mac_size_;
    CipherKey key_;  ///< and the MAC's
    CleansedBuffer mac_key_;
    bool encrypts_ = true;
    bool has_header_ = false;  ///< of the record that comes next
    Header header_{};
    std::size_t padding_ = 0;  ///< what libssl adds to the record; receiving: of the MAC alone
    unsigned version_ = 0;     ///< 0: not told
    Block original_iv_{};
    Block iv_{};
};

}  // namespace

const AlgorithmRow cbc_hmac_rows[4] = {
    {AlgorithmFamily::aes_cbc_hmac,
     {sha1_128.name, algorithm_properties, CipherDispatch<RecordContext, sha1_128>::table,
      nullptr}},
    {AlgorithmFamily::aes_cbc_hmac,
     {sha1_256.name, algorithm_properties, CipherDispatch<RecordContext, sha1_256>::table,
      nullptr}},
    {AlgorithmFamily::aes_cbc_hmac,
     {sha256_128.name, algorithm_properties, CipherDispatch<RecordContext, sha256_128>::table,
      nullptr}},
    {AlgorithmFamily::aes_cbc_hmac,
     {sha256_256.name, algorithm_properties, CipherDispatch<RecordContext, sha256_256>::table,
      nullptr}},
};

}  // namespace ringside::frontends
