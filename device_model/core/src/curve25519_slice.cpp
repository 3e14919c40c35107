// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Curve25519: X25519 key agreement and Ed25519 signatures over a whole message.

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>

#include "asymmetric.hpp"
#include "slices.hpp"

namespace ringside::core {
namespace {

constexpr std::size_t key_size = 32;
constexpr std::size_t signature_size = 64;

PkeyPtr public_key(const CryptoLibrary& library, const char* type,
                   std::span<const std::byte> bytes) {
    return PkeyPtr(EVP_PKEY_new_raw_public_key_ex(library.context(), type, nullptr,
                                                  as_uchar(bytes.data()), bytes.size()));
}

PkeyPtr ed25519_private_key(const CryptoLibrary& library, std::span<const std::byte> bytes) {
    return PkeyPtr(EVP_PKEY_new_raw_private_key_ex(library.context(), "ED25519", nullptr,
                                                   as_uchar(bytes.data()), bytes.size()));
}

/// Of X25519, for agreements alone. libcrypto would derive the public half, at the price of an
/// agreement, unless it is given one: here zeros, which no agreement looks at.
PkeyPtr agreement_key(const CryptoLibrary& library, std::span<const std::byte> scalar) {
    constexpr std::array<std::byte, key_size> no_public_half{};
    Numbers numbers(2 * key_size);
    numbers.add_octets(OSSL_PKEY_PARAM_PRIV_KEY, scalar);
    numbers.add_octets(OSSL_PKEY_PARAM_PUB_KEY, no_public_half);
    return import_key(library, "X25519", EVP_PKEY_KEYPAIR, numbers);
}

class X25519Session final : public AsymmetricSession {
  public:
    X25519Session(const CryptoLibrary& library, PkeyPtr key)
        : AsymmetricSession(library), key_(std::move(key)) {}

    bool does(spec::Opcode opcode) const override { return opcode == spec::Opcode::agree; }
    spec::Status plan(const spec::SubmissionEntry& entry, std::size_t& output) const override {
        if (!has_plain_source(entry) || !has_no_cipher_fields(entry)) {
            return refused(spec::RequestError::bad_field);
        }
        output = key_size;
        return entry.src_len == key_size ? spec::Status{} : refused(spec::RequestError::bad_length);
    }
    Duration service_time(const ServiceTimes& times,
                          const spec::SubmissionEntry& /*entry*/) const override {
        return times.curve25519.agree;
    }
    SliceKind kind() const override { return SliceKind::curve; }
    Outcome run(const Job& job) override {
        const PkeyPtr peer = public_key(library_, "X25519", job.source);
        const PkeyCtxPtr context = operation_context(library_, key_);
        require(peer != nullptr && EVP_PKEY_derive_init(context.get()) == 1 &&
                    EVP_PKEY_derive_set_peer(context.get(), peer.get()) == 1,
                "X25519 cannot begin");
        std::size_t length = job.output.size();
        // What fails is a secret of zeros: the peer's point has small order (RFC 7748, 6.1).
        if (EVP_PKEY_derive(context.get(), as_uchar(job.output.data()), &length) != 1) {
            return failed(spec::CryptoError::bad_point);
        }
        return {{}, length};
    }

  private:
    PkeyPtr key_;
};

class Ed25519Session final : public AsymmetricSession {
  public:
    Ed25519Session(const CryptoLibrary& library, PkeyPtr public_half, PkeyPtr private_half)
        : AsymmetricSession(library),
          public_(std::move(public_half)),
          private_(std::move(private_half)) {}

