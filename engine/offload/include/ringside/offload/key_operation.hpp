// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What is done with an asymmetric key in the device. Its session is shared: many threads and jobs
// use one key at a time, a TLS server's above all.

#include <initializer_list>
#include <memory>
#include <span>

#include "ringside/driver/requests_asymmetric.hpp"
#include "ringside/offload/device_session.hpp"

namespace ringside::offload {

/// One of driver/requests_asymmetric.hpp.
using KeyOperation = spec::SubmissionEntry (*)(std::uint32_t session,
                                               const driver::CipherBuffers& buffers);

/// Lets the device read `parts`, one behind the other, and write exactly `out`. The request keeps
/// the session, so that a job that is abandoned while it waits leaves nothing behind: give the
/// session away, and own nothing on the stack while this runs. Errors: those of
/// DeviceSession::exchange(), Errc::ring_broken if the result is of another length. Any thread.
driver::result<void> perform(std::shared_ptr<const DeviceSession> session, KeyOperation operation,
                             std::initializer_list<std::span<const std::byte>> parts,
                             std::span<std::byte> out);

}  // namespace ringside::offload
