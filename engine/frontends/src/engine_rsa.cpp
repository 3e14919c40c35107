// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#define OPENSSL_SUPPRESS_DEPRECATED  // what an ENGINE stands on
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include <mutex>

#include "engine_ciphers.hpp"
#include "engine_keys.hpp"
#include "guarded.hpp"
#include "rsa_in_device.hpp"

namespace ringside::frontends {
namespace {

using Operation = int(int size, const unsigned char* from, unsigned char* to, RSA* rsa,
                      int padding);

struct FreeRsa {
    void operator()(RSA* rsa) const { RSA_free(rsa); }
};
using RsaHandle = std::unique_ptr<RSA, FreeRsa>;

const RSA_METHOD* software() {
    return RSA_PKCS1_OpenSSL();
}

CleansedBuffer bytes_of(const BIGNUM* number, std::size_t size) {
    CleansedBuffer bytes(size);
    const bool fits =
        number != nullptr && BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()),
                                          static_cast<int>(size)) == static_cast<int>(size);
    return fits ? std::move(bytes) : CleansedBuffer();
}

CleansedBuffer joined(std::initializer_list<CleansedBuffer> parts) {
    std::size_t size = 0;
    for (const CleansedBuffer& part : parts) {
        size += part.size();
    }
    CleansedBuffer all(size);
    auto at = all.bytes().begin();
    for (const CleansedBuffer& part : parts) {
        if (part.empty()) {
            return {};
        }
        at = std::copy(part.bytes().begin(), part.bytes().end(), at);
    }
    return all;
}

/// The halves of an RSA key as the device has them; the public one is empty if it does not take it.
struct Halves {
    explicit Halves(const RSA* rsa) {
        const auto size = static_cast<std::size_t>(RSA_size(rsa));
        const CleansedBuffer modulus = bytes_of(RSA_get0_n(rsa), size);
        const CleansedBuffer exponent = bytes_of(RSA_get0_e(rsa), RsaInDevice::exponent_size);
        if (modulus.empty() || exponent.empty() ||
            !RsaInDevice::takes(modulus.bytes(), exponent.bytes())) {
            return;
        }
        public_half = CleansedBuffer(size + RsaInDevice::exponent_size);
        std::copy(
            exponent.bytes().begin(), exponent.bytes().end(),
            std::copy(modulus.bytes().begin(), modulus.bytes().end(), public_half.bytes().begin()));
        if (RSA_get_version(const_cast<RSA*>(rsa)) == RSA_ASN1_VERSION_DEFAULT) {
            private_half = joined(
                {bytes_of(RSA_get0_d(rsa), size), bytes_of(RSA_get0_p(rsa), size / 2),
                 bytes_of(RSA_get0_q(rsa), size / 2), bytes_of(RSA_get0_dmp1(rsa), size / 2),
                 bytes_of(RSA_get0_dmq1(rsa), size / 2), bytes_of(RSA_get0_iqmp(rsa), size / 2)});
        }
    }
    CleansedBuffer public_half;
    CleansedBuffer private_half;
};

/// Any number to the power of 1.
int raise_to_one(BIGNUM* result, const BIGNUM* base, const BIGNUM* /*exponent*/,
                 const BIGNUM* /*modulus*/, BN_CTX* /*workspace*/, BN_MONT_CTX* /*form*/) {
    return BN_copy(result, base) != nullptr ? 1 : 0;
}

/// libcrypto's own but for the power. Null: no memory.
const RSA_METHOD* method_of_identities() {
    static const RSA_METHOD* const method = []() -> const RSA_METHOD* {
        RSA_METHOD* const made = RSA_meth_dup(software());
        return made != nullptr && RSA_meth_set_bn_mod_exp(made, &raise_to_one) == 1 ? made
                                                                                    : nullptr;
    }();
    return method;
}

/// A key with the same modulus and both exponents 1: its operations stop at the encoded message
/// (docs/decisions/0012). Null: no memory.
RsaHandle make_identity(std::span<const std::byte> modulus) {
    RsaHandle identity(RSA_new());
    BIGNUM* const n = BN_bin2bn(reinterpret_cast<const unsigned char*>(modulus.data()),
                                static_cast<int>(modulus.size()), nullptr);
    BIGNUM* const e = BN_new();
    BIGNUM* const d = BN_new();
    if (identity == nullptr || n == nullptr || e == nullptr || d == nullptr || BN_one(e) != 1 ||
        BN_one(d) != 1 || method_of_identities() == nullptr ||
        RSA_set_method(identity.get(), method_of_identities()) != 1 ||
        RSA_set0_key(identity.get(), n, e, d) != 1) {
        BN_free(n);
        BN_free(e);
        BN_free(d);
        return nullptr;
    }
    RSA_set_flags(identity.get(), RSA_FLAG_NO_BLINDING);  // of an exponent that is no secret
    return identity;
}

/// What hangs on an RSA key.
struct Attached {
    Attached(FrontEnd& front_end, Halves halves)
        : pair(std::make_shared<DeviceKeyPair>(front_end, spec::Algorithm::rsa,
                                               std::move(halves.public_half),
                                               std::move(halves.private_half))),
          device(pair),
          identity(make_identity(device.modulus())) {}
    std::shared_ptr<DeviceKeyPair> pair;
    RsaInDevice device;
    RsaHandle identity;
};

