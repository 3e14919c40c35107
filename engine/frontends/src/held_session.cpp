// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "held_session.hpp"

namespace ringside::frontends {

KeylessSessions::Held KeylessSessions::find(const Kind& kind) {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(kind);
    return found != sessions_.end() && found->second->is_current() ? found->second : nullptr;
}

driver::result<KeylessSessions::Held> KeylessSessions::get(spec::Algorithm algorithm,
                                                           spec::Hash hash) {
    const Kind kind{algorithm, hash};
    if (Held held = find(kind)) {
        return held;
    }
    // Without the lock: the job may pause. Two may begin one at the same time; the later stays.
    auto begun =
        begin_session<offload::DeviceSession>(source_, {.algorithm = algorithm, .hash = hash});
    if (begun) {
        Held former = *begun;
        const std::lock_guard lock(mutex_);
        sessions_[kind].swap(former);
    }
    return begun;
}

void KeylessSessions::drop(const Held& session) {
    Held last;
    const std::lock_guard lock(mutex_);
    for (auto& [kind, held] : sessions_) {
        if (held == session) {
            last.swap(held);
            sessions_.erase(kind);
            break;
        }
    }
}

}  // namespace ringside::frontends