    bool does(spec::Opcode opcode) const override {
        return (opcode == spec::Opcode::verify && public_ != nullptr) ||
               (opcode == spec::Opcode::sign && private_ != nullptr);
    }
    spec::Status plan(const spec::SubmissionEntry& entry, std::size_t& output) const override {
        if (!has_plain_source(entry) || !has_no_cipher_fields(entry)) {
            return refused(spec::RequestError::bad_field);
        }
        const bool signs = entry.opcode == static_cast<std::uint8_t>(spec::Opcode::sign);
        output = signs ? signature_size : 0;
        return signs || entry.src_len >= signature_size ? spec::Status{}
                                                        : refused(spec::RequestError::bad_length);
    }
    /// The message is hashed: twice to sign, once to verify.
    Duration service_time(const ServiceTimes& times,
                          const spec::SubmissionEntry& entry) const override {
        const auto opcode = static_cast<spec::Opcode>(entry.opcode);
        const std::int64_t passes = opcode == spec::Opcode::sign ? 2 : 1;
        return times.curve25519.of(opcode) + times.hash * entry.src_len * passes;
    }
    SliceKind kind() const override { return SliceKind::curve; }
    Outcome run(const Job& job) override {
        return job.opcode() == spec::Opcode::sign ? sign(job) : verify(job);
    }

  private:
    Outcome sign(const Job& job) {
        const DigestCtxPtr context = begin(EVP_DigestSignInit_ex, private_);
        std::size_t length = job.output.size();
        require(EVP_DigestSign(context.get(), as_uchar(job.output.data()), &length,
                               as_uchar(job.source.data()), job.source.size()) == 1,
                "Ed25519 does not sign");
        return {{}, length};
    }
    Outcome verify(const Job& job) {
        const auto message = job.source.subspan(signature_size);
        const DigestCtxPtr context = begin(EVP_DigestVerifyInit_ex, public_);
        const bool good =
            EVP_DigestVerify(context.get(), as_uchar(job.source.data()), signature_size,
                             as_uchar(message.data()), message.size()) == 1;
        return good ? Outcome{} : failed(spec::CryptoError::verify_failed);
    }
    template <typename Init>
    DigestCtxPtr begin(Init init, const PkeyPtr& key) {
        DigestCtxPtr context(EVP_MD_CTX_new());
        require(context != nullptr && init(context.get(), nullptr, nullptr, library_.context(),
                                           nullptr, key.get(), nullptr) == 1,
                "Ed25519 cannot begin");
        return context;
    }

    PkeyPtr public_;
    PkeyPtr private_;
};

/// Whether the private key has this public half.
bool belongs_to(const PkeyPtr& key, std::span<const std::byte> public_half) {
    std::array<std::byte, key_size> own;
    std::size_t length = own.size();
    return EVP_PKEY_get_raw_public_key(key.get(), as_uchar(own.data()), &length) == 1 &&
           std::equal(own.begin(), own.end(), public_half.begin(), public_half.end());
}

NewSession create_x25519(const CryptoLibrary& library, const SessionKeys& keys) {
    if (!keys.key.empty() || keys.second_key.size() != key_size) {
        return wrong_key_length();
    }
    PkeyPtr key = agreement_key(library, keys.second_key);
    require(key != nullptr, "an X25519 key cannot be made");
    return {{}, std::make_unique<X25519Session>(library, std::move(key))};
}

NewSession create_ed25519(const CryptoLibrary& library, const SessionKeys& keys) {
    const bool has_public = !keys.key.empty();
    const bool has_private = !keys.second_key.empty();
    if ((has_public && keys.key.size() != key_size) ||
        (has_private && keys.second_key.size() != key_size) || (!has_public && !has_private)) {
        return wrong_key_length();
    }
    PkeyPtr public_half = has_public ? public_key(library, "ED25519", keys.key) : nullptr;
    PkeyPtr private_half = has_private ? ed25519_private_key(library, keys.second_key) : nullptr;
    require((!has_public || public_half != nullptr) && (!has_private || private_half != nullptr),
            "an Ed25519 key cannot be made");
    if (has_public && has_private && !belongs_to(private_half, keys.key)) {
        return bad_key();
    }
    return {
        {},
        std::make_unique<Ed25519Session>(library, std::move(public_half), std::move(private_half))};
}

}  // namespace

NewSession create_curve25519(const CryptoLibrary& library, const SessionKeys& keys) {
    return keys.algorithm == spec::Algorithm::x25519 ? create_x25519(library, keys)
                                                     : create_ed25519(library, keys);
}

}  // namespace ringside::core
