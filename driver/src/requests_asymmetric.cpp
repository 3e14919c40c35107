// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/driver/requests_asymmetric.hpp"

namespace ringside::driver {
namespace {

spec::SubmissionEntry key_operation(spec::Opcode opcode, std::uint32_t session,
                                    const CipherBuffers& buffers) {
    spec::SubmissionEntry entry;
    entry.opcode = static_cast<std::uint8_t>(opcode);
    entry.session = session;
    entry.src = buffers.src.value;
    entry.src_len = buffers.src_len;
    entry.dst = buffers.dst.value;
    entry.dst_len = buffers.dst_len;
    return entry;
}

}  // namespace

spec::SubmissionEntry rsa_private(std::uint32_t session, const CipherBuffers& buffers) {
    return key_operation(spec::Opcode::rsa_private, session, buffers);
}

spec::SubmissionEntry rsa_public(std::uint32_t session, const CipherBuffers& buffers) {
    return key_operation(spec::Opcode::rsa_public, session, buffers);
}

spec::SubmissionEntry sign(std::uint32_t session, const CipherBuffers& buffers) {
    return key_operation(spec::Opcode::sign, session, buffers);
}

spec::SubmissionEntry verify(std::uint32_t session, const CipherBuffers& buffers) {
    return key_operation(spec::Opcode::verify, session, buffers);
}

spec::SubmissionEntry agree(std::uint32_t session, const CipherBuffers& buffers) {
    return key_operation(spec::Opcode::agree, session, buffers);
}

}  // namespace ringside::driver
