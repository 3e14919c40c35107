// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/driver/requests.hpp"

#include <algorithm>
#include <cstring>

namespace ringside::driver {
namespace {

spec::SubmissionEntry request(spec::Opcode opcode, std::uint32_t session,
                              const CipherBuffers& buffers) {
    spec::SubmissionEntry entry;
    entry.opcode = static_cast<std::uint8_t>(opcode);
    entry.session = session;
    entry.src = buffers.src.value;
    entry.dst = buffers.dst.value;
    entry.src_len = buffers.src_len;
    entry.dst_len = buffers.dst_len;
    return entry;
}

spec::SubmissionEntry cipher(Direction direction, std::uint32_t session,
                             const CipherBuffers& buffers, std::span<const std::byte> iv) {
    spec::SubmissionEntry entry = request(spec::Opcode::cipher, session, buffers);
    if (direction == Direction::decrypt) {
        entry.flags = static_cast<std::uint8_t>(spec::SubmissionFlag::decrypt);
    }
    // A longer IV than the field holds keeps its wrong length, and the device refuses it.
    entry.iv_len = static_cast<std::uint8_t>(std::min<std::size_t>(iv.size(), 0xFF));
    if (!iv.empty()) {
        std::memcpy(entry.iv, iv.data(), std::min(iv.size(), sizeof entry.iv));
    }
    return entry;
}

}  // namespace

std::uint32_t SessionSpec::size() const {
    return static_cast<std::uint32_t>(sizeof(spec::SessionParameters) + key.size() +
                                      second_key.size());
}

void write_session_parameters(std::span<std::byte> into, const SessionSpec& session) {
    // A longer key than the field can say keeps a wrong length, and the device refuses it.
    constexpr std::size_t longest = 0xFFFF;
    const spec::SessionParameters header{
        .algorithm = static_cast<std::uint8_t>(session.algorithm),
        .hash = static_cast<std::uint8_t>(session.hash),
        .key_len = static_cast<std::uint16_t>(std::min(session.key.size(), longest)),
        .second_key_len = static_cast<std::uint16_t>(std::min(session.second_key.size(), longest)),
    };
    std::memcpy(into.data(), &header, sizeof header);
    const auto keys = into.begin() + sizeof header;
    std::copy(session.second_key.begin(), session.second_key.end(),
              std::copy(session.key.begin(), session.key.end(), keys));
}

std::uint32_t write_list(std::span<std::byte> into, std::span<const Piece> pieces) {
    std::uint32_t bytes = 0;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        const spec::ListEntry entry{.address = pieces[i].address.value,
                                    .length = pieces[i].length,
                                    .flags = i + 1 == pieces.size() ? spec::list_last : 0};
        std::memcpy(into.subspan(i * sizeof entry, sizeof entry).data(), &entry, sizeof entry);
        bytes += pieces[i].length;
    }
    return bytes;
}

void use_source_list(spec::SubmissionEntry& request, Iova list, std::uint32_t bytes) {
    request.flags |= static_cast<std::uint8_t>(spec::SubmissionFlag::src_list);
    request.src = list.value;
    request.src_len = bytes;
}

void use_destination_list(spec::SubmissionEntry& request, Iova list, std::uint32_t bytes) {
    request.flags |= static_cast<std::uint8_t>(spec::SubmissionFlag::dst_list);
    request.dst = list.value;
    request.dst_len = bytes;
}

spec::SubmissionEntry session_create(Iova parameters, std::uint32_t size) {
    spec::SubmissionEntry entry;
    entry.opcode = static_cast<std::uint8_t>(spec::Opcode::session_create);
    entry.src = parameters.value;
    entry.src_len = size;
    return entry;
}

spec::SubmissionEntry session_destroy(std::uint32_t session) {
    spec::SubmissionEntry entry;
    entry.opcode = static_cast<std::uint8_t>(spec::Opcode::session_destroy);
    entry.session = session;
    return entry;
}

spec::SubmissionEntry aes_cbc(Direction direction, std::uint32_t session,
                              const CipherBuffers& buffers, std::span<const std::byte, 16> iv) {
    return cipher(direction, session, buffers, iv);
}

spec::SubmissionEntry aead(Direction direction, std::uint32_t session, const CipherBuffers& buffers,
                           std::span<const std::byte> iv, std::uint16_t aad_len,
                           std::uint8_t tag_len) {
    spec::SubmissionEntry entry = cipher(direction, session, buffers, iv);
    entry.first_len = aad_len;
    entry.tag_len = tag_len;
    return entry;
}

spec::SubmissionEntry aes_ctr(std::uint32_t session, const CipherBuffers& buffers,
                              std::span<const std::byte, 16> counter) {
    return cipher(Direction::encrypt, session, buffers, counter);
}

spec::SubmissionEntry aes_xts(Direction direction, std::uint32_t session,
                              const CipherBuffers& buffers, std::span<const std::byte, 16> tweak) {
    return cipher(direction, session, buffers, tweak);
}

spec::SubmissionEntry tls_cbc_record(Direction direction, std::uint32_t session,
                                     const CipherBuffers& buffers,
                                     std::span<const std::byte, 16> iv,
                                     std::uint16_t explicit_iv_len) {
    spec::SubmissionEntry entry = cipher(direction, session, buffers, iv);
    entry.first_len = tls_header_size;
    entry.second_len = explicit_iv_len;
    return entry;
}

spec::SubmissionEntry digest(std::uint32_t session, const CipherBuffers& buffers) {
    return request(spec::Opcode::digest, session, buffers);
}

spec::SubmissionEntry derive(std::uint32_t session, const CipherBuffers& buffers,
                             std::uint16_t first_len, std::uint16_t second_len) {
    spec::SubmissionEntry entry = request(spec::Opcode::derive, session, buffers);
    entry.first_len = first_len;
    entry.second_len = second_len;
    return entry;
}

spec::SubmissionEntry random(std::uint32_t session, Iova dst, std::uint32_t dst_len) {
    return request(spec::Opcode::random, session, {.dst = dst, .dst_len = dst_len});
}

}  // namespace ringside::driver
