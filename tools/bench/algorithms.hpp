// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What `ringside bench` can let the device compute, as a table: the session, the descriptor, and
// what libcrypto does with the same bytes, to compare with and to measure beside.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "ringside/driver/link/link.hpp"
#include "ringside/driver/requests.hpp"
#include "ringside/spec/wire.hpp"

namespace ringside::tools::bench {

struct Algorithm {
    std::string_view name;
    spec::Algorithm algorithm;
    spec::Hash hash;
    spec::Opcode opcode;
    std::uint32_t key_size;
    std::uint8_t iv_size;   ///< ciphers
    std::uint8_t tag_size;  ///< behind the ciphertext, for ciphers that authenticate
    std::uint32_t block;    ///< the payload is a multiple of it
    std::uint32_t output;   ///< bytes of a digest; 0: as many as the payload, and the tag
    const char* libcrypto;  ///< what to fetch
};

std::span<const Algorithm> algorithms_offered();

/// Bytes of the output for a payload of `size`.
std::uint32_t output_size(const Algorithm& algorithm, std::uint32_t size);

/// A descriptor but for its IV (set_iv()).
spec::SubmissionEntry make_request(const Algorithm& algorithm, std::uint32_t session,
                                   const driver::CipherBuffers& buffers);
/// One IV for each pair of numbers, so that none comes twice under a key. No effect where there is
/// none.
void set_iv(spec::SubmissionEntry& request, std::uint32_t queue_pair, std::uint64_t number);

/// libcrypto's default provider, keyed once, as a program uses it that computes the same itself.
class LibcryptoLoop {
  public:
    /// std::runtime_error if libcrypto has no such algorithm.
    LibcryptoLoop(const Algorithm& algorithm, std::span<const std::byte> key);
    ~LibcryptoLoop();
    LibcryptoLoop(const LibcryptoLoop&) = delete;
    LibcryptoLoop& operator=(const LibcryptoLoop&) = delete;

    /// What the device makes of `request`. `into` has output_size() bytes. False: libcrypto failed.
    bool compute(const spec::SubmissionEntry& request, std::span<const std::byte> payload,
                 std::span<std::byte> into);

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ringside::tools::bench
