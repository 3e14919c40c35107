// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The keys of one context of a front end, and their session in the device from the first operation
// on. Copies of a context share the session that it has; each kind of session (CipherSession,
// DigestSession, ...) is kept the same way.

#include <algorithm>
#include <memory>
#include <span>

#include "front_end.hpp"
#include "held_session.hpp"
#include "ringside/base/cleansed_buffer.hpp"

namespace ringside::frontends {

template <typename Session>
class DeviceKey {
  public:
    DeviceKey(FrontEnd& front_end, spec::Algorithm algorithm, spec::Hash hash = spec::Hash::none)
        : front_end_(front_end), algorithm_(algorithm), hash_(hash) {}
    DeviceKey(const DeviceKey& other)
        : front_end_(other.front_end_),
          algorithm_(other.algorithm_),
          hash_(other.hash_),
          key_(other.key_.bytes()),
          second_key_(other.second_key_.bytes()),
          held_(other.held_) {}
    DeviceKey& operator=(const DeviceKey&) = delete;

    void set(std::span<const unsigned char> key) { replace(key_, std::as_bytes(key)); }
    /// The MAC's, of the algorithms that have one.
    void set_second(std::span<const unsigned char> key) {
        replace(second_key_, std::as_bytes(key));
    }
    bool is_set() const { return !key_.empty(); }
    const unsigned char* data() const {
        return reinterpret_cast<const unsigned char*>(key_.data());
    }
    std::size_t size() const { return key_.size(); }
    spec::Hash hash() const { return hash_; }

    /// The key must be set. May pause the job. Errors: begin_session()'s.
    driver::result<const Session*> session() {
        if (held_ == nullptr || !held_->is_current()) {
            end_session();
            auto begun =
                begin_session<Session>(front_end_.source(), {.algorithm = algorithm_,
                                                             .key = key_.bytes(),
                                                             .second_key = second_key_.bytes(),
                                                             .hash = hash_});
            if (!begun) {
                return begun.error();
            }
            held_ = std::move(*begun);
        }
        return &held_->session();
    }
    /// After an operation failed: the next one begins with a new session, on the device as it is
    /// then.
    void end_session() { held_.reset(); }

  private:
    void replace(CleansedBuffer& key, std::span<const std::byte> with) {
        // A message loop sets the same key again and again; its session serves on.
        const auto bytes = key.bytes();
        if (!std::equal(bytes.begin(), bytes.end(), with.begin(), with.end())) {
            end_session();
            key = CleansedBuffer(with);
        }
    }

    FrontEnd& front_end_;
    const spec::Algorithm algorithm_;
    const spec::Hash hash_;
    CleansedBuffer key_;
    CleansedBuffer second_key_;
    std::shared_ptr<const HeldSession<Session>> held_;
};

}  // namespace ringside::frontends
