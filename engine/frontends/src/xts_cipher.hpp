// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// AES-XTS over one data unit, in the device or in software as the policy says: what the provider's
// and the ENGINE's cipher have in common. To EVP each update is a data unit, and the tweak stays.

#include <array>

#include "cipher_shape.hpp"

namespace ringside::frontends {

inline constexpr std::size_t xts_block_size = 16;
using XtsTweak = std::array<unsigned char, xts_block_size>;

constexpr CipherShape xts_shape(const char* name, int nid, std::size_t key_size) {
    return {.name = name,
            .nid = nid,
            .family = AlgorithmFamily::aes_xts,
            .algorithm = spec::Algorithm::aes_xts,
            .mode = EVP_CIPH_XTS_MODE,
            .key_size = key_size,
            .iv_size = xts_block_size,
            .block_size = 1,
            .has_custom_iv = true};
}
inline constexpr CipherShape xts_128 = xts_shape("AES-128-XTS", NID_aes_128_xts, 32);
inline constexpr CipherShape xts_256 = xts_shape("AES-256-XTS", NID_aes_256_xts, 64);

/// Functions that return bool leave the reason of a failure on the error queue.
class XtsCipher {
  public:
    XtsCipher(FrontEnd& front_end, const CipherShape& shape)
        : front_end_(front_end), shape_(shape), key_(front_end, shape.algorithm) {}
    XtsCipher(const XtsCipher& other) = default;
    XtsCipher& operator=(const XtsCipher&) = delete;

    /// `key` and `tweak` may be null: as before.
    bool init(bool encrypts, const unsigned char* key, std::size_t key_size,
              const unsigned char* tweak, std::size_t tweak_size);
    /// `out` may be `in`. May pause the job.
    bool transform(const unsigned char* in, unsigned char* out, std::size_t size);
    std::span<const unsigned char> tweak() const { return tweak_; }

  private:
    driver::result<void> run_on_device(std::span<const unsigned char> in, unsigned char* out);
    bool run_in_software(std::span<const unsigned char> in, unsigned char* out);

    FrontEnd& front_end_;
    const CipherShape& shape_;
    CipherKey key_;
    bool is_softwares_ = false;  ///< a key of two equal halves, which the device does not take
    bool encrypts_ = true;
    bool has_tweak_ = false;
    XtsTweak tweak_{};
};

}  // namespace ringside::frontends