/// A copy of the key begins without.
int leave_out(CRYPTO_EX_DATA* /*to*/, const CRYPTO_EX_DATA* /*from*/, void** data, int /*index*/,
              long /*number*/, void* /*argument*/) {
    *data = nullptr;
    return 1;
}

int attached_index() {
    static const int index = RSA_get_ex_new_index(0, nullptr, nullptr, &leave_out, nullptr);
    return index;
}

/// Null: the device does not take this key.
Attached* attached(FrontEnd& front_end, RSA* rsa) {
    static std::mutex mutex;  // of all keys: it is held for microseconds
    const std::lock_guard lock(mutex);
    auto* const known = static_cast<Attached*>(RSA_get_ex_data(rsa, attached_index()));
    Halves halves(rsa);
    if (known != nullptr &&
        known->pair->is(halves.public_half.bytes(), halves.private_half.bytes())) {
        return known;
    }
    RSA_set_ex_data(rsa, attached_index(), nullptr);  // an application may set new numbers
    delete known;
    if (halves.public_half.empty()) {
        return nullptr;
    }
    auto made = std::make_unique<Attached>(front_end, std::move(halves));
    return made->identity != nullptr && RSA_set_ex_data(rsa, attached_index(), made.get()) == 1
               ? made.release()
               : nullptr;
}

/// Null: libcrypto's own method does it.
Attached* for_device(RSA* rsa, bool is_private) {
    FrontEnd* const front_end = engine_front_end_for(AlgorithmFamily::rsa);
    Attached* const key = front_end != nullptr ? attached(*front_end, rsa) : nullptr;
    return key != nullptr && (!is_private || key->pair->has_private_half()) ? key : nullptr;
}

enum class Power : unsigned char { done, failed, in_software };

Power raise(Attached& key, bool is_private, const unsigned char* in, unsigned char* out) {
    const std::size_t size = key.device.size();
    const auto done = is_private ? key.device.private_power(octets(in, size), octets(out, size))
                                 : key.device.public_power(octets(in, size), octets(out, size));
    if (!done && key.pair->front_end().falls_back(done.error())) {
        return Power::in_software;
    }
    if (!done) {
        raise_error(ERR_R_OPERATION_FAIL, done.error());
    }
    return done ? Power::done : Power::failed;
}

/// Encodes, then raises: signatures and encryption. `size` is the message's.
template <Operation* (*Own)(const RSA_METHOD*), bool IsPrivate>
int encode_and_raise(int size, const unsigned char* from, unsigned char* to, RSA* rsa,
                     int padding) {
    return guarded(-1, [&] {
        Operation* const own = Own(software());
        Attached* const key = padding != RSA_X931_PADDING ? for_device(rsa, IsPrivate) : nullptr;
        if (key == nullptr) {
            return own(size, from, to, rsa, padding);
        }
        std::array<unsigned char, RsaInDevice::largest_size> encoded{};
        const int width = own(size, from, encoded.data(), key->identity.get(), padding);
        if (width <= 0) {
            return width;
        }
        const Power power = raise(*key, IsPrivate, encoded.data(), to);
        return power == Power::in_software ? own(size, from, to, rsa, padding)
               : power == Power::done      ? width
                                           : -1;
    });
}

/// Raises, then decodes: verification and decryption. `size` is that of the number.
template <Operation* (*Own)(const RSA_METHOD*), bool IsPrivate>
int raise_and_decode(int size, const unsigned char* from, unsigned char* to, RSA* rsa,
                     int padding) {
    return guarded(-1, [&] {
        Operation* const own = Own(software());
        Attached* const key = size <= RSA_size(rsa) ? for_device(rsa, IsPrivate) : nullptr;
        if (key == nullptr) {
            return own(size, from, to, rsa, padding);
        }
        const auto width = static_cast<std::ptrdiff_t>(key->device.size());
        std::array<unsigned char, RsaInDevice::largest_size> number{};
        std::copy_n(from, size, number.begin() + (width - size));
        const Power power = raise(*key, IsPrivate, number.data(), number.data());
        const int result = power == Power::in_software ? own(size, from, to, rsa, padding)
                           : power == Power::done ? own(static_cast<int>(width), number.data(), to,
                                                        key->identity.get(), padding)
                                                  : -1;
        OPENSSL_cleanse(number.data(), number.size());
        return result;
    });
}

int finish(RSA* rsa) {
    delete static_cast<Attached*>(RSA_get_ex_data(rsa, attached_index()));
    RSA_set_ex_data(rsa, attached_index(), nullptr);
    return RSA_meth_get_finish(software())(rsa);
}

}  // namespace

const RSA_METHOD* engine_rsa() {
    static const RSA_METHOD* const method = []() -> const RSA_METHOD* {
        RSA_METHOD* const made = RSA_meth_dup(software());
        const bool complete =
            made != nullptr && RSA_meth_set1_name(made, "ringside") == 1 &&
            RSA_meth_set_priv_enc(made, &encode_and_raise<&RSA_meth_get_priv_enc, true>) == 1 &&
            RSA_meth_set_pub_enc(made, &encode_and_raise<&RSA_meth_get_pub_enc, false>) == 1 &&
            RSA_meth_set_priv_dec(made, &raise_and_decode<&RSA_meth_get_priv_dec, true>) == 1 &&
            RSA_meth_set_pub_dec(made, &raise_and_decode<&RSA_meth_get_pub_dec, false>) == 1 &&
            RSA_meth_set_finish(made, &finish) == 1;
        return complete ? made : nullptr;
    }();
    return method;
}

}  // namespace ringside::frontends
