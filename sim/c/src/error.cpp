// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "error.hpp"

#include <cerrno>

#include "ringside/driver/error.hpp"
#include "ringside/sim/error.hpp"

namespace ringside::c {
namespace {

int errno_of(driver::Errc code) {
    switch (code) {
        case driver::Errc::again:
            return EAGAIN;
        case driver::Errc::draining:
            return ESHUTDOWN;
        case driver::Errc::resetting:
            return EBUSY;
        case driver::Errc::dead:
        case driver::Errc::not_our_device:
            return ENODEV;
        case driver::Errc::invalid_request:
        case driver::Errc::request_rejected:
            return EINVAL;
        case driver::Errc::auth_failed:
            return EBADMSG;
        case driver::Errc::dma_fault:
            return EFAULT;
        case driver::Errc::aborted:
        case driver::Errc::cancelled:
            return ECANCELED;
        case driver::Errc::unsupported_version:
        case driver::Errc::unsupported_config:
            return ENOTSUP;
        case driver::Errc::timed_out:
            return ETIMEDOUT;
        case driver::Errc::out_of_dma_memory:
            return ENOMEM;
        default:
            return EIO;
    }
}

int errno_of(sim::Errc code) {
    switch (code) {
        case sim::Errc::kernel_in_use:
            return EBUSY;
        case sim::Errc::no_thread:
            return EAGAIN;
        case sim::Errc::no_eventfd:
            return EMFILE;
        case sim::Errc::no_memory:
            return ENOMEM;
    }
    return EIO;
}

}  // namespace

int negative_errno(const boost::system::error_code& code) {
    if (!code) {
        return 0;
    }
    if (code.category() == driver::driver_category()) {
        return -errno_of(static_cast<driver::Errc>(code.value()));
    }
    if (code.category() == sim::sim_category()) {
        return -errno_of(static_cast<sim::Errc>(code.value()));
    }
    return code.category() == boost::system::generic_category() && code.value() > 0 ? -code.value()
                                                                                    : -EIO;
}

}  // namespace ringside::c
