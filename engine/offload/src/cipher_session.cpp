// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/offload/cipher_session.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace ringside::offload {
namespace {

constexpr std::size_t block_size = 16;
constexpr std::size_t largest_iv = 16;
constexpr std::size_t largest_aad = 0xFFFF;

using Bytes = std::span<const std::byte>;

}  // namespace

driver::result<CipherSession> CipherSession::create(Offload& offload,
                                                    const driver::SessionSpec& session) {
    auto created = DeviceSession::create(offload, session);
    if (!created) {
        return created.error();
    }
    return CipherSession(std::move(*created));
}

driver::result<void> CipherSession::cbc(driver::Direction direction, std::span<std::byte, 16> iv,
                                        Bytes in, std::span<std::byte> out) const {
    const std::size_t largest = largest_transfer() / block_size * block_size;
    while (!in.empty()) {
        const std::size_t length = std::min(in.size(), largest);
        // The chain goes on from the last ciphertext block, which an in-place decryption
        // overwrites.
        std::array<std::byte, block_size> next_iv{};
        if (direction == driver::Direction::decrypt) {
            std::copy_n(in.begin() + static_cast<std::ptrdiff_t>(length - block_size), block_size,
                        next_iv.begin());
        }
        const auto done = cbc_piece(direction, iv, in.first(length), out.first(length));
        if (!done) {
            return done;
        }
        if (direction == driver::Direction::encrypt) {
            std::copy_n(out.begin() + static_cast<std::ptrdiff_t>(length - block_size), block_size,
                        next_iv.begin());
        }
        std::copy(next_iv.begin(), next_iv.end(), iv.begin());
        in = in.subspan(length);
        out = out.subspan(length);
    }
    return {};
}

driver::result<void> CipherSession::cbc_piece(driver::Direction direction,
                                              std::span<const std::byte, 16> iv, Bytes in,
                                              std::span<std::byte> out) const {
    return take(exchange({in}, in.size(),
                         [&](const driver::CipherBuffers& where) {
                             return driver::aes_cbc(direction, id(), where, iv);
                         }),
                out);
}

driver::result<void> CipherSession::ctr(std::span<const std::byte, 16> counter, std::size_t used,
                                        Bytes in, std::span<std::byte> out) const {
    static constexpr std::array<std::byte, block_size> zeroes{};
    auto reply = exchange(
        {Bytes(zeroes).first(used), in}, used + in.size(),
        [&](const driver::CipherBuffers& where) { return driver::aes_ctr(id(), where, counter); });
    if (reply) {
        reply->bytes = reply->bytes.subspan(std::min(used, reply->bytes.size()));
    }
    return take(reply, out);
}

driver::result<void> CipherSession::xts(driver::Direction direction,
                                        std::span<const std::byte, 16> tweak, Bytes in,
                                        std::span<std::byte> out) const {
    return take(exchange({in}, in.size(),
                         [&](const driver::CipherBuffers& where) {
                             return driver::aes_xts(direction, id(), where, tweak);
                         }),
                out);
}

driver::result<void> CipherSession::seal(Bytes iv, Bytes aad, Bytes in, std::span<std::byte> out,
                                         std::span<std::byte> tag) const {
    if (iv.empty() || iv.size() > largest_iv || aad.size() > largest_aad) {
        return driver::Errc::invalid_request;
    }
    return take(exchange({aad, in}, in.size() + tag.size(),
                         [&](const driver::CipherBuffers& where) {
                             return driver::aead(driver::Direction::encrypt, id(), where, iv,
                                                 static_cast<std::uint16_t>(aad.size()),
                                                 static_cast<std::uint8_t>(tag.size()));
                         }),
                out, tag);
}

driver::result<void> CipherSession::open(Bytes iv, Bytes aad, Bytes in, std::span<std::byte> out,
                                         Bytes tag) const {
    if (iv.empty() || iv.size() > largest_iv || aad.size() > largest_aad) {
        return driver::Errc::invalid_request;
    }
    return take(exchange({aad, in, tag}, in.size(),
                         [&](const driver::CipherBuffers& where) {
                             return driver::aead(driver::Direction::decrypt, id(), where, iv,
                                                 static_cast<std::uint16_t>(aad.size()),
                                                 static_cast<std::uint8_t>(tag.size()));
                         }),
                out);
}

driver::result<void> CipherSession::seal_record(
    std::span<const std::byte, driver::tls_header_size> header, std::span<const std::byte, 16> iv,
    Bytes explicit_iv, Bytes payload, std::span<std::byte> out) const {
    return take(exchange({header, explicit_iv, payload}, out.size(),
                         [&](const driver::CipherBuffers& where) {
                             return driver::tls_cbc_record(
                                 driver::Direction::encrypt, id(), where, iv,
                                 static_cast<std::uint16_t>(explicit_iv.size()));
                         }),
                out);
}

driver::result<std::size_t> CipherSession::open_record(
    std::span<const std::byte, driver::tls_header_size> header, std::span<const std::byte, 16> iv,
    Bytes explicit_iv, Bytes ciphertext, std::span<std::byte> out) const {
    const auto reply = exchange(
        {header, explicit_iv, ciphertext}, out.size(), [&](const driver::CipherBuffers& where) {
            return driver::tls_cbc_record(driver::Direction::decrypt, id(), where, iv,
                                          static_cast<std::uint16_t>(explicit_iv.size()));
        });
    if (!reply) {
        return reply.error();
    }
    std::copy(reply->bytes.begin(), reply->bytes.end(), out.begin());
    return reply->bytes.size();
}

}  // namespace ringside::offload
