// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "aead_cipher.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/proverr.h>

#include <algorithm>

namespace ringside::frontends {
namespace {

constexpr std::size_t largest_device_iv = 16;
constexpr std::size_t largest_device_aad = 65535;

/// SP 800-38D 5.2.1.2, RFC 8439; EVP takes any size, and leaves the rest to software here.
bool is_device_tag_size(bool is_gcm, std::size_t size) {
    return size == aead_tag_size || (is_gcm && (size == 4 || size == 8 || size >= 12));
}

}  // namespace

AeadCipher::AeadCipher(const AeadCipher& other)
    : front_end_(other.front_end_),
      shape_(other.shape_),
      is_gcm_(other.is_gcm_),
      key_(other.key_),
      encrypts_(other.encrypts_),
      iv_state_(other.iv_state_),
      iv_(other.iv_),
      iv_size_(other.iv_size_),
      tag_(other.tag_),
      known_tag_size_(other.known_tag_size_),
      has_tag_(other.has_tag_),
      tag_is_for_this_message_(other.tag_is_for_this_message_),
      progress_(other.progress_),
      aad_(other.aad_),
      payload_(other.payload_),
      is_handed_over_(other.is_handed_over_) {}

std::unique_ptr<AeadCipher> AeadCipher::duplicate() const {
    std::unique_ptr<AeadCipher> copy(new AeadCipher(*this));
    if (software_ != nullptr) {
        copy->software_.reset(EVP_CIPHER_CTX_new());
        if (copy->software_ == nullptr ||
            EVP_CIPHER_CTX_copy(copy->software_.get(), software_.get()) != 1) {
            return nullptr;
        }
    }
    return copy;
}

void AeadCipher::begin_message(IvState state) {
    iv_state_ = state;
    progress_ = Progress::collecting;
    aad_.clear();
    payload_.clear();
    if (!is_handed_over_) {
        software_.reset();
    }
}

bool AeadCipher::init(bool encrypts, const unsigned char* key, std::size_t key_size,
                      const unsigned char* iv, std::size_t iv_size) {
    encrypts_ = encrypts;
    if (iv != nullptr) {
        if (iv_size == 0 || iv_size > largest_iv()) {
            ERR_raise(ERR_LIB_PROV, PROV_R_INVALID_IV_LENGTH);
            return false;
        }
        iv_size_ = iv_size;
        std::copy_n(iv, iv_size, iv_.begin());
        begin_message(IvState::fresh);
        has_tag_ = false;
    } else if (!is_gcm_) {
        begin_message(iv_state_);
    }
    if (key != nullptr && !set_cipher_key(key_, shape_, {key, key_size})) {
        return false;
    }
    return !is_handed_over_ ||
           EVP_CipherInit_ex2(software_.get(), nullptr, key, iv, encrypts ? 1 : 0, nullptr) == 1;
}

bool AeadCipher::require_fresh_iv() const {
    if (iv_state_ != IvState::fresh) {
        ERR_raise_data(ERR_LIB_PROV, PROV_R_CIPHER_OPERATION_FAILED, "no fresh IV");
        return false;
    }
    return true;
}

bool AeadCipher::update(unsigned char* out, std::size_t* out_size, std::size_t capacity,
                        const unsigned char* in, std::size_t size) {
    *out_size = 0;
    if (is_handed_over_) {
        return update_in_software(out, out_size, {in, size});
    }
    if (size == 0) {
        return true;
    }
    if (!require_fresh_iv()) {
        return false;
    }
    if (out == nullptr) {
        return add_aad({in, size});
    }
    if (capacity < size) {
        ERR_raise(ERR_LIB_PROV, PROV_R_OUTPUT_BUFFER_TOO_SMALL);
        return false;
    }
    if (progress_ == Progress::collecting && fits_device(size) &&
        front_end_.wants_device(shape_.family, size)) {
        const Outcome outcome = run_on_device(out, {in, size});
        if (outcome != Outcome::not_the_whole) {
            *out_size = outcome == Outcome::done ? size : 0;
            return outcome == Outcome::done;
        }
    }
    return start_over_in_software() && update_in_software(out, out_size, {in, size});
}

bool AeadCipher::final(unsigned char* out, std::size_t* out_size) {
    *out_size = 0;
    if (is_handed_over_) {
        return finish_in_software(out, out_size);
    }
    if (!require_fresh_iv()) {
        return false;
    }
    if (!encrypts_ && known_tag_size_ == 0 && is_gcm_) {
        ERR_raise(ERR_LIB_PROV, PROV_R_TAG_NOT_SET);
        return false;
    }
    bool done = true;
    if (progress_ != Progress::on_device) {
        // Nothing but additional data, or a message that is in software already.
        done = start_over_in_software() && finish_in_software(out, out_size);
    }
    // Never the same nonce twice; with ChaCha20, OpenSSL's own leaves that to its caller.
    begin_message(is_gcm_ ? IvState::used : IvState::fresh);
    tag_is_for_this_message_ = false;
    has_tag_ = done && encrypts_;
    return done;
}

bool AeadCipher::set_iv_size(std::size_t size) {
    if (!is_gcm_ && size != chacha_iv_size) {
        // Which of these are taken differs between the versions of OpenSSL.
        EVP_CIPHER_CTX* const software = hand_over();
        return software != nullptr && EVP_CIPHER_CTX_ctrl(software, EVP_CTRL_AEAD_SET_IVLEN,
                                                          static_cast<int>(size), nullptr) == 1;
    }
    if (size == 0 || size > largest_iv()) {
        ERR_raise(ERR_LIB_PROV, PROV_R_INVALID_IV_LENGTH);
        return false;
    }
    if (size != iv_size_) {
        iv_size_ = size;
        begin_message(IvState::none);  // an IV of another length is no IV
    }
    return true;
}

bool AeadCipher::set_tag(Octets tag) {
    if (tag.empty() || tag.size() > aead_tag_size || encrypts_) {
        ERR_raise(ERR_LIB_PROV, PROV_R_INVALID_TAG);
        return false;
    }
    std::copy(tag.begin(), tag.end(), tag_.begin());
    known_tag_size_ = tag.size();
    tag_is_for_this_message_ = true;
    return true;
}

Octets AeadCipher::tag(std::size_t size) const {
    return Octets(tag_).first(has_tag_ && size <= aead_tag_size ? size : 0);
}

EVP_CIPHER_CTX* AeadCipher::hand_over() {
    is_handed_over_ = software_ != nullptr || make_software();
    return handed_over();
}

bool AeadCipher::add_aad(Octets octets) {
    if (progress_ == Progress::in_software) {
        std::size_t unused = 0;
        return update_in_software(nullptr, &unused, octets);
    }
    aad_.append(octets);
    return true;
}

/// Whether the device can take a payload now as the whole message.
bool AeadCipher::fits_device(std::size_t size) const {
    return (encrypts_ ||
            (tag_is_for_this_message_ && is_device_tag_size(is_gcm_, known_tag_size_))) &&
           iv_size_ <= largest_device_iv && aad_.octets().size() <= largest_device_aad &&
           size <= std::size_t{1} << 30;
}

AeadCipher::Outcome AeadCipher::run_on_device(unsigned char* out, Octets in) {
    if (!key_.is_set()) {
        ERR_raise(ERR_LIB_PROV, PROV_R_NO_KEY_SET);
        return Outcome::failed;
    }
    const auto session = key_.session();
    if (session &&
        aad_.octets().size() + in.size() + aead_tag_size > (*session)->largest_transfer()) {
        return Outcome::not_the_whole;
    }
    const auto error = session ? submit(**session, out, in) : session.error();
    if (!error) {
        progress_ = Progress::on_device;
        return Outcome::done;
    }
    payload_.clear();
    if (error == driver::Errc::auth_failed) {
        // Forged, or only the first part of a message: EVP cannot tell before the end. Software
        // goes on and has the last word.
        return Outcome::not_the_whole;
    }
    key_.end_session();
    if (front_end_.falls_back(error)) {
        // The same message under the same nonce gives the same bytes, so nothing is revealed.
        return Outcome::not_the_whole;
    }
    raise_error(PROV_R_CIPHER_OPERATION_FAILED, error);
    return Outcome::failed;
}

boost::system::error_code AeadCipher::submit(const offload::CipherSession& session,
                                             unsigned char* out, Octets in) {
    payload_.append(in);  // kept: `out` may lie over it, and the message may start over
    const auto iv_bytes = std::as_bytes(iv());
    const auto aad = std::as_bytes(aad_.octets());
    const auto from = std::as_bytes(payload_.octets());
    const auto to = std::as_writable_bytes(std::span(out, in.size()));
    const auto tag_bytes = std::as_writable_bytes(std::span(tag_));
    const auto result =
        encrypts_ ? session.seal(iv_bytes, aad, from, to, tag_bytes)
                  : session.open(iv_bytes, aad, from, to, tag_bytes.first(known_tag_size_));
    return result ? boost::system::error_code() : result.error();
}

bool AeadCipher::make_software() {
    const CipherHandle cipher = front_end_.software().fetch_cipher(shape_.name);
    software_.reset(EVP_CIPHER_CTX_new());
    std::size_t iv_size = iv_size_;
    const OSSL_PARAM params[] = {OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_IVLEN, &iv_size),
                                 OSSL_PARAM_END};
    const bool done =
        cipher != nullptr && software_ != nullptr &&
        EVP_CipherInit_ex2(software_.get(), cipher.get(), nullptr, nullptr, encrypts_ ? 1 : 0,
                           params) == 1 &&
        EVP_CipherInit_ex2(software_.get(), nullptr, key_.is_set() ? key_.data() : nullptr,
                           iv_state_ == IvState::fresh ? iv_.data() : nullptr, -1, nullptr) == 1;
    if (!done) {
        software_.reset();
    }
    return done;
}

