// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/offload/key_operation.hpp"

#include <algorithm>

namespace ringside::offload {

driver::result<void> perform(const DeviceSession& session, KeyOperation operation,
                             std::initializer_list<std::span<const std::byte>> parts,
                             std::span<std::byte> out) {
    const auto reply = session.exchange(parts, out.size(),
                                        [&session, operation](const driver::CipherBuffers& where) {
                                            return operation(session.id(), where);
                                        });
    if (!reply) {
        return reply.error();
    }
    if (reply->bytes.size() != out.size()) {
        return driver::Errc::ring_broken;
    }
    std::copy(reply->bytes.begin(), reply->bytes.end(), out.begin());
    return {};
}

}  // namespace ringside::offload
