// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "key_numbers.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

namespace ringside::frontends {
namespace {

/// What a key says of itself; a parameter that it does not know, or that does not fit, is none.
class Questions {
  public:
    explicit Questions(const AsymmetricKey& key)
        : key_(key.software()),
          get_params_(
              key.functions().get<OSSL_FUNC_keymgmt_get_params_fn>(OSSL_FUNC_KEYMGMT_GET_PARAMS)) {}

    /// Writes the number to all of `out`, big-endian.
    bool number(const char* name, std::span<std::byte> out) const {
        auto* const data = reinterpret_cast<unsigned char*>(out.data());
        if (!ask(OSSL_PARAM_construct_BN(name, data, out.size()))) {
            return false;
        }
        std::reverse(out.begin(), out.end());  // parameters have the host's order
        return true;
    }
    bool has_number(const char* name) const {
        CleansedBuffer any(spec::max_session_size);
        return number(name, any.bytes());
    }
    bool octets(const char* name, std::span<std::byte> out) const {
        return ask(OSSL_PARAM_construct_octet_string(name, out.data(), out.size()));
    }
    std::string_view text(const char* name, std::span<char> buffer) const {
        return ask(OSSL_PARAM_construct_utf8_string(name, buffer.data(), buffer.size()))
                   ? std::string_view(buffer.data())
                   : std::string_view();
    }
    int integer(const char* name) const {
        int value = 0;
        return ask(OSSL_PARAM_construct_int(name, &value)) ? value : 0;
    }

  private:
    bool ask(OSSL_PARAM question) const {
        OSSL_PARAM params[] = {question, OSSL_PARAM_construct_end()};
        ERR_set_mark();
        const bool answered =
            get_params_(key_, params) == 1 && OSSL_PARAM_modified(&params[0]) == 1;
        ERR_pop_to_mark();
        return answered;
    }

    void* key_;
    OSSL_FUNC_keymgmt_get_params_fn* get_params_;
};

struct Halves {
    spec::Algorithm algorithm;
    CleansedBuffer public_half;
    CleansedBuffer private_half;
};

/// d, p, q, dp, dq, qinv; empty: none that the device takes.
CleansedBuffer rsa_private_half(const Questions& key, std::size_t size) {
    struct Number {
        const char* name;
        std::size_t parts;  ///< in halves of the modulus
    };
    static constexpr Number numbers[] = {
        {OSSL_PKEY_PARAM_RSA_D, 2},         {OSSL_PKEY_PARAM_RSA_FACTOR1, 1},
        {OSSL_PKEY_PARAM_RSA_FACTOR2, 1},   {OSSL_PKEY_PARAM_RSA_EXPONENT1, 1},
        {OSSL_PKEY_PARAM_RSA_EXPONENT2, 1}, {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, 1},
    };
    CleansedBuffer half(size * 7 / 2);
    std::span<std::byte> rest = half.bytes();
    for (const Number& number : numbers) {
        const std::size_t length = size / 2 * number.parts;
        if (!key.number(number.name, rest.first(length))) {
            return {};
        }
        rest = rest.subspan(length);
    }
    return key.has_number(OSSL_PKEY_PARAM_RSA_FACTOR3) ? CleansedBuffer() : std::move(half);
}

std::optional<Halves> rsa_halves(const Questions& key) {
    const int bits = key.integer(OSSL_PKEY_PARAM_BITS);
    const auto size = static_cast<std::size_t>(bits) / 8;
    if (bits <= 0 || size > RsaInDevice::largest_size) {
        return std::nullopt;
    }
    CleansedBuffer numbers(size + RsaInDevice::exponent_size);
    const auto modulus = numbers.bytes().first(size);
    const auto exponent = numbers.bytes().subspan(size);
    if (!key.number(OSSL_PKEY_PARAM_RSA_N, modulus) ||
        !key.number(OSSL_PKEY_PARAM_RSA_E, exponent) || !RsaInDevice::takes(modulus, exponent)) {
        return std::nullopt;
    }
    return Halves{spec::Algorithm::rsa, std::move(numbers), rsa_private_half(key, size)};
}

std::optional<Halves> curve_halves(const Questions& key) {
    std::array<char, 64> buffer{};
    const std::string_view group = key.text(OSSL_PKEY_PARAM_GROUP_NAME, buffer);
    const bool is_p256 = group == "prime256v1";
    if (!is_p256 && group != "secp384r1") {
        return std::nullopt;
    }
    const std::size_t size = is_p256 ? 32 : 48;
    CleansedBuffer point(2 * size);
    CleansedBuffer scalar(size);
    const bool has_point = key.number(OSSL_PKEY_PARAM_EC_PUB_X, point.bytes().first(size)) &&
                           key.number(OSSL_PKEY_PARAM_EC_PUB_Y, point.bytes().subspan(size));
    const bool has_scalar = key.number(OSSL_PKEY_PARAM_PRIV_KEY, scalar.bytes());
    return Halves{is_p256 ? spec::Algorithm::ec_p256 : spec::Algorithm::ec_p384,
                  has_point ? std::move(point) : CleansedBuffer(),
                  has_scalar ? std::move(scalar) : CleansedBuffer()};
}

std::optional<Halves> curve25519_halves(const Questions& key, spec::Algorithm algorithm) {
    CleansedBuffer point(32);
    CleansedBuffer scalar(32);
    const bool has_point = key.octets(OSSL_PKEY_PARAM_PUB_KEY, point.bytes());
    const bool has_scalar = key.octets(OSSL_PKEY_PARAM_PRIV_KEY, scalar.bytes());
    return Halves{algorithm, has_point ? std::move(point) : CleansedBuffer(),
                  has_scalar ? std::move(scalar) : CleansedBuffer()};
}

std::optional<Halves> halves_of(const AsymmetricKey& key) {
    const Questions questions(key);
    switch (key.type()) {
        case KeyType::rsa:
            return rsa_halves(questions);
        case KeyType::ec:
            return curve_halves(questions);
        case KeyType::x25519:
            return curve25519_halves(questions, spec::Algorithm::x25519);
        case KeyType::ed25519:
            return curve25519_halves(questions, spec::Algorithm::ed25519);
    }
    return std::nullopt;
}

}  // namespace

std::shared_ptr<DeviceKeyPair> device_key_pair(const AsymmetricKey& key) {
    auto halves = halves_of(key);
    if (!halves || (halves->public_half.empty() && halves->private_half.empty())) {
        return nullptr;
    }
    return std::make_shared<DeviceKeyPair>(key.front_end(), halves->algorithm,
                                           std::move(halves->public_half),
                                           std::move(halves->private_half));
}

}  // namespace ringside::frontends
