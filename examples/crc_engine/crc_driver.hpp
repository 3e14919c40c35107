// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A driver of the CRC engine: one queue pair, completions by interrupt. Errors are std::errc's:
// resource_unavailable_try_again from submit() is a full ring, and loses nothing.

#include <boost/system/errc.hpp>
#include <functional>
#include <ringside/driver/rings/completion_ring.hpp>
#include <ringside/driver/rings/in_flight.hpp>
#include <ringside/driver/rings/submission_ring.hpp>
#include <ringside/driver/rings/vector_loop.hpp>

#include "crc_registers.hpp"

namespace crc {

using ringside::driver::Environment;
using ringside::driver::error_code;
using ringside::driver::Link;
using ringside::driver::result;

class Driver {
  public:
    /// The CRC, or invalid_argument (a wrong descriptor), bad_address (its DMA failed),
    /// operation_canceled (reset(), or the end), io_error (the engine has stopped; reset() helps).
    /// On the interrupt executor or in reset(), with no lock held.
    using Callback = std::function<void(result<std::uint32_t>)>;

    /// Link and environment outlive the driver; `entries` is a power of two. Fails with
    /// no_such_device, or as Link::dma_map().
    static result<std::unique_ptr<Driver>> open(Link& link, Environment& environment,
                                                std::uint32_t entries);
    /// Not on the interrupt executor.
    ~Driver();

    /// Memory is mapped by the caller until the callback; the cid is ours. Any thread.
    result<void> submit(Descriptor descriptor, Callback callback);
    /// Ends all that is in flight and begins anew. Any thread.
    result<void> reset();

  private:
    using Outcomes = std::vector<std::pair<Callback, result<std::uint32_t>>>;
    Driver(Link& link, Environment& environment, std::uint32_t entries);
    result<void> start();
    void on_interrupt();
    bool reap(Outcomes& outcomes);
    void halt(Outcomes& outcomes, boost::system::errc::errc_t why);
    static void tell(Outcomes& outcomes);

    Link& link_;
    const std::uint32_t entries_;
    ringside::driver::VectorLoop interrupts_;
    const std::unique_ptr<ringside::driver::Mutex> mutex_;  ///< guards all below
    std::optional<ringside::driver::SubmissionRing<Descriptor>> submission_;
    std::optional<ringside::driver::CompletionRing<Completion>> completion_;
    ringside::driver::InFlight<Callback> in_flight_;
    bool stopped_ = true;
};

}  // namespace crc
