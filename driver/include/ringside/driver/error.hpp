// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The driver's error codes, category "ringside.driver". Ring-full is `again` and nothing else is.

#include <boost/system/error_code.hpp>
#include <boost/system/is_error_code_enum.hpp>

namespace ringside::driver {

enum class Errc {
    // from submit()
    again = 1,  ///< EAGAIN: every credit is in use or reserved; wait for a slot, nothing is lost
    draining,   ///< Device::drain(): the device finishes what it has and takes no more
    resetting,  ///< a reset is under way; wait for a slot as with `again`, nothing is lost
    dead,       ///< the device is gone or was closed; for ever
    invalid_request,  ///< the request breaks a limit of the device; it can never be submitted
    ring_broken,      ///< the device answered with what cannot be
    stale_session,    ///< a reset has ended the session and it was not created anew
    // from a completion
    request_rejected,  ///< the device found the descriptor wrong (type 1)
    auth_failed,       ///< the AEAD tag does not match; no plaintext was written
    crypto_failed,     ///< another error of the data (type 2)
    dma_fault,         ///< the device could not reach a buffer (type 3)
    aborted,           ///< a reset ended it (type 7)
    cancelled,         ///< cancel() ended it
    // from open()
    not_our_device,       ///< the identity register reads otherwise
    unsupported_version,  ///< another major version
    unsupported_config,   ///< more queues, larger rings or more vectors than the device has
    timed_out,            ///< a change of state took longer than the TO register allows
    out_of_dma_memory,    ///< the DMA pool is at its limit
};

const boost::system::error_category& driver_category();

inline boost::system::error_code make_error_code(Errc code) {
    return {static_cast<int>(code), driver_category()};
}

/// Whether a submit() that was given a waiter and said `error` has put it into the queue: submit
/// again when slot_ready() comes.
inline bool is_transient(boost::system::error_code error) {
    return error == make_error_code(Errc::again) || error == make_error_code(Errc::resetting);
}

}  // namespace ringside::driver

template <>
struct boost::system::is_error_code_enum<ringside::driver::Errc> : std::true_type {};
