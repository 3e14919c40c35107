// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What the main job is about to do, all of it drawn from the seed: the key, and how the file is cut
// into records, each with a nonce and additional data of its own, as a TLS-like protocol would. And
// what libcrypto makes of the same, to compare with.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ringside/base/cleansed_buffer.hpp"

namespace ringside::tools {

inline constexpr std::size_t key_size = 16;
inline constexpr std::size_t nonce_size = 12;
inline constexpr std::size_t tag_size = 16;
inline constexpr std::size_t aad_size = 5;  ///< a TLS 1.3 record header
inline constexpr std::size_t largest_record = 16 * 1024;

struct Record {
    std::size_t offset;  ///< in the file
    std::size_t length;  ///< 1 to largest_record
    std::array<std::byte, nonce_size> nonce;
    std::array<std::byte, aad_size> aad;
};

struct Plan {
    CleansedBuffer key;
    std::vector<Record> records;
};

/// Cuts `file_size` bytes, at least one. Never the same nonce twice under the key.
Plan make_plan(std::size_t file_size, std::uint64_t seed);

/// The whole file, or std::runtime_error with a message for people (missing, unreadable, empty,
/// larger than 1 GiB).
std::vector<std::byte> read_file(const std::string& path);

/// AES-128-GCM of one record by libcrypto's default provider: ciphertext, then tag.
std::vector<std::byte> encrypt_with_libcrypto(const Plan& plan, const Record& record,
                                              std::span<const std::byte> plaintext);

}  // namespace ringside::tools
