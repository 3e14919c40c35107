// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A hash over a message that comes in pieces: what the provider's and the ENGINE's digests have in
// common. The device hashes whole messages, so the pieces are collected until the end; a message
// above largest_collected goes on in software.

#include <openssl/evp.h>

#include <memory>

#include "front_end.hpp"
#include "octets.hpp"

namespace ringside::frontends {

/// What is collected for the device at most; a descriptor of the standard chip holds as much.
inline constexpr std::size_t largest_collected = std::size_t{1} << 20;

struct HashShape {
    const char* name;  ///< the default provider's first
    int nid;
    AlgorithmFamily family;
    spec::Hash hash;
    std::size_t size;        ///< of the digest
    std::size_t block_size;  ///< what HMAC needs to know
};
inline constexpr HashShape sha2_224{"SHA2-224",         NID_sha224, AlgorithmFamily::sha2,
                                    spec::Hash::sha224, 28,         64};
inline constexpr HashShape sha2_256{"SHA2-256",         NID_sha256, AlgorithmFamily::sha2,
                                    spec::Hash::sha256, 32,         64};
inline constexpr HashShape sha2_384{"SHA2-384",         NID_sha384, AlgorithmFamily::sha2,
                                    spec::Hash::sha384, 48,         128};
inline constexpr HashShape sha2_512{"SHA2-512",         NID_sha512, AlgorithmFamily::sha2,
                                    spec::Hash::sha512, 64,         128};
inline constexpr HashShape sha2_512_224{
    "SHA2-512/224", NID_sha512_224, AlgorithmFamily::sha2, spec::Hash::sha512_224, 28, 128};
inline constexpr HashShape sha2_512_256{
    "SHA2-512/256", NID_sha512_256, AlgorithmFamily::sha2, spec::Hash::sha512_256, 32, 128};
inline constexpr HashShape sha3_256{"SHA3-256",           NID_sha3_256, AlgorithmFamily::sha3,
                                    spec::Hash::sha3_256, 32,           136};

/// Only under HMAC, see hash.cpp.
inline constexpr HashShape sha1{"SHA1", NID_sha1, AlgorithmFamily::hmac, spec::Hash::sha1, 20, 64};

/// Functions that return bool leave the reason of a failure on the error queue.
class HashMessage {
  public:
    HashMessage(FrontEnd& front_end, const HashShape& shape)
        : front_end_(front_end), shape_(shape) {}
    HashMessage& operator=(const HashMessage&) = delete;
    /// Null: no memory.
    std::unique_ptr<HashMessage> duplicate() const;

    void begin();
    bool update(Octets octets);
    /// Writes shape.size bytes. May pause the job.
    bool finish(unsigned char* out);

  private:
    HashMessage(const HashMessage& other)
        : front_end_(other.front_end_),
          shape_(other.shape_),
          collected_(other.collected_),
          session_(other.session_) {}
    boost::system::error_code run_on_device(unsigned char* out);
    bool go_on_in_software();

    FrontEnd& front_end_;
    const HashShape& shape_;
    CollectedOctets collected_;
    KeylessSessions::Held session_;
    DigestContextHandle software_;  ///< set: everything goes there
};

}  // namespace ringside::frontends
