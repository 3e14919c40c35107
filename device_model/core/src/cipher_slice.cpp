// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "cipher_slice.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include "ringside/base/assert.hpp"

namespace ringside::core {
namespace {

constexpr const char* cbc_names[] = {"AES-128-CBC", "AES-192-CBC", "AES-256-CBC"};
constexpr const char* gcm_names[] = {"AES-128-GCM", "AES-192-GCM", "AES-256-GCM"};

void require(bool condition, const char* what) {
    if (!condition) {
        assertion_failed(nullptr, "libcrypto works", __FILE__, __LINE__, "%s", what);
    }
}

const unsigned char* as_uchar(const std::byte* bytes) {
    return reinterpret_cast<const unsigned char*>(bytes);
}
unsigned char* as_uchar(std::byte* bytes) {
    return reinterpret_cast<unsigned char*>(bytes);
}

/// A failed check must not leave entries in the application's error queue: in virtual time the
/// device runs on its thread.
class QuietErrors {
  public:
    QuietErrors() { ERR_set_mark(); }
    QuietErrors(const QuietErrors&) = delete;
    QuietErrors& operator=(const QuietErrors&) = delete;
    ~QuietErrors() { ERR_pop_to_mark(); }
};

}  // namespace

CryptoLibrary::CryptoLibrary() : context_(OSSL_LIB_CTX_new()) {
    require(context_ != nullptr, "OSSL_LIB_CTX_new failed");
    provider_ = OSSL_PROVIDER_load(context_, "default");
    require(provider_ != nullptr, "the default provider does not load");
    for (std::size_t i = 0; i < key_sizes; ++i) {
        cbc_[i] = EVP_CIPHER_fetch(context_, cbc_names[i], nullptr);
        gcm_[i] = EVP_CIPHER_fetch(context_, gcm_names[i], nullptr);
        require(cbc_[i] != nullptr && gcm_[i] != nullptr, "the default provider lacks AES");
    }
}

CryptoLibrary::~CryptoLibrary() {
    for (std::size_t i = 0; i < key_sizes; ++i) {
        EVP_CIPHER_free(cbc_[i]);
        EVP_CIPHER_free(gcm_[i]);
    }
    OSSL_PROVIDER_unload(provider_);
    OSSL_LIB_CTX_free(context_);
}

const EVP_CIPHER* CryptoLibrary::cipher(spec::Algorithm algorithm, std::size_t key_size) const {
    const std::size_t index = key_size / 8 - 2;
    return algorithm == spec::Algorithm::aes_cbc ? cbc_[index] : gcm_[index];
}

CipherKey::CipherKey(const CryptoLibrary& library, spec::Algorithm algorithm,
                     std::span<const std::byte> key)
    : algorithm_(algorithm) {
    for (const int encrypt : {0, 1}) {
        EVP_CIPHER_CTX* ctx = EVP_CIPHER_CTX_new();
        contexts_[encrypt] = ctx;
        require(
            ctx != nullptr && EVP_CipherInit_ex(ctx, library.cipher(algorithm, key.size()), nullptr,
                                                as_uchar(key.data()), nullptr, encrypt) == 1,
            "a cipher context cannot be made");
        EVP_CIPHER_CTX_set_padding(ctx, 0);
    }
}

CipherKey::~CipherKey() {
    for (EVP_CIPHER_CTX* ctx : contexts_) {
        EVP_CIPHER_CTX_free(ctx);
    }
}

spec::Status CipherKey::run(const spec::SubmissionEntry& entry, std::span<const std::byte> source,
                            std::span<std::byte> output) {
    const QuietErrors quiet;
    const bool encrypt = (entry.flags & static_cast<unsigned>(spec::SubmissionFlag::decrypt)) == 0;
    return algorithm_ == spec::Algorithm::aes_cbc ? run_cbc(entry, encrypt, source, output)
                                                  : run_gcm(entry, encrypt, source, output);
}

spec::Status CipherKey::run_cbc(const spec::SubmissionEntry& entry, bool encrypt,
                                std::span<const std::byte> source, std::span<std::byte> output) {
    EVP_CIPHER_CTX* ctx = contexts_[encrypt ? 1 : 0];
    int length = 0;
    const bool done =
        EVP_CipherInit_ex(ctx, nullptr, nullptr, nullptr, entry.iv, -1) == 1 &&
        EVP_CipherUpdate(ctx, as_uchar(output.data()), &length, as_uchar(source.data()),
                         static_cast<int>(source.size())) == 1;
    require(done, "AES-CBC failed on checked input");
    return {};
}

spec::Status CipherKey::run_gcm(const spec::SubmissionEntry& entry, bool encrypt,
                                std::span<const std::byte> source, std::span<std::byte> output) {
    EVP_CIPHER_CTX* ctx = contexts_[encrypt ? 1 : 0];
    const std::size_t tag_in_source = encrypt ? 0 : entry.tag_len;
    const auto aad = source.first(entry.first_len);
    const auto payload = source.subspan(aad.size(), source.size() - aad.size() - tag_in_source);
    int length = 0;
    bool done = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, entry.iv_len, nullptr) == 1 &&
                EVP_CipherInit_ex(ctx, nullptr, nullptr, nullptr, entry.iv, -1) == 1 &&
                (aad.empty() || EVP_CipherUpdate(ctx, nullptr, &length, as_uchar(aad.data()),
                                                 static_cast<int>(aad.size())) == 1) &&
                (payload.empty() ||
                 EVP_CipherUpdate(ctx, as_uchar(output.data()), &length, as_uchar(payload.data()),
                                  static_cast<int>(payload.size())) == 1);
    require(done, "AES-GCM failed on checked input");
    if (encrypt) {
        done = EVP_CipherFinal_ex(ctx, nullptr, &length) == 1 &&
               EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, entry.tag_len,
                                   output.data() + payload.size()) == 1;
        require(done, "AES-GCM gave no tag");
        return {};
    }
    std::byte tag[16];
    const auto received = source.last(entry.tag_len);
    std::copy(received.begin(), received.end(), tag);
    require(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, entry.tag_len, tag) == 1,
            "AES-GCM refused a tag of checked length");
    if (EVP_CipherFinal_ex(ctx, nullptr, &length) != 1) {
        return spec::Status::of(spec::StatusType::crypto, spec::CryptoError::auth_failed);
    }
    return {};
}

}  // namespace ringside::core
