// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Why a platform could not be built; category "ringside.sim".

#include <boost/system/error_code.hpp>
#include <boost/system/is_error_code_enum.hpp>

namespace ringside::sim {

enum class Errc {
    kernel_in_use = 1,  ///< SystemC allows one kernel at a time, and this process already has one
    no_thread,          ///< the operating system gave no thread
    no_eventfd,         ///< no file descriptor was left for the interrupt vectors
    no_memory,          ///< the operating system refused a stack
};

const boost::system::error_category& sim_category();

inline boost::system::error_code make_error_code(Errc code) {
    return {static_cast<int>(code), sim_category()};
}

}  // namespace ringside::sim

template <>
struct boost::system::is_error_code_enum<ringside::sim::Errc> : std::true_type {};
