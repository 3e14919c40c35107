// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "algorithms.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <cstring>
#include <stdexcept>
#include <string>

namespace ringside::tools::bench {
namespace {

using spec::Hash;
using spec::Opcode;

constexpr Algorithm cipher(std::string_view name, spec::Algorithm algorithm, std::uint32_t key_size,
                           const char* libcrypto) {
    const bool has_tag =
        algorithm == spec::Algorithm::aes_gcm || algorithm == spec::Algorithm::chacha20_poly1305;
    const bool whole_blocks =
        algorithm == spec::Algorithm::aes_cbc || algorithm == spec::Algorithm::aes_xts;
    return {name,
            algorithm,
            Hash::none,
            Opcode::cipher,
            key_size,
            static_cast<std::uint8_t>(has_tag ? 12 : 16),
            static_cast<std::uint8_t>(has_tag ? 16 : 0),
            whole_blocks ? 16u : 1u,
            0,
            libcrypto};
}
constexpr Algorithm hash(std::string_view name, Hash which, std::uint32_t size,
                         const char* libcrypto) {
    return {name, spec::Algorithm::hash, which, Opcode::digest, 0, 0, 0, 1, size, libcrypto};
}
constexpr Algorithm hmac(std::string_view name, Hash which, std::uint32_t size,
                         const char* libcrypto) {
    return {name, spec::Algorithm::hmac, which, Opcode::digest, size, 0, 0, 1, size, libcrypto};
}

constexpr Algorithm table[] = {
    cipher("aes-128-cbc", spec::Algorithm::aes_cbc, 16, "AES-128-CBC"),
    cipher("aes-192-cbc", spec::Algorithm::aes_cbc, 24, "AES-192-CBC"),
    cipher("aes-256-cbc", spec::Algorithm::aes_cbc, 32, "AES-256-CBC"),
    cipher("aes-128-ctr", spec::Algorithm::aes_ctr, 16, "AES-128-CTR"),
    cipher("aes-256-ctr", spec::Algorithm::aes_ctr, 32, "AES-256-CTR"),
    cipher("aes-128-xts", spec::Algorithm::aes_xts, 32, "AES-128-XTS"),
    cipher("aes-256-xts", spec::Algorithm::aes_xts, 64, "AES-256-XTS"),
    cipher("aes-128-gcm", spec::Algorithm::aes_gcm, 16, "AES-128-GCM"),
    cipher("aes-256-gcm", spec::Algorithm::aes_gcm, 32, "AES-256-GCM"),
    cipher("chacha20-poly1305", spec::Algorithm::chacha20_poly1305, 32, "ChaCha20-Poly1305"),
    hash("sha256", Hash::sha256, 32, "SHA2-256"),
    hash("sha384", Hash::sha384, 48, "SHA2-384"),
    hash("sha512", Hash::sha512, 64, "SHA2-512"),
    hash("sha3-256", Hash::sha3_256, 32, "SHA3-256"),
    hmac("hmac-sha256", Hash::sha256, 32, "SHA2-256"),
    hmac("hmac-sha512", Hash::sha512, 64, "SHA2-512"),
};

template <auto Free>
struct Deleter {
    template <typename T>
    void operator()(T* object) const {
        Free(object);
    }
};
template <typename T, auto Free>
using Handle = std::unique_ptr<T, Deleter<Free>>;

const unsigned char* as_uchar(const std::byte* bytes) {
    return reinterpret_cast<const unsigned char*>(bytes);
}
unsigned char* as_uchar(std::byte* bytes) {
    return reinterpret_cast<unsigned char*>(bytes);
}
void require(bool done, std::string_view name) {
    if (!done) {
        throw std::runtime_error("libcrypto has no " + std::string(name));
    }
}

}  // namespace

std::span<const Algorithm> algorithms_offered() {
    return table;
}

std::uint32_t output_size(const Algorithm& algorithm, std::uint32_t size) {
    return algorithm.output != 0 ? algorithm.output : size + algorithm.tag_size;
}

spec::SubmissionEntry make_request(const Algorithm& algorithm, std::uint32_t session,
                                   const driver::CipherBuffers& buffers) {
    spec::SubmissionEntry entry;
    entry.opcode = static_cast<std::uint8_t>(algorithm.opcode);
    entry.session = session;
    entry.src = buffers.src.value;
    entry.src_len = buffers.src_len;
    entry.dst = buffers.dst.value;
    entry.dst_len = buffers.dst_len;
    entry.iv_len = algorithm.iv_size;
    entry.tag_len = algorithm.tag_size;
    return entry;
}

void set_iv(spec::SubmissionEntry& request, std::uint32_t queue_pair, std::uint64_t number) {
    if (request.iv_len >= sizeof queue_pair + sizeof number) {
        std::memcpy(request.iv, &queue_pair, sizeof queue_pair);
        std::memcpy(request.iv + sizeof queue_pair, &number, sizeof number);
    }
}

class LibcryptoLoop::Impl {
  public:
    Impl(const Algorithm& algorithm, std::span<const std::byte> key)
        : tag_size_(algorithm.tag_size) {
        if (algorithm.opcode == Opcode::cipher) {
            const Handle<EVP_CIPHER, EVP_CIPHER_free> cipher(
                EVP_CIPHER_fetch(nullptr, algorithm.libcrypto, nullptr));
            cipher_.reset(EVP_CIPHER_CTX_new());
            require(cipher != nullptr && cipher_ != nullptr &&
                        EVP_EncryptInit_ex2(cipher_.get(), cipher.get(), as_uchar(key.data()),
                                            nullptr, nullptr) == 1 &&
                        EVP_CIPHER_CTX_set_padding(cipher_.get(), 0) == 1,
                    algorithm.name);
        } else if (algorithm.algorithm == spec::Algorithm::hash) {
            digest_.reset(EVP_MD_fetch(nullptr, algorithm.libcrypto, nullptr));
            digest_ctx_.reset(EVP_MD_CTX_new());
            require(digest_ != nullptr && digest_ctx_ != nullptr, algorithm.name);
        } else {
            const Handle<EVP_MAC, EVP_MAC_free> mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
            mac_.reset(EVP_MAC_CTX_new(mac.get()));
            const OSSL_PARAM hash[] = {
                OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                                 const_cast<char*>(algorithm.libcrypto), 0),
                OSSL_PARAM_construct_end()};
            require(mac_ != nullptr &&
                        EVP_MAC_init(mac_.get(), as_uchar(key.data()), key.size(), hash) == 1,
                    algorithm.name);
        }
    }

