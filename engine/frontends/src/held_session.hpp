// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Sessions in the device as front ends keep them: shared by whoever uses them, ended by the last,
// and only in the process where they were begun. Keys have theirs (DeviceKey); algorithms without a
// key share one for the whole front end.

#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "ringside/frontends/device_host.hpp"
#include "ringside/offload/device_session.hpp"

namespace ringside::frontends {

/// A session that is ended where it was begun: not in a child after fork().
template <typename Session>
class HeldSession {
  public:
    HeldSession(OffloadSource& source, Session session)
        : source_(source), session_(std::move(session)) {}
    HeldSession(const HeldSession&) = delete;
    HeldSession& operator=(const HeldSession&) = delete;
    ~HeldSession() {
        if (!is_current()) {
            session_.abandon();
        }
    }
    bool is_current() const { return source_.is_current(&session_.offload()); }
    const Session& session() const { return session_; }

  private:
    OffloadSource& source_;
    Session session_;
};

/// May pause the job. no_such_device if there is none; the other errors are Session::create()'s.
template <typename Session>
driver::result<std::shared_ptr<const HeldSession<Session>>> begin_session(
    OffloadSource& source, const driver::SessionSpec& spec) {
    offload::Offload* const offload = source.offload();
    if (offload == nullptr) {
        return boost::system::errc::make_error_code(boost::system::errc::no_such_device);
    }
    auto created = Session::create(*offload, spec);
    if (!created) {
        return created.error();
    }
    return std::make_shared<const HeldSession<Session>>(source, std::move(*created));
}

/// The sessions of algorithms without a key: hashes, key derivation. Any thread.
class KeylessSessions {
  public:
    using Held = std::shared_ptr<const HeldSession<offload::DeviceSession>>;

    explicit KeylessSessions(OffloadSource& source) : source_(source) {}
    /// Begun when first asked for; may pause the job. The caller keeps it where a job that is left
    /// behind does not leak it: in its context, not on the stack. Errors: begin_session()'s.
    driver::result<Held> get(spec::Algorithm algorithm, spec::Hash hash);
    /// After an operation failed: who asks next gets a new one, on the device as it is then.
    void drop(const Held& session);

  private:
    using Kind = std::pair<spec::Algorithm, spec::Hash>;
    Held find(const Kind& kind);

    OffloadSource& source_;
    std::mutex mutex_;
    std::map<Kind, Held> sessions_;
};

}  // namespace ringside::frontends
