// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// P-256 and P-384: ECDSA over a digest and ECDH. Points and signatures are pairs of big-endian
// numbers as long as the curve's order.

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>

#include "asymmetric.hpp"
#include "slices.hpp"

namespace ringside::core {
namespace {

constexpr std::size_t longest_digest = 64;
constexpr std::size_t largest_number = 48;

struct Curve {
    spec::Algorithm algorithm;
    const char* name;
    std::size_t size;  ///< of a number
    CurveTimes ServiceTimes::*times;
};

constexpr Curve curves[] = {
    {spec::Algorithm::ec_p256, "P-256", 32, &ServiceTimes::p256},
    {spec::Algorithm::ec_p384, "P-384", 48, &ServiceTimes::p384},
};

using SignaturePtr = LibcryptoPtr<ECDSA_SIG, ECDSA_SIG_free>;
using NumberPtr = LibcryptoPtr<BIGNUM, BN_free>;

/// As libcrypto takes it (SEC 1, 2.3.3): without compression.
class EncodedPoint {
  public:
    explicit EncodedPoint(std::span<const std::byte> point) : size_(1 + point.size()) {
        std::copy(point.begin(), point.end(), bytes_.begin() + 1);
    }
    std::span<const std::byte> bytes() const { return std::span(bytes_).first(size_); }

  private:
    std::array<std::byte, 1 + 2 * largest_number> bytes_{std::byte{POINT_CONVERSION_UNCOMPRESSED}};
    std::size_t size_;
};

/// Of the halves that there are. Null: the point is not on the curve; the number is 0, or not below
/// the curve's order.
PkeyPtr make_key(const CryptoLibrary& library, const Curve& curve, std::span<const std::byte> point,
                 std::span<const std::byte> number) {
    const EncodedPoint encoded(point);
    Numbers numbers(encoded.bytes().size() + number.size());
    numbers.add_text(OSSL_PKEY_PARAM_GROUP_NAME, curve.name);
    if (!point.empty()) {
        numbers.add_octets(OSSL_PKEY_PARAM_PUB_KEY, encoded.bytes());
    }
    if (number.empty()) {
        return import_key(library, "EC", EVP_PKEY_PUBLIC_KEY, numbers);
    }
    numbers.add(OSSL_PKEY_PARAM_PRIV_KEY, number);
    PkeyPtr key = import_key(library, "EC", EVP_PKEY_KEYPAIR, numbers);
    if (key != nullptr && EVP_PKEY_private_check(operation_context(library, key).get()) != 1) {
        return nullptr;
    }
    return key;
}

/// Somebody's public key on the curve of `key`, whose parameters it shares: made anew they would
/// cost a fifth of an agreement. Null: the point is not on the curve.
PkeyPtr public_key_like(const PkeyPtr& key, std::span<const std::byte> point) {
    PkeyPtr made(EVP_PKEY_new());
    require(made != nullptr && EVP_PKEY_copy_parameters(made.get(), key.get()) == 1,
            "a curve cannot be copied");
    const EncodedPoint encoded(point);
    const bool is_on_curve =
        EVP_PKEY_set1_encoded_public_key(made.get(), as_uchar(encoded.bytes().data()),
                                         encoded.bytes().size()) == 1;
    return is_on_curve ? std::move(made) : nullptr;
}

class CurveSession final : public AsymmetricSession {
  public:
    CurveSession(const CryptoLibrary& library, const Curve& curve, PkeyPtr key, bool has_public,
                 bool has_private)
        : AsymmetricSession(library),
          curve_(curve),
          key_(std::move(key)),
          has_public_(has_public),
          has_private_(has_private) {}

    bool does(spec::Opcode opcode) const override {
        return opcode == spec::Opcode::verify
                   ? has_public_
                   : (opcode == spec::Opcode::sign || opcode == spec::Opcode::agree) &&
                         has_private_;
    }
    spec::Status plan(const spec::SubmissionEntry& entry, std::size_t& output) const override;
    Duration service_time(const ServiceTimes& times,
                          const spec::SubmissionEntry& entry) const override {
        return (times.*curve_.times).of(static_cast<spec::Opcode>(entry.opcode));
    }
    JobNature nature(const spec::SubmissionEntry& entry) const override {
        return {.is_asymmetric = true,
                .needs_entropy = entry.opcode != static_cast<std::uint8_t>(spec::Opcode::verify)};
    }
    SliceKind kind() const override { return SliceKind::curve; }
    Outcome run(const Job& job) override {
        switch (job.opcode()) {
            case spec::Opcode::sign:
                return sign(job);
            case spec::Opcode::verify:
                return verify(job);
            default:
                return agree(job);
        }
    }

  private:
    Outcome sign(const Job& job);
    Outcome verify(const Job& job);
    Outcome agree(const Job& job);

