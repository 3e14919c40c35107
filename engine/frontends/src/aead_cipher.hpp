// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// AES-GCM and ChaCha20-Poly1305 for EVP, on the device: what the provider's and the ENGINE's cipher
// have in common. The device takes a message whole: additional data, payload, tag. So additional
// data is collected, and the first (mostly the only) update with payload is one operation. A
// message that turns out to be different, in several updates, decrypted before its tag is known,
// with a long IV, in TLS 1.2's record form, starts over in software with what has been seen, and
// gives the same bytes.

#include <array>
#include <memory>

#include "cipher_shape.hpp"
#include "octets.hpp"

namespace ringside::frontends {

inline constexpr std::size_t gcm_default_iv_size = 12;
inline constexpr std::size_t chacha_iv_size = 12;
inline constexpr std::size_t aead_largest_iv = 128;  // the default provider's GCM_IV_MAX_SIZE
inline constexpr std::size_t aead_tag_size = 16;

constexpr CipherShape gcm_shape(const char* name, int nid, std::size_t key_size) {
    // A stream cipher to EVP: blocks of one byte.
    return {.name = name,
            .nid = nid,
            .family = AlgorithmFamily::aes_gcm,
            .algorithm = spec::Algorithm::aes_gcm,
            .mode = EVP_CIPH_GCM_MODE,
            .key_size = key_size,
            .iv_size = gcm_default_iv_size,
            .block_size = 1,
            .is_aead = true,
            .has_custom_iv = true};
}
inline constexpr CipherShape gcm_128 = gcm_shape("AES-128-GCM", NID_aes_128_gcm, 16);
inline constexpr CipherShape gcm_192 = gcm_shape("AES-192-GCM", NID_aes_192_gcm, 24);
inline constexpr CipherShape gcm_256 = gcm_shape("AES-256-GCM", NID_aes_256_gcm, 32);

inline constexpr CipherShape chacha_poly = {.name = "ChaCha20-Poly1305",
                                            .nid = NID_chacha20_poly1305,
                                            .family = AlgorithmFamily::chacha20_poly1305,
                                            .algorithm = spec::Algorithm::chacha20_poly1305,
                                            .mode = EVP_CIPH_STREAM_CIPHER,
                                            .key_size = 32,
                                            .iv_size = chacha_iv_size,
                                            .block_size = 1,
                                            .is_aead = true,
                                            .has_custom_iv = true};

/// Functions that return bool leave the reason of a failure on the error queue.
class AeadCipher {
  public:
    AeadCipher(FrontEnd& front_end, const CipherShape& shape)
        : front_end_(front_end),
          shape_(shape),
          is_gcm_(shape.algorithm == spec::Algorithm::aes_gcm),
          key_(front_end, shape.algorithm),
          iv_size_(shape.iv_size) {}
    AeadCipher& operator=(const AeadCipher&) = delete;
    /// Null: no memory.
    std::unique_ptr<AeadCipher> duplicate() const;

    /// `key` and `iv` may be null: as before.
    bool init(bool encrypts, const unsigned char* key, std::size_t key_size,
              const unsigned char* iv, std::size_t iv_size);
    /// `out` null: additional data. May pause the job.
    bool update(unsigned char* out, std::size_t* out_size, std::size_t capacity,
                const unsigned char* in, std::size_t size);
    bool final(unsigned char* out, std::size_t* out_size);

    std::size_t iv_size() const { return iv_size_; }
    Octets iv() const { return Octets(iv_).first(iv_size_); }
    bool set_iv_size(std::size_t size);
    /// As far as it is known; otherwise of the tag that encryption will give.
    std::size_t shown_tag_size() const {
        return known_tag_size_ != 0 || !is_gcm_ ? known_tag_size_ : aead_tag_size;
    }
    /// Decrypting: the tag that the message must have.
    bool set_tag(Octets tag);
    /// Encrypting, after final(): the tag's first bytes; empty if there is none.
    Octets tag(std::size_t size) const;

    /// TLS 1.2 records, with their implicit IVs, and what else the device knows nothing of: from
    /// here on everything is software's. Null: no memory.
    EVP_CIPHER_CTX* hand_over();
    /// Null unless hand_over() was called.
    EVP_CIPHER_CTX* handed_over() const { return is_handed_over_ ? software_.get() : nullptr; }

  private:
    enum class IvState : unsigned char { none, fresh, used };
    enum class Progress : unsigned char { collecting, on_device, in_software };
    enum class Outcome : unsigned char { done, failed, not_the_whole };

    AeadCipher(const AeadCipher& other);
    std::size_t largest_iv() const { return is_gcm_ ? aead_largest_iv : chacha_iv_size; }
    void begin_message(IvState state);
    bool require_fresh_iv() const;
    bool add_aad(Octets octets);
    bool fits_device(std::size_t size) const;
    Outcome run_on_device(unsigned char* out, Octets in);
    boost::system::error_code submit(const offload::CipherSession& session, unsigned char* out,
                                     Octets in);
    bool make_software();
    bool start_over_in_software();
    bool update_in_software(unsigned char* out, std::size_t* out_size, Octets in);
    bool finish_in_software(unsigned char* out, std::size_t* out_size);

    FrontEnd& front_end_;
    const CipherShape& shape_;
    const bool is_gcm_;
    CipherKey key_;
    bool encrypts_ = true;
    IvState iv_state_ = IvState::none;
    std::array<unsigned char, aead_largest_iv> iv_{};
    std::size_t iv_size_;
    std::array<unsigned char, aead_tag_size> tag_{};
    std::size_t known_tag_size_ = 0;  ///< decrypting: of the tag that the caller gave
    bool has_tag_ = false;            ///< encrypting: the last message's
    /// It was given since the last message ended, be it before the IV.
    bool tag_is_for_this_message_ = false;
    Progress progress_ = Progress::collecting;
    CollectedOctets aad_;
    CollectedOctets payload_;       ///< what the device was given
    CipherContextHandle software_;  ///< in_software, or handed over
    bool is_handed_over_ = false;   ///< everything goes to software
};

}  // namespace ringside::frontends
