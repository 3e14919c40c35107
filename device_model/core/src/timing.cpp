// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/core/timing.hpp"

namespace ringside::core {
namespace {

Service rsa_private(std::uint32_t modulus_bytes) {
    if (modulus_bytes <= 2048 / 8) {
        return Service::rsa_2048;
    }
    return modulus_bytes <= 3072 / 8 ? Service::rsa_3072 : Service::rsa_4096;
}

Service cipher(spec::Algorithm algorithm) {
    switch (algorithm) {
        case spec::Algorithm::aes_gcm:
            return Service::aes_gcm;
        case spec::Algorithm::aes_ctr:
            return Service::aes_ctr;
        case spec::Algorithm::aes_xts:
            return Service::aes_xts;
        case spec::Algorithm::aes_cbc_hmac_sha1:
        case spec::Algorithm::aes_cbc_hmac_sha256:
            return Service::cbc_hmac;
        case spec::Algorithm::chacha20_poly1305:
            return Service::chacha20_poly1305;
        default:
            return Service::aes_cbc;
    }
}

Service on_curve(spec::Algorithm algorithm, bool verify) {
    switch (algorithm) {
        case spec::Algorithm::ec_p384:
            return verify ? Service::p384_verify : Service::p384;
        case spec::Algorithm::x25519:
            return Service::x25519;
        case spec::Algorithm::ed25519:
            return verify ? Service::ed25519_verify : Service::ed25519;
        default:
            return verify ? Service::p256_verify : Service::p256;
    }
}

}  // namespace

std::string_view to_string(Service service) {
    constexpr std::array<std::string_view, services> names = {"AES-CBC",
                                                              "AES-GCM",
                                                              "AES-CTR",
                                                              "AES-XTS",
                                                              "AES-CBC-HMAC",
                                                              "ChaCha20-Poly1305",
                                                              "hash",
                                                              "HMAC",
                                                              "DERIVE",
                                                              "RANDOM",
                                                              "RSA_PRIVATE 2048",
                                                              "RSA_PRIVATE 3072",
                                                              "RSA_PRIVATE 4096",
                                                              "RSA_PUBLIC",
                                                              "P-256 SIGN, AGREE",
                                                              "P-256 VERIFY",
                                                              "P-384 SIGN, AGREE",
                                                              "P-384 VERIFY",
                                                              "X25519 AGREE",
                                                              "Ed25519 SIGN",
                                                              "Ed25519 VERIFY"};
    return names[static_cast<std::size_t>(service)];
}

Service service_of(spec::Opcode opcode, spec::Algorithm algorithm, std::uint32_t source) {
    switch (opcode) {
        case spec::Opcode::digest:
            return algorithm == spec::Algorithm::hmac ? Service::hmac : Service::hash;
        case spec::Opcode::derive:
            return Service::derive;
        case spec::Opcode::random:
            return Service::random;
        case spec::Opcode::rsa_private:
            return rsa_private(source);
        case spec::Opcode::rsa_public:
            return Service::rsa_public;
        case spec::Opcode::sign:
        case spec::Opcode::agree:
            return on_curve(algorithm, false);
        case spec::Opcode::verify:
            return on_curve(algorithm, true);
        default:
            return cipher(algorithm);
    }
}

}  // namespace ringside::core
