// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#define OPENSSL_SUPPRESS_DEPRECATED  // what an ENGINE stands on
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>

#include <mutex>

#include "device_key_pair.hpp"
#include "engine_ciphers.hpp"
#include "engine_keys.hpp"
#include "guarded.hpp"

namespace ringside::frontends {
namespace {

constexpr std::size_t largest_number = 48;
constexpr int largest_digest = 64;
/// r and s, or x and y.
using Two = std::array<unsigned char, 2 * largest_number>;

/// libcrypto's own functions.
struct Software {
    Software() {
        const EC_KEY_METHOD* const own = EC_KEY_OpenSSL();
        EC_KEY_METHOD_get_sign(own, &sign, &sign_setup, &sign_sig);
        EC_KEY_METHOD_get_verify(own, &verify, &verify_sig);
        EC_KEY_METHOD_get_compute_key(own, &compute_key);
        EC_KEY_METHOD_get_init(own, &init, &finish, &copy, &set_group, &set_private, &set_public);
    }
    int (*sign)(int, const unsigned char*, int, unsigned char*, unsigned int*, const BIGNUM*,
                const BIGNUM*, EC_KEY*) = nullptr;
    int (*sign_setup)(EC_KEY*, BN_CTX*, BIGNUM**, BIGNUM**) = nullptr;
    ECDSA_SIG* (*sign_sig)(const unsigned char*, int, const BIGNUM*, const BIGNUM*,
                           EC_KEY*) = nullptr;
    int (*verify)(int, const unsigned char*, int, const unsigned char*, int, EC_KEY*) = nullptr;
    int (*verify_sig)(const unsigned char*, int, const ECDSA_SIG*, EC_KEY*) = nullptr;
    int (*compute_key)(unsigned char**, std::size_t*, const EC_POINT*, const EC_KEY*) = nullptr;
    int (*init)(EC_KEY*) = nullptr;
    void (*finish)(EC_KEY*) = nullptr;
    int (*copy)(EC_KEY*, const EC_KEY*) = nullptr;
    int (*set_group)(EC_KEY*, const EC_GROUP*) = nullptr;
    int (*set_private)(EC_KEY*, const BIGNUM*) = nullptr;
    int (*set_public)(EC_KEY*, const EC_POINT*) = nullptr;
};
const Software& software() {
    static const Software functions;
    return functions;
}

/// Bytes of a number of the curve; 0: the device does not know it.
std::size_t number_size(const EC_KEY* key) {
    const EC_GROUP* const group = EC_KEY_get0_group(key);
    const int curve = group != nullptr ? EC_GROUP_get_curve_name(group) : NID_undef;
    return curve == NID_X9_62_prime256v1 ? 32 : curve == NID_secp384r1 ? 48 : 0;
}

/// x and y; false: at infinity, or no memory.
bool coordinates(const EC_KEY* key, const EC_POINT* point, std::span<std::byte> out) {
    std::array<unsigned char, 1 + 2 * largest_number> encoded{};  // 4, x, y
    if (point == nullptr ||
        EC_POINT_point2oct(EC_KEY_get0_group(key), point, POINT_CONVERSION_UNCOMPRESSED,
                           encoded.data(), encoded.size(), nullptr) != out.size() + 1) {
        return false;
    }
    const auto numbers = std::as_bytes(std::span(encoded)).subspan(1, out.size());
    std::copy(numbers.begin(), numbers.end(), out.begin());
    return true;
}

/// A copy of the key begins without.
int leave_out(CRYPTO_EX_DATA* /*to*/, const CRYPTO_EX_DATA* /*from*/, void** data, int /*index*/,
              long /*number*/, void* /*argument*/) {
    *data = nullptr;
    return 1;
}

int attached_index() {
    static const int index = EC_KEY_get_ex_new_index(0, nullptr, nullptr, &leave_out, nullptr);
    return index;
}

/// What hangs on the key; null: the device does not take it.
DeviceKeyPair* attached(FrontEnd& front_end, EC_KEY* key) {
    const std::size_t size = number_size(key);
    CleansedBuffer point(2 * size);
    CleansedBuffer scalar(size);
    if (size == 0 || !coordinates(key, EC_KEY_get0_public_key(key), point.bytes())) {
        return nullptr;
    }
    if (const BIGNUM* const number = EC_KEY_get0_private_key(key); number != nullptr) {
        BN_bn2binpad(number, reinterpret_cast<unsigned char*>(scalar.data()),
                     static_cast<int>(size));
    } else {
        scalar = CleansedBuffer();
    }
    static std::mutex mutex;  // of all keys: it is held for microseconds
    const std::lock_guard lock(mutex);
    auto* const known = static_cast<DeviceKeyPair*>(EC_KEY_get_ex_data(key, attached_index()));
    if (known != nullptr && known->is(point.bytes(), scalar.bytes())) {
        return known;
    }
    EC_KEY_set_ex_data(key, attached_index(), nullptr);  // an application may set new numbers
    delete known;
    auto made = std::make_unique<DeviceKeyPair>(
        front_end, size == 32 ? spec::Algorithm::ec_p256 : spec::Algorithm::ec_p384,
        std::move(point), std::move(scalar));
    return EC_KEY_set_ex_data(key, attached_index(), made.get()) == 1 ? made.release() : nullptr;
}

/// Null: libcrypto's own method does it.
DeviceKeyPair* for_device(AlgorithmFamily family, const EC_KEY* key) {
    FrontEnd* const front_end = engine_front_end_for(family);
    // What hangs on a key is no part of it.
    return front_end != nullptr ? attached(*front_end, const_cast<EC_KEY*>(key)) : nullptr;
}

ECDSA_SIG* make_signature(const Two& numbers, std::size_t size) {
    ECDSA_SIG* const signature = ECDSA_SIG_new();
    BIGNUM* const r = BN_bin2bn(numbers.data(), static_cast<int>(size), nullptr);
    BIGNUM* const s = BN_bin2bn(numbers.data() + size, static_cast<int>(size), nullptr);
    if (signature == nullptr || r == nullptr || s == nullptr) {
        ECDSA_SIG_free(signature);
        BN_free(r);
        BN_free(s);
        return nullptr;
    }
    ECDSA_SIG_set0(signature, r, s);
    return signature;
}

ECDSA_SIG* sign(const unsigned char* digest, int digest_size, const BIGNUM* inverse,
                const BIGNUM* nonce, EC_KEY* key) {
    return guarded<ECDSA_SIG*>(nullptr, [&] {
        const bool suits = digest_size > 0 && digest_size <= largest_digest && inverse == nullptr &&
                           nonce == nullptr;
        DeviceKeyPair* const pair = suits ? for_device(AlgorithmFamily::ecdsa, key) : nullptr;
        if (pair == nullptr || !pair->has_private_half()) {
            return software().sign_sig(digest, digest_size, inverse, nonce, key);
        }
        Two numbers{};
        const std::size_t size = number_size(key);
        const auto done =
            pair->run(&driver::sign, {octets(digest, static_cast<std::size_t>(digest_size))},
                      octets(numbers.data(), 2 * size));
        if (!done && pair->front_end().falls_back(done.error())) {
            return software().sign_sig(digest, digest_size, inverse, nonce, key);
        }
        if (!done) {
            raise_error(ERR_R_OPERATION_FAIL, done.error());
            return static_cast<ECDSA_SIG*>(nullptr);
        }
        return make_signature(numbers, size);
    });
}

int verify(const unsigned char* digest, int digest_size, const ECDSA_SIG* signature, EC_KEY* key) {
    return guarded(-1, [&] {
        const bool suits = digest_size > 0 && digest_size <= largest_digest;
        DeviceKeyPair* const pair = suits ? for_device(AlgorithmFamily::ecdsa, key) : nullptr;
        const int size = static_cast<int>(number_size(key));
        const BIGNUM* const r = ECDSA_SIG_get0_r(signature);
        const BIGNUM* const s = ECDSA_SIG_get0_s(signature);
        Two numbers{};
        if (pair == nullptr || BN_is_negative(r) != 0 || BN_is_negative(s) != 0 ||
            BN_bn2binpad(r, numbers.data(), size) != size ||
            BN_bn2binpad(s, numbers.data() + size, size) != size) {
            return software().verify_sig(digest, digest_size, signature, key);
        }
        const auto done = pair->run(&driver::verify,
                                    {octets(numbers.data(), 2 * static_cast<std::size_t>(size)),
                                     octets(digest, static_cast<std::size_t>(digest_size))},
                                    {});
        if (!done && pair->front_end().falls_back(done.error())) {
            return software().verify_sig(digest, digest_size, signature, key);
        }
        if (!done && done.error() != driver::Errc::crypto_failed) {
            raise_error(ERR_R_OPERATION_FAIL, done.error());
            return -1;
        }
        return done ? 1 : 0;
    });
}

/// The shared secret in memory of libcrypto's.
int compute_key(unsigned char** secret, std::size_t* secret_size, const EC_POINT* peer,
                const EC_KEY* key) {
    return guarded(0, [&] {
        DeviceKeyPair* const pair = for_device(AlgorithmFamily::ecdh, key);
        const std::size_t size = number_size(key);
        Two point{};
        std::array<unsigned char, largest_number> shared{};
        if (pair == nullptr || !pair->has_private_half() ||
            !coordinates(key, peer, octets(point.data(), 2 * size))) {
            return software().compute_key(secret, secret_size, peer, key);
        }
        const auto done = pair->run(&driver::agree, {octets(point.data(), 2 * size)},
                                    octets(shared.data(), size));
        if (!done && pair->front_end().falls_back(done.error())) {
            return software().compute_key(secret, secret_size, peer, key);
        }
        if (!done) {
            raise_error(ERR_R_OPERATION_FAIL, done.error());
            return 0;
        }
        *secret = static_cast<unsigned char*>(OPENSSL_memdup(shared.data(), size));
        *secret_size = size;
        OPENSSL_cleanse(shared.data(), shared.size());
        return *secret != nullptr ? 1 : 0;
    });
}

void finish(EC_KEY* key) {
    delete static_cast<DeviceKeyPair*>(EC_KEY_get_ex_data(key, attached_index()));
    EC_KEY_set_ex_data(key, attached_index(), nullptr);
    if (software().finish != nullptr) {
        software().finish(key);
    }
}

}  // namespace

const EC_KEY_METHOD* engine_ec() {
    static const EC_KEY_METHOD* const method = []() -> const EC_KEY_METHOD* {
        EC_KEY_METHOD* const made = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
        if (made != nullptr) {
            const Software& own = software();
            EC_KEY_METHOD_set_sign(made, own.sign, own.sign_setup, &sign);
            EC_KEY_METHOD_set_verify(made, own.verify, &verify);
            EC_KEY_METHOD_set_compute_key(made, &compute_key);
            EC_KEY_METHOD_set_init(made, own.init, &finish, own.copy, own.set_group,
                                   own.set_private, own.set_public);
        }
        return made;
    }();
    return method;
}

}  // namespace ringside::frontends
