// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The commands of the admin queue.

#include <algorithm>
#include <cstring>

#include "device_impl.hpp"

namespace ringside::core {

/// The source, if the command has one, has been read.
void Device::Impl::run_admin(Operation& operation, std::uint32_t slot) {
    switch (static_cast<spec::Opcode>(operation.entry.opcode)) {
        case spec::Opcode::session_create:
            operation.status = create_session(operation);
            break;
        case spec::Opcode::session_destroy:
            if (!sessions_.destroy(operation.entry.session)) {
                operation.status = refused(spec::RequestError::bad_session);
            }
            break;
        case spec::Opcode::abort:
            operation.result =
                abort_operation(spec::AbortTarget::of(operation.entry.session)) ? 1 : 0;
            break;
        case spec::Opcode::get_log:
            read_log(operation);
            send_output(operation, slot);
            return;
        default:
            break;  // check() lets nothing else come here
    }
    schedule(Stage::completed, config_.completion, slot);
}

spec::Status Device::Impl::create_session(Operation& operation) {
    spec::SessionParameters parameters;
    std::memcpy(&parameters, operation.source.data(), sizeof parameters);
    const auto keys = std::span<const std::byte>(operation.source).subspan(sizeof parameters);
    if (keys.size() != std::size_t{parameters.key_len} + parameters.second_key_len) {
        return refused(spec::RequestError::bad_length);
    }
    if (parameters.reserved != 0) {
        return refused(spec::RequestError::bad_field);
    }
    const auto created =
        sessions_.create({.algorithm = static_cast<spec::Algorithm>(parameters.algorithm),
                          .hash = static_cast<spec::Hash>(parameters.hash),
                          .key = keys.first(parameters.key_len),
                          .second_key = keys.subspan(parameters.key_len)});
    operation.result = created.id;
    return created.status;
}

/// Ends an operation of an I/O queue that the chip has fetched and not completed: it completes as
/// ABORTED now, and nothing touches its buffers any more.
bool Device::Impl::abort_operation(spec::AbortTarget target) {
    for (std::uint32_t slot = 0; slot < operations_.size(); ++slot) {
        Operation& operation = operations_[slot];
        if (operation.serial != 0 && operation.queue == target.queue && operation.queue != 0 &&
            operation.entry.cid == target.cid) {
            operation.status =
                spec::Status::of(spec::StatusType::aborted, spec::AbortReason::admin);
            retire(operation, slot);
            return true;
        }
    }
    return false;
}

void Device::Impl::read_log(Operation& operation) {
    const std::size_t count =
        std::min(log_.size(), operation.entry.dst_len / sizeof(spec::LogEntry));
    operation.output.begin(count * sizeof(spec::LogEntry));
    for (std::size_t i = 0; i < count; ++i) {
        std::memcpy(operation.output.data() + i * sizeof(spec::LogEntry), &log_[i],
                    sizeof(spec::LogEntry));
    }
}

}  // namespace ringside::core
