// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/offload/digest.hpp"

namespace ringside::offload {
namespace {

constexpr std::size_t largest_part = 0xFFFF;

}  // namespace

driver::result<void> digest(const DeviceSession& session, std::span<const std::byte> message,
                            std::span<std::byte> out) {
    return DeviceSession::take(session.exchange({message}, out.size(),
                                                [&](const driver::CipherBuffers& where) {
                                                    return driver::digest(session.id(), where);
                                                }),
                               out);
}

driver::result<void> derive(const DeviceSession& session, const DerivationParts& parts,
                            std::span<std::byte> out) {
    if (parts.first.size() > largest_part || parts.second.size() > largest_part) {
        return driver::Errc::invalid_request;
    }
    return DeviceSession::take(
        session.exchange({parts.first, parts.second, parts.last}, out.size(),
                         [&](const driver::CipherBuffers& where) {
                             return driver::derive(session.id(), where,
                                                   static_cast<std::uint16_t>(parts.first.size()),
                                                   static_cast<std::uint16_t>(parts.second.size()));
                         }),
        out);
}

}  // namespace ringside::offload
