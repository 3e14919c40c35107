// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What the datasheet calls the enumerators of the spec, for its test. An enumerator that has no
// name here does not compile; null: the value is none of them.

#include "ringside/spec/registers.hpp"
#include "ringside/spec/wire.hpp"

namespace ringside::testing {

constexpr const char* name_of(spec::Opcode opcode) {
    switch (opcode) {
        case spec::Opcode::nop:
            return "NOP";
        case spec::Opcode::session_create:
            return "SESSION_CREATE";
        case spec::Opcode::session_destroy:
            return "SESSION_DESTROY";
        case spec::Opcode::abort:
            return "ABORT";
        case spec::Opcode::get_log:
            return "GET_LOG";
        case spec::Opcode::cipher:
            return "CIPHER";
        case spec::Opcode::digest:
            return "DIGEST";
        case spec::Opcode::derive:
            return "DERIVE";
        case spec::Opcode::random:
            return "RANDOM";
        case spec::Opcode::sign:
            return "SIGN";
        case spec::Opcode::verify:
            return "VERIFY";
        case spec::Opcode::rsa_private:
            return "RSA_PRIVATE";
        case spec::Opcode::rsa_public:
            return "RSA_PUBLIC";
        case spec::Opcode::agree:
            return "AGREE";
    }
    return nullptr;
}

constexpr const char* name_of(spec::SubmissionFlag flag) {
    switch (flag) {
        case spec::SubmissionFlag::src_list:
            return "SRC_LIST";
        case spec::SubmissionFlag::dst_list:
            return "DST_LIST";
        case spec::SubmissionFlag::decrypt:
            return "DECRYPT";
        case spec::SubmissionFlag::fence:
            return "FENCE";
        case spec::SubmissionFlag::interrupt_now:
            return "INTERRUPT_NOW";
    }
    return nullptr;
}

constexpr const char* name_of(spec::StatusType type) {
    switch (type) {
        case spec::StatusType::ok:
            return "OK";
        case spec::StatusType::request:
            return "REQUEST";
        case spec::StatusType::crypto:
            return "CRYPTO";
        case spec::StatusType::transport:
            return "TRANSPORT";
        case spec::StatusType::aborted:
            return "ABORTED";
    }
    return nullptr;
}

constexpr const char* name_of(spec::RequestError error) {
    switch (error) {
        case spec::RequestError::bad_opcode:
            return "BAD_OPCODE";
        case spec::RequestError::bad_field:
            return "BAD_FIELD";
        case spec::RequestError::bad_session:
            return "BAD_SESSION";
        case spec::RequestError::bad_length:
            return "BAD_LENGTH";
        case spec::RequestError::dst_too_small:
            return "DST_TOO_SMALL";
        case spec::RequestError::no_session_left:
            return "NO_SESSION_LEFT";
        case spec::RequestError::bad_list:
            return "BAD_LIST";
    }
    return nullptr;
}

constexpr const char* name_of(spec::CryptoError error) {
    switch (error) {
        case spec::CryptoError::auth_failed:
            return "AUTH_FAILED";
        case spec::CryptoError::verify_failed:
            return "VERIFY_FAILED";
        case spec::CryptoError::out_of_range:
            return "OUT_OF_RANGE";
        case spec::CryptoError::bad_point:
            return "BAD_POINT";
        case spec::CryptoError::bad_key:
            return "BAD_KEY";
    }
    return nullptr;
}

constexpr const char* name_of(spec::TransportError error) {
    switch (error) {
        case spec::TransportError::dma_read:
            return "DMA_READ";
        case spec::TransportError::dma_write:
            return "DMA_WRITE";
        case spec::TransportError::iommu:
            return "IOMMU";
        case spec::TransportError::hang:
            return "HANG";
        case spec::TransportError::ecc:
            return "ECC";
    }
    return nullptr;
}

constexpr const char* name_of(spec::AbortReason reason) {
    switch (reason) {
        case spec::AbortReason::queue_reset:
            return "QUEUE_RESET";
        case spec::AbortReason::device_reset:
            return "DEVICE_RESET";
        case spec::AbortReason::admin:
            return "ADMIN";
    }
    return nullptr;
}

constexpr const char* name_of(spec::Algorithm algorithm) {
    switch (algorithm) {
        case spec::Algorithm::aes_cbc:
            return "AES-CBC";
        case spec::Algorithm::aes_gcm:
            return "AES-GCM";
        case spec::Algorithm::aes_ctr:
            return "AES-CTR";
        case spec::Algorithm::aes_xts:
            return "AES-XTS";
        case spec::Algorithm::aes_cbc_hmac_sha1:
            return "AES-CBC-HMAC-SHA1";
        case spec::Algorithm::aes_cbc_hmac_sha256:
            return "AES-CBC-HMAC-SHA256";
        case spec::Algorithm::chacha20_poly1305:
            return "ChaCha20-Poly1305";
        case spec::Algorithm::hash:
            return "hash";
        case spec::Algorithm::hmac:
            return "HMAC";
        case spec::Algorithm::hkdf:
            return "HKDF";
        case spec::Algorithm::hkdf_extract:
            return "HKDF-Extract";
        case spec::Algorithm::hkdf_expand:
            return "HKDF-Expand";
        case spec::Algorithm::tls12_prf:
            return "TLS 1.2 PRF";
        case spec::Algorithm::random:
            return "random";
        case spec::Algorithm::rsa:
            return "RSA";
        case spec::Algorithm::ec_p256:
            return "P-256";
        case spec::Algorithm::ec_p384:
            return "P-384";
        case spec::Algorithm::x25519:
            return "X25519";
        case spec::Algorithm::ed25519:
            return "Ed25519";
    }
    return nullptr;
}

constexpr const char* name_of(spec::Hash hash) {
    switch (hash) {
        case spec::Hash::none:
            return "none";
        case spec::Hash::sha1:
            return "SHA-1";
        case spec::Hash::sha224:
            return "SHA-224";
        case spec::Hash::sha256:
            return "SHA-256";
        case spec::Hash::sha384:
            return "SHA-384";
        case spec::Hash::sha512:
            return "SHA-512";
        case spec::Hash::sha512_224:
            return "SHA-512/224";
        case spec::Hash::sha512_256:
            return "SHA-512/256";
        case spec::Hash::sha3_256:
            return "SHA3-256";
    }
    return nullptr;
}

constexpr const char* name_of(spec::DeviceState state) {
    switch (state) {
        case spec::DeviceState::reset:
            return "RESET";
        case spec::DeviceState::disabled:
            return "DISABLED";
        case spec::DeviceState::enabling:
            return "ENABLING";
        case spec::DeviceState::ready:
            return "READY";
        case spec::DeviceState::draining:
            return "DRAINING";
        case spec::DeviceState::error:
            return "ERROR";
        case spec::DeviceState::dead:
            return "DEAD";
    }
    return nullptr;
}

constexpr const char* name_of(spec::QueueState state) {
    switch (state) {
        case spec::QueueState::disabled:
            return "disabled";
        case spec::QueueState::enabled:
            return "enabled";
        case spec::QueueState::resetting:
            return "resetting";
        case spec::QueueState::error:
            return "error";
    }
    return nullptr;
}

}  // namespace ringside::testing