    bool compute(const spec::SubmissionEntry& request, std::span<const std::byte> payload,
                 std::span<std::byte> into) {
        if (cipher_ != nullptr) {
            return encrypt(request, payload, into);
        }
        if (digest_ != nullptr) {
            unsigned length = 0;
            return EVP_DigestInit_ex2(digest_ctx_.get(), digest_.get(), nullptr) == 1 &&
                   EVP_DigestUpdate(digest_ctx_.get(), payload.data(), payload.size()) == 1 &&
                   EVP_DigestFinal_ex(digest_ctx_.get(), as_uchar(into.data()), &length) == 1;
        }
        std::size_t length = 0;
        return EVP_MAC_init(mac_.get(), nullptr, 0, nullptr) == 1 &&
               EVP_MAC_update(mac_.get(), as_uchar(payload.data()), payload.size()) == 1 &&
               EVP_MAC_final(mac_.get(), as_uchar(into.data()), &length, into.size()) == 1;
    }

  private:
    bool encrypt(const spec::SubmissionEntry& request, std::span<const std::byte> payload,
                 std::span<std::byte> into) {
        EVP_CIPHER_CTX* const ctx = cipher_.get();
        int length = 0;
        if (EVP_EncryptInit_ex2(ctx, nullptr, nullptr, request.iv, nullptr) != 1 ||
            EVP_EncryptUpdate(ctx, as_uchar(into.data()), &length, as_uchar(payload.data()),
                              static_cast<int>(payload.size())) != 1) {
            return false;
        }
        std::byte* const tag = into.data() + payload.size();
        return tag_size_ == 0 ||
               (EVP_EncryptFinal_ex(ctx, as_uchar(tag), &length) == 1 &&
                EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, tag_size_, tag) == 1);
    }

    const int tag_size_;
    Handle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free> cipher_;
    Handle<EVP_MD, EVP_MD_free> digest_;
    Handle<EVP_MD_CTX, EVP_MD_CTX_free> digest_ctx_;
    Handle<EVP_MAC_CTX, EVP_MAC_CTX_free> mac_;
};

LibcryptoLoop::LibcryptoLoop(const Algorithm& algorithm, std::span<const std::byte> key)
    : impl_(std::make_unique<Impl>(algorithm, key)) {}

LibcryptoLoop::~LibcryptoLoop() = default;

bool LibcryptoLoop::compute(const spec::SubmissionEntry& request,
                            std::span<const std::byte> payload, std::span<std::byte> into) {
    return impl_->compute(request, payload, into);
}

}  // namespace ringside::tools::bench
