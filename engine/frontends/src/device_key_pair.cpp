// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "device_key_pair.hpp"

#include <utility>

namespace ringside::frontends {

DeviceKeyPair::DeviceKeyPair(FrontEnd& front_end, spec::Algorithm algorithm,
                             CleansedBuffer public_half, CleansedBuffer private_half)
    : front_end_(front_end),
      algorithm_(algorithm),
      public_half_(std::move(public_half)),
      private_half_(std::move(private_half)) {}

DeviceKeyPair::~DeviceKeyPair() {
    current_session();  // forgets one that is not this process's
}

driver::result<void> DeviceKeyPair::run(offload::KeyOperation operation,
                                        std::initializer_list<std::span<const std::byte>> parts,
                                        std::span<std::byte> out) {
    auto created = session();
    if (!created) {
        return created.error();
    }
    const offload::DeviceSession* const used = created->get();
    const auto done = offload::perform(std::move(*created), operation, parts, out);
    if (!done && done.error() != driver::Errc::crypto_failed) {
        end_session(used);
    }
    return done;
}

DeviceKeyPair::Session DeviceKeyPair::current_session() {
    const std::lock_guard lock(mutex_);
    if (session_ != nullptr && !front_end_.source().is_current(&session_->offload())) {
        session_->abandon();
        session_.reset();
    }
    return session_;
}

driver::result<DeviceKeyPair::Session> DeviceKeyPair::session() {
    if (auto session = current_session()) {
        return session;
    }
    offload::Offload* const offload = front_end_.source().offload();
    if (offload == nullptr) {
        return boost::system::errc::make_error_code(boost::system::errc::no_such_device);
    }
    // Several may come here at one time, since nobody can wait for a job that is paused. The first
    // session to exist is used by all, also by those for whom the device had none left.
    auto created = offload::DeviceSession::create(*offload, {.algorithm = algorithm_,
                                                             .key = public_half_.bytes(),
                                                             .second_key = private_half_.bytes()});
    if (auto session = current_session()) {
        return session;
    }
    if (!created) {
        // The numbers are none of a key; software may do with them what it likes.
        return created.error() == driver::Errc::crypto_failed
                   ? make_error_code(boost::system::errc::not_supported)
                   : created.error();
    }
    auto session = std::make_shared<offload::DeviceSession>(std::move(*created));
    const std::lock_guard lock(mutex_);
    if (session_ == nullptr) {
        session_ = std::move(session);
    }
    return session_;
}

void DeviceKeyPair::end_session(const offload::DeviceSession* failed) {
    const std::lock_guard lock(mutex_);
    if (session_.get() == failed) {
        session_.reset();
    }
}

}  // namespace ringside::frontends
