// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What is done with an asymmetric key in the device. Many threads and jobs use one session at a
// time, a TLS server's key above all.

#include <initializer_list>
#include <span>

#include "ringside/driver/requests_asymmetric.hpp"
#include "ringside/offload/device_session.hpp"

namespace ringside::offload {

/// One of driver/requests_asymmetric.hpp.
using KeyOperation = spec::SubmissionEntry (*)(std::uint32_t session,
                                               const driver::CipherBuffers& buffers);

/// Lets the device read `parts`, one behind the other, and write exactly `out`. Errors: those of
/// DeviceSession::exchange(), Errc::ring_broken if the result is of another length. Any thread.
driver::result<void> perform(const DeviceSession& session, KeyOperation operation,
                             std::initializer_list<std::span<const std::byte>> parts,
                             std::span<std::byte> out);

}  // namespace ringside::offload
