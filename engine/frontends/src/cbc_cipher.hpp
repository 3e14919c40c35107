// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// AES-CBC over whole blocks, in the device or in software as the policy says: what the provider's
// and the ENGINE's cipher have in common.

#include <array>

#include "cipher_shape.hpp"

namespace ringside::frontends {

inline constexpr std::size_t cbc_block_size = 16;
using CbcBlock = std::array<unsigned char, cbc_block_size>;
using CbcIv = std::span<unsigned char, cbc_block_size>;

constexpr CipherShape cbc_shape(const char* name, int nid, std::size_t key_size) {
    return {name,
            nid,
            AlgorithmFamily::aes_cbc,
            spec::Algorithm::aes_cbc,
            EVP_CIPH_CBC_MODE,
            key_size,
            cbc_block_size,
            cbc_block_size};
}
inline constexpr CipherShape cbc_128 = cbc_shape("AES-128-CBC", NID_aes_128_cbc, 16);
inline constexpr CipherShape cbc_192 = cbc_shape("AES-192-CBC", NID_aes_192_cbc, 24);
inline constexpr CipherShape cbc_256 = cbc_shape("AES-256-CBC", NID_aes_256_cbc, 32);

class CbcCipher {
  public:
    CbcCipher(FrontEnd& front_end, const CipherShape& shape)
        : front_end_(front_end), shape_(shape), key_(front_end, shape.algorithm) {}
    CbcCipher(const CbcCipher& other)
        : front_end_(other.front_end_), shape_(other.shape_), key_(other.key_) {}
    CbcCipher& operator=(const CbcCipher&) = delete;

    /// False: wrong size (the error queue says so).
    bool set_key(std::span<const unsigned char> key);
    const CipherKey& key() const { return key_; }

    /// `size` is whole blocks; `out` may be `in`. `iv` becomes the one that continues the chain.
    /// False: the error queue says why. May pause the job.
    bool transform(bool encrypts, CbcIv iv, const unsigned char* in, unsigned char* out,
                   std::size_t size);

  private:
    /// How much of `in`, from its beginning, has been done.
    driver::result<std::size_t> run_on_device(bool encrypts, CbcIv iv,
                                              std::span<const unsigned char> in,
                                              unsigned char* out);
    driver::result<std::size_t> run_in_software(bool encrypts, CbcIv iv,
                                                std::span<const unsigned char> in,
                                                unsigned char* out);

    FrontEnd& front_end_;
    const CipherShape& shape_;
    CipherKey key_;
    CipherContextHandle software_[2];  ///< decrypting, encrypting; keyed when first used
};

}  // namespace ringside::frontends
