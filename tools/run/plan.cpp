// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "plan.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>

#include "ringside/base/prng.hpp"

namespace ringside::tools {
namespace {

constexpr std::uintmax_t largest_file = std::uintmax_t{1} << 30;

const unsigned char* as_uchar(const std::byte* bytes) {
    return reinterpret_cast<const unsigned char*>(bytes);
}
unsigned char* as_uchar(std::byte* bytes) {
    return reinterpret_cast<unsigned char*>(bytes);
}

/// Small and large records alike: first a size class, then a size in it.
std::size_t draw_length(Prng& sizes) {
    constexpr std::array<std::size_t, 5> classes = {64, 512, 1400, 4096, largest_record};
    const std::size_t index = sizes.below(classes.size());
    const std::size_t low = index == 0 ? 1 : classes.at(index - 1) + 1;
    return sizes.between(low, classes.at(index));
}

}  // namespace

Plan make_plan(std::size_t file_size, std::uint64_t seed) {
    Prng keys(seed, "keys");
    Prng sizes(seed, "sizes");
    Plan plan;
    plan.key = CleansedBuffer(key_size);
    keys.fill(plan.key.bytes());
    std::array<std::byte, nonce_size> nonce_base{};
    keys.fill(nonce_base);
    for (std::size_t offset = 0; offset < file_size;) {
        Record record{offset, std::min(draw_length(sizes), file_size - offset), nonce_base, {}};
        // RFC 8446 5.3: the record number, exclusive-or the base.
        const std::uint64_t number = plan.records.size();
        for (std::size_t i = 0; i < sizeof number; ++i) {
            record.nonce.at(nonce_size - 1 - i) ^= static_cast<std::byte>(number >> (8 * i));
        }
        const std::size_t wire_length = record.length + tag_size;
        record.aad = {std::byte{23}, std::byte{3}, std::byte{3},
                      static_cast<std::byte>(wire_length >> 8),
                      static_cast<std::byte>(wire_length)};
        offset += record.length;
        plan.records.push_back(record);
    }
    return plan;
}

std::vector<std::byte> read_file(const std::string& path) {
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    if (error) {
        throw std::runtime_error("--file '" + path + "': " + error.message());
    }
    if (size == 0 || size > largest_file) {
        throw std::runtime_error("--file '" + path + "' has " + std::to_string(size) +
                                 " bytes; allowed: 1 to " + std::to_string(largest_file));
    }
    std::vector<std::byte> bytes(size);
    std::ifstream file(path, std::ios::binary);
    if (!file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size))) {
        throw std::runtime_error("--file '" + path + "' cannot be read: " + std::strerror(errno));
    }
    return bytes;
}

std::vector<std::byte> encrypt_with_libcrypto(const Plan& plan, const Record& record,
                                              std::span<const std::byte> plaintext) {
    const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> ctx(EVP_CIPHER_CTX_new(),
                                                                              &EVP_CIPHER_CTX_free);
    std::vector<std::byte> out(plaintext.size() + tag_size);
    int length = 0;
    const bool done =
        ctx != nullptr &&
        EVP_EncryptInit_ex(ctx.get(), EVP_aes_128_gcm(), nullptr, as_uchar(plan.key.data()),
                           as_uchar(record.nonce.data())) == 1 &&
        EVP_EncryptUpdate(ctx.get(), nullptr, &length, as_uchar(record.aad.data()),
                          static_cast<int>(aad_size)) == 1 &&
        EVP_EncryptUpdate(ctx.get(), as_uchar(out.data()), &length, as_uchar(plaintext.data()),
                          static_cast<int>(plaintext.size())) == 1 &&
        EVP_EncryptFinal_ex(ctx.get(), as_uchar(out.data()) + length, &length) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag_size),
                            as_uchar(out.data()) + plaintext.size()) == 1;
    if (!done) {
        throw std::runtime_error("libcrypto's own AES-128-GCM failed");
    }
    return out;
}

}  // namespace ringside::tools
