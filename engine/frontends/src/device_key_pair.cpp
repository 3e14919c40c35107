// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "device_key_pair.hpp"

#include <openssl/crypto.h>

#include <utility>

namespace ringside::frontends {

DeviceKeyPair::DeviceKeyPair(FrontEnd& front_end, spec::Algorithm algorithm,
                             CleansedBuffer public_half, CleansedBuffer private_half)
    : front_end_(front_end),
      algorithm_(algorithm),
      public_half_(std::move(public_half)),
      private_half_(std::move(private_half)) {}

bool DeviceKeyPair::is(std::span<const std::byte> public_half,
                       std::span<const std::byte> private_half) const {
    const auto same = [](std::span<const std::byte> one, std::span<const std::byte> other) {
        return one.size() == other.size() &&
               CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
    };
    return same(public_half_.bytes(), public_half) && same(private_half_.bytes(), private_half);
}

driver::result<void> DeviceKeyPair::run(offload::KeyOperation operation,
                                        std::initializer_list<std::span<const std::byte>> parts,
                                        std::span<std::byte> out) {
    const auto used = session();
    if (!used) {
        return used.error();
    }
    const auto done = offload::perform(**used, operation, parts, out);
    if (!done && done.error() == driver::Errc::stale_session) {
        retire(*used);
    }
    return done;
}

driver::result<const offload::DeviceSession*> DeviceKeyPair::session() {
    if (const auto* const session = current_session()) {
        return session;
    }
    // Several may come here at one time, since nobody can wait for a job that is paused. The first
    // session to exist is used by all, also by those for whom the device had none left.
    // Of X25519 the device wants the scalar alone; the other half is what a peer has.
    const bool wants_public_half = algorithm_ != spec::Algorithm::x25519;
    auto begun = begin_session<offload::DeviceSession>(
        front_end_.source(),
        {.algorithm = algorithm_,
         .key = wants_public_half ? public_half() : std::span<const std::byte>(),
         .second_key = private_half_.bytes()});
    if (const auto* const session = current_session()) {
        return session;
    }
    if (!begun) {
        // The numbers are none of a key; software may do with them what it likes.
        return begun.error() == driver::Errc::crypto_failed
                   ? make_error_code(boost::system::errc::not_supported)
                   : begun.error();
    }
    const std::lock_guard lock(mutex_);
    if (held_ == nullptr) {
        held_ = std::move(*begun);
    }
    return &held_->session();
}

const offload::DeviceSession* DeviceKeyPair::current_session() {
    const std::lock_guard lock(mutex_);
    if (held_ != nullptr && !held_->is_current()) {
        retired_.push_back(std::move(held_));
    }
    return held_ != nullptr ? &held_->session() : nullptr;
}

void DeviceKeyPair::retire(const offload::DeviceSession* session) {
    const std::lock_guard lock(mutex_);
    if (held_ != nullptr && &held_->session() == session) {
        retired_.push_back(std::move(held_));
    }
}

}  // namespace ringside::frontends