    const Curve& curve_;
    PkeyPtr key_;
    bool has_public_;
    bool has_private_;
};

spec::Status CurveSession::plan(const spec::SubmissionEntry& entry, std::size_t& output) const {
    if (!has_plain_source(entry) || !has_no_cipher_fields(entry)) {
        return refused(spec::RequestError::bad_field);
    }
    const std::size_t pair = 2 * curve_.size;
    std::size_t shortest = 1;
    std::size_t longest = longest_digest;
    switch (static_cast<spec::Opcode>(entry.opcode)) {
        case spec::Opcode::sign:
            output = pair;
            break;
        case spec::Opcode::verify:
            shortest += pair;
            longest += pair;
            output = 0;
            break;
        default:
            shortest = longest = pair;
            output = curve_.size;
            break;
    }
    return entry.src_len >= shortest && entry.src_len <= longest
               ? spec::Status{}
               : refused(spec::RequestError::bad_length);
}

Outcome CurveSession::sign(const Job& job) {
    const SeededDraws nonce(library_, job.entropy);
    const PkeyCtxPtr context = operation_context(library_, key_);
    unsigned char der[2 * largest_number + 16];
    std::size_t length = sizeof der;
    if (EVP_PKEY_sign_init(context.get()) != 1 ||
        EVP_PKEY_sign(context.get(), der, &length, as_uchar(job.source.data()),
                      job.source.size()) != 1) {
        return failed(spec::CryptoError::bad_key);
    }
    const unsigned char* at = der;
    const SignaturePtr signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(length)));
    const int size = static_cast<int>(curve_.size);
    require(signature != nullptr &&
                BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), as_uchar(job.output.data()),
                             size) == size &&
                BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), as_uchar(job.output.data()) + size,
                             size) == size,
            "an ECDSA signature has another form");
    return {{}, job.output.size()};
}

Outcome CurveSession::verify(const Job& job) {
    const int size = static_cast<int>(curve_.size);
    const unsigned char* at = as_uchar(job.source.data());
    const SignaturePtr signature(ECDSA_SIG_new());
    NumberPtr r(BN_bin2bn(at, size, nullptr));
    NumberPtr s(BN_bin2bn(at + size, size, nullptr));
    require(signature != nullptr && r != nullptr && s != nullptr &&
                ECDSA_SIG_set0(signature.get(), r.get(), s.get()) == 1,
            "an ECDSA signature cannot be made");
    static_cast<void>(r.release());  // the signature's now
    static_cast<void>(s.release());
    unsigned char der[2 * largest_number + 16];
    unsigned char* end = der;
    const int length = i2d_ECDSA_SIG(signature.get(), &end);
    const auto digest = job.source.subspan(2 * curve_.size);
    const PkeyCtxPtr context = operation_context(library_, key_);
    require(length > 0 && EVP_PKEY_verify_init(context.get()) == 1,
            "an ECDSA verification cannot begin");
    const bool good = EVP_PKEY_verify(context.get(), der, static_cast<std::size_t>(length),
                                      as_uchar(digest.data()), digest.size()) == 1;
    return good ? Outcome{} : failed(spec::CryptoError::verify_failed);
}

Outcome CurveSession::agree(const Job& job) {
    const SeededDraws blinding(library_, job.entropy);
    const PkeyPtr peer = public_key_like(key_, job.source);
    if (peer == nullptr) {
        return failed(spec::CryptoError::bad_point);
    }
    // It is on the curve, and of these curves (cofactor 1) every point has the group's order. To
    // multiply it by that as well would cost as much as the agreement.
    constexpr int is_checked = 0;
    const PkeyCtxPtr context = operation_context(library_, key_);
    std::size_t length = job.output.size();
    if (EVP_PKEY_derive_init(context.get()) != 1 ||
        EVP_PKEY_derive_set_peer_ex(context.get(), peer.get(), is_checked) != 1 ||
        EVP_PKEY_derive(context.get(), as_uchar(job.output.data()), &length) != 1) {
        return failed(spec::CryptoError::bad_key);
    }
    return {{}, length};
}

}  // namespace

NewSession create_curve(const CryptoLibrary& library, const SessionKeys& keys) {
    const Curve& curve = keys.algorithm == curves[0].algorithm ? curves[0] : curves[1];
    const bool has_public = !keys.key.empty();
    const bool has_private = !keys.second_key.empty();
    if ((has_public && keys.key.size() != 2 * curve.size) ||
        (has_private && keys.second_key.size() != curve.size) || (!has_public && !has_private)) {
        return wrong_key_length();
    }
    PkeyPtr key = make_key(library, curve, keys.key, keys.second_key);
    if (key == nullptr) {
        return bad_key();
    }
    return {
        {},
        std::make_unique<CurveSession>(library, curve, std::move(key), has_public, has_private)};
}

}  // namespace ringside::core
