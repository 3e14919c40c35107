// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/driver/error.hpp"

#include <string>

namespace ringside::driver {
namespace {

const char* text_of(Errc code) {
    switch (code) {
        case Errc::again:
            return "ring full, wait for a slot";
        case Errc::draining:
            return "device is draining and takes no more requests";
        case Errc::resetting:
            return "device reset under way, try again after it";
        case Errc::dead:
            return "device is gone or closed";
        case Errc::invalid_request:
            return "request breaks a limit of the device";
        case Errc::ring_broken:
            return "device answered with what cannot be";
        case Errc::stale_session:
            return "session ended by a device reset";
        case Errc::request_rejected:
            return "device found the descriptor wrong";
        case Errc::auth_failed:
            return "authentication tag does not match";
        case Errc::crypto_failed:
            return "device could not process the data";
        case Errc::dma_fault:
            return "device could not reach a buffer";
        case Errc::aborted:
            return "operation ended by a reset";
        case Errc::cancelled:
            return "operation cancelled";
        case Errc::not_our_device:
            return "identity register does not name an RS1 accelerator";
        case Errc::unsupported_version:
            return "register map has another major version";
        case Errc::unsupported_config:
            return "device has fewer queue pairs, vectors or ring entries than asked for";
        case Errc::timed_out:
            return "device did not change its state in time";
        case Errc::out_of_dma_memory:
            return "DMA memory is used up";
    }
    return "unknown driver error";
}

class DriverCategory final : public boost::system::error_category {
  public:
    const char* name() const noexcept override { return "ringside.driver"; }
    std::string message(int code) const override { return text_of(static_cast<Errc>(code)); }
};

}  // namespace

const boost::system::error_category& driver_category() {
    static const DriverCategory category;
    return category;
}

}  // namespace ringside::driver
