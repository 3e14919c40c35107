// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// RSA as the bare power, 2048 to 4096 bits: x^e by the public half of the key, x^d by the Chinese
// remainder theorem with the private one. Padding is the host's.

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <utility>

#include "asymmetric.hpp"
#include "slices.hpp"

namespace ringside::core {
namespace {

constexpr std::size_t smallest_modulus = 256;
constexpr std::size_t largest_modulus = 512;
constexpr std::size_t exponent_size = 8;

using NumberPtr = LibcryptoPtr<BIGNUM, BN_clear_free>;

class RsaSession final : public AsymmetricSession {
  public:
    RsaSession(const CryptoLibrary& library, PkeyPtr key, std::span<const std::byte> modulus,
               bool is_private)
        : AsymmetricSession(library),
          key_(std::move(key)),
          modulus_(modulus),
          is_private_(is_private) {}

    bool does(spec::Opcode opcode) const override {
        return opcode == spec::Opcode::rsa_public ||
               (opcode == spec::Opcode::rsa_private && is_private_);
    }
    spec::Status plan(const spec::SubmissionEntry& entry, std::size_t& output) const override {
        if (!has_plain_source(entry) || !has_no_cipher_fields(entry)) {
            return refused(spec::RequestError::bad_field);
        }
        output = modulus_.size();
        return entry.src_len == modulus_.size() ? spec::Status{}
                                                : refused(spec::RequestError::bad_length);
    }
    /// A multiplication costs the square of the length, and a private power has as many as the
    /// modulus has bits.
    Duration service_time(const ServiceTimes& times,
                          const spec::SubmissionEntry& entry) const override {
        const auto scale = static_cast<std::int64_t>(modulus_.size());
        const auto unit = static_cast<std::int64_t>(smallest_modulus);
        const bool is_public = entry.opcode == static_cast<std::uint8_t>(spec::Opcode::rsa_public);
        return is_public ? times.rsa_2048_public * (scale * scale) / (unit * unit)
                         : times.rsa_2048_private * (scale * scale * scale) / (unit * unit * unit);
    }
    JobNature nature(const spec::SubmissionEntry& entry) const override {
        return {
            .is_asymmetric = true,
            .needs_entropy = entry.opcode == static_cast<std::uint8_t>(spec::Opcode::rsa_private)};
    }
    SliceKind kind() const override { return SliceKind::rsa; }
    Outcome run(const Job& job) override;
    void spoil_half(std::span<std::byte> output) const override;

  private:
    PkeyPtr key_;
    CleansedBuffer modulus_;
    bool is_private_;
};

Outcome RsaSession::run(const Job& job) {
    const auto modulus = modulus_.bytes();
    if (!std::lexicographical_compare(job.source.begin(), job.source.end(), modulus.begin(),
                                      modulus.end())) {
        return failed(spec::CryptoError::out_of_range);
    }
    const PkeyCtxPtr context = operation_context(library_, key_);
    const bool is_public = job.opcode() == spec::Opcode::rsa_public;
    require((is_public ? EVP_PKEY_encrypt_init(context.get())
                       : EVP_PKEY_decrypt_init(context.get())) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING) == 1,
            "an RSA operation cannot begin");
    std::size_t length = job.output.size();
    unsigned char* out = as_uchar(job.output.data());
    const unsigned char* in = as_uchar(job.source.data());
    int done = 0;
    if (is_public) {
        done = EVP_PKEY_encrypt(context.get(), out, &length, in, job.source.size());
    } else {
        const SeededDraws blinding(library_, job.entropy);
        done = EVP_PKEY_decrypt(context.get(), out, &length, in, job.source.size());
    }
    if (done != 1 || length != job.output.size()) {
        return failed(spec::CryptoError::bad_key);
    }
    return {{}, length};
}

/// A power whose half modulo p is wrong is right modulo q: it differs by a multiple of q.
void RsaSession::spoil_half(std::span<std::byte> output) const {
    const auto get = [this](const char* name) {
        BIGNUM* number = nullptr;
        require(EVP_PKEY_get_bn_param(key_.get(), name, &number) == 1, "a key has lost a number");
        return NumberPtr(number);
    };
    const NumberPtr modulus = get(OSSL_PKEY_PARAM_RSA_N);
    const NumberPtr factor = get(OSSL_PKEY_PARAM_RSA_FACTOR2);
    const NumberPtr power(
        BN_bin2bn(as_uchar(output.data()), static_cast<int>(output.size()), nullptr));
    require(power != nullptr &&
                BN_mod_add_quick(power.get(), power.get(), factor.get(), modulus.get()) == 1 &&
                BN_bn2binpad(power.get(), as_uchar(output.data()),
                             static_cast<int>(output.size())) >= 0,
            "numbers cannot be added");
}

/// The next `size` bytes of `from`.
std::span<const std::byte> next(std::span<const std::byte>& from, std::size_t size) {
    const auto taken = from.first(size);
    from = from.subspan(size);
    return taken;
}

bool is_odd(std::span<const std::byte> number) {
    return (number.back() & std::byte{1}) != std::byte{0};
}

/// Odd and at least 3.
bool is_exponent(std::span<const std::byte> number) {
    return is_odd(number) && (number.back() != std::byte{1} ||
                              std::any_of(number.begin(), number.end() - 1,
                                          [](std::byte byte) { return byte != std::byte{0}; }));
}

}  // namespace

NewSession create_rsa(const CryptoLibrary& library, const SessionKeys& keys) {
    auto rest = keys.key;
    auto private_rest = keys.second_key;
    if (rest.size() < smallest_modulus + exponent_size ||
        rest.size() > largest_modulus + exponent_size || rest.size() % 8 != 0) {
        return wrong_key_length();
    }
    const std::size_t size = rest.size() - exponent_size;
    if (!private_rest.empty() && private_rest.size() != size * 7 / 2) {
        return wrong_key_length();
    }
    const auto modulus = next(rest, size);
    if (!is_odd(modulus) || (modulus.front() & std::byte{0x80}) == std::byte{0} ||
        !is_exponent(rest)) {
        return bad_key();
    }
    const bool is_private = !private_rest.empty();
    Numbers numbers(keys.key.size() + keys.second_key.size());
    numbers.add(OSSL_PKEY_PARAM_RSA_N, modulus);
    numbers.add(OSSL_PKEY_PARAM_RSA_E, rest);
    if (is_private) {
        numbers.add(OSSL_PKEY_PARAM_RSA_D, next(private_rest, size));
        for (const char* name : {OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2,
                                 OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2,
                                 OSSL_PKEY_PARAM_RSA_COEFFICIENT1}) {
            numbers.add(name, next(private_rest, size / 2));
        }
    }
    PkeyPtr key =
        import_key(library, "RSA", is_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, numbers);
    if (key == nullptr) {
        return bad_key();
    }
    return {{}, std::make_unique<RsaSession>(library, std::move(key), modulus, is_private)};
}

}  // namespace ringside::core