/// The message from its beginning, as far as it has been seen; the output of that is known.
bool AeadCipher::start_over_in_software() {
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

bool AeadCipher::update_in_software(unsigned char* out, std::size_t* out_size, Octets in) {
    int written = 0;
    const int done =
        EVP_CipherUpdate(software_.get(), out, &written, in.data(), static_cast<int>(in.size()));
    *out_size = static_cast<std::size_t>(written);
    return done == 1;
}

bool AeadCipher::finish_in_software(unsigned char* out, std::size_t* out_size) {
    if (!encrypts_ && known_tag_size_ != 0 &&
        EVP_CIPHER_CTX_ctrl(software_.get(), EVP_CTRL_AEAD_SET_TAG,
                            static_cast<int>(known_tag_size_), tag_.data()) != 1) {
        return false;
    }
    std::array<unsigned char, aead_tag_size> nothing{};
    int written = 0;
    const int done =
        EVP_CipherFinal_ex(software_.get(), out != nullptr ? out : nothing.data(), &written);
    *out_size = static_cast<std::size_t>(written);
    return done == 1 && (!encrypts_ || is_handed_over_ ||
                         EVP_CIPHER_CTX_ctrl(software_.get(), EVP_CTRL_AEAD_GET_TAG,
                                             static_cast<int>(aead_tag_size), tag_.data()) == 1);
}

}  // namespace ringside::frontends
