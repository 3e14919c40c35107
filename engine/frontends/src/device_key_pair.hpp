// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// An asymmetric key as the device knows it, and its session from the first operation on. Threads
// and jobs share it; no lock is held while a job is paused.

#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "device_key.hpp"
#include "ringside/base/cleansed_buffer.hpp"
#include "ringside/offload/key_operation.hpp"

namespace ringside::frontends {

class DeviceKeyPair {
  public:
    /// The halves as in the datasheet, "Algorithms"; one of them may be empty.
    DeviceKeyPair(FrontEnd& front_end, spec::Algorithm algorithm, CleansedBuffer public_half,
                  CleansedBuffer private_half);
    DeviceKeyPair(const DeviceKeyPair&) = delete;
    DeviceKeyPair& operator=(const DeviceKeyPair&) = delete;

    FrontEnd& front_end() const { return front_end_; }
    spec::Algorithm algorithm() const { return algorithm_; }
    std::span<const std::byte> public_half() const { return public_half_.bytes(); }
    std::span<const std::byte> private_half() const { return private_half_.bytes(); }
    bool has_private_half() const { return !private_half_.empty(); }
    /// Adds the public half, which the private one has given, before anybody else has the pair.
    void complete(std::span<const std::byte> public_half) {
        public_half_ = CleansedBuffer(public_half);
    }
    /// Whether it has these.
    bool is(std::span<const std::byte> public_half, std::span<const std::byte> private_half) const;

    /// offload::perform() with this key. May pause the job: the caller owns nothing on its stack.
    /// Errors besides: no_such_device if there is none, those of DeviceSession::create(),
    /// not_supported if the device does not take the key.
    driver::result<void> run(offload::KeyOperation operation,
                             std::initializer_list<std::span<const std::byte>> parts,
                             std::span<std::byte> out);

  private:
    using Held = std::shared_ptr<const HeldSession<offload::DeviceSession>>;

    driver::result<const offload::DeviceSession*> session();
    const offload::DeviceSession* current_session();
    void retire(const offload::DeviceSession* session);

    FrontEnd& front_end_;
    const spec::Algorithm algorithm_;
    CleansedBuffer public_half_;
    const CleansedBuffer private_half_;
    std::mutex mutex_;
    Held held_;  ///< guarded, as what follows
    /// Ended by a reset or by fork(), and perhaps still in the hands of other callers: a session
    /// lives as long as the key, so that nobody holds it while a job is paused.
    std::vector<Held> retired_;
};

/// Bytes as libcrypto and as the driver have them.
inline std::span<const std::byte> octets(const unsigned char* data, std::size_t size) {
    return std::as_bytes(std::span(data, size));
}
inline std::span<std::byte> octets(unsigned char* data, std::size_t size) {
    return std::as_writable_bytes(std::span(data, size));
}

}  // namespace ringside::frontends
