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
