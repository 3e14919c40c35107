// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Key derivation: HKDF, whole and in its two steps, and the PRF of TLS 1.2. Datasheet, "Key
// derivation", says which part of the source is what.

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <utility>

#include "crypto_library.hpp"
#include "slices.hpp"

namespace ringside::core {
namespace {

/// libcrypto takes no longer info, label and seed.
constexpr std::size_t longest_context = 1024;

struct Derivation {
    spec::Algorithm algorithm;
    const char* name;
    int mode;  ///< of HKDF
    const char* first;
    const char* second;  ///< null: there is no second part
    const char* last;
};

constexpr Derivation derivations[] = {
    {spec::Algorithm::hkdf, "HKDF", EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND, OSSL_KDF_PARAM_SALT,
     OSSL_KDF_PARAM_KEY, OSSL_KDF_PARAM_INFO},
    {spec::Algorithm::hkdf_extract, "HKDF", EVP_KDF_HKDF_MODE_EXTRACT_ONLY, OSSL_KDF_PARAM_SALT,
     nullptr, OSSL_KDF_PARAM_KEY},
    {spec::Algorithm::hkdf_expand, "HKDF", EVP_KDF_HKDF_MODE_EXPAND_ONLY, OSSL_KDF_PARAM_KEY,
     nullptr, OSSL_KDF_PARAM_INFO},
    {spec::Algorithm::tls12_prf, "TLS1-PRF", 0, OSSL_KDF_PARAM_SECRET, nullptr,
     OSSL_KDF_PARAM_SEED},
};

class KdfSession final : public Session {
  public:
    KdfSession(const Derivation& derivation, const HashInfo& hash, KdfPtr kdf)
        : derivation_(derivation), hash_(hash), kdf_(std::move(kdf)) {}

    bool does(spec::Opcode opcode) const override { return opcode == spec::Opcode::derive; }
    spec::Status plan(const spec::SubmissionEntry& entry, std::size_t& output) const override;
    Duration service_time(const ServiceTimes& times,
                          const spec::SubmissionEntry& entry) const override {
        return times.derive * (std::size_t{entry.src_len} + entry.dst_len);
    }
    SliceKind kind() const override { return SliceKind::derive; }
    Outcome run(const Job& job) override;

  private:
    bool is_length(std::size_t length) const;

    const Derivation& derivation_;
    const HashInfo& hash_;
    KdfPtr kdf_;
};

/// Whether so many bytes can be derived.
bool KdfSession::is_length(std::size_t length) const {
    switch (derivation_.algorithm) {
        case spec::Algorithm::hkdf_extract:
            return length == hash_.size;
        case spec::Algorithm::tls12_prf:
            return length != 0;
        default:
            return length != 0 && length <= 255 * hash_.size;
    }
}

spec::Status KdfSession::plan(const spec::SubmissionEntry& entry, std::size_t& output) const {
    if (!has_no_cipher_fields(entry) || (derivation_.second == nullptr && entry.second_len != 0)) {
        return refused(spec::RequestError::bad_field);
    }
    const std::size_t before = std::size_t{entry.first_len} + entry.second_len;
    if (before > entry.src_len || !is_length(entry.dst_len)) {
        return refused(spec::RequestError::bad_length);
    }
    const std::size_t last = entry.src_len - before;
    bool good = true;
    switch (derivation_.algorithm) {
        case spec::Algorithm::hkdf:
            good = entry.second_len != 0 && last <= longest_context;
            break;
        case spec::Algorithm::hkdf_extract:
            good = last != 0;
            break;
        case spec::Algorithm::hkdf_expand:
            good = entry.first_len != 0 && last <= longest_context;
            break;
        default:
            good = entry.first_len != 0 && last != 0 && last <= longest_context;
            break;
    }
    output = entry.dst_len;
    return good ? spec::Status{} : refused(spec::RequestError::bad_length);
}

Outcome KdfSession::run(const Job& job) {
    const auto part = [](const char* name, std::span<const std::byte> bytes) {
        return OSSL_PARAM_construct_octet_string(name, const_cast<std::byte*>(bytes.data()),
                                                 bytes.size());
    };
    const auto first = job.source.first(job.entry.first_len);
    const auto second = job.source.subspan(first.size(), job.entry.second_len);
    const auto last = job.source.subspan(first.size() + second.size());
    OSSL_PARAM parameters[6];
    OSSL_PARAM* next = parameters;
    *next++ =
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(hash_.name), 0);
    int mode = derivation_.mode;
    if (derivation_.algorithm != spec::Algorithm::tls12_prf) {
        *next++ = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
    }
    if (!first.empty()) {  // only a salt may be missing
        *next++ = part(derivation_.first, first);
    }
    if (derivation_.second != nullptr) {
        *next++ = part(derivation_.second, second);
    }
    if (!last.empty()) {  // only info may be missing
        *next++ = part(derivation_.last, last);
    }
    *next = OSSL_PARAM_construct_end();
    const KdfCtxPtr context(EVP_KDF_CTX_new(kdf_.get()));
    require(context != nullptr && EVP_KDF_derive(context.get(), as_uchar(job.output.data()),
                                                 job.output.size(), parameters) == 1,
            "a key derivation failed on checked input");
    return {{}, job.output.size()};
}

}  // namespace

NewSession create_kdf(const CryptoLibrary& library, const SessionKeys& keys) {
    if (!keys.key.empty() || !keys.second_key.empty()) {
        return wrong_key_length();
    }
    const bool is_prf = keys.algorithm == spec::Algorithm::tls12_prf;
    if (is_prf && keys.hash != spec::Hash::sha256 && keys.hash != spec::Hash::sha384) {
        return {refused(spec::RequestError::bad_field), nullptr};
    }
    for (const Derivation& derivation : derivations) {
        if (derivation.algorithm == keys.algorithm) {
            KdfPtr kdf(EVP_KDF_fetch(library.context(), derivation.name, nullptr));
            require(kdf != nullptr, derivation.name);
            return {
                {},
                std::make_unique<KdfSession>(derivation, *find_hash(keys.hash), std::move(kdf))};
        }
    }
    return wrong_key_length();
}

}  // namespace ringside::core
