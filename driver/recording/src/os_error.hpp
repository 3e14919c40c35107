// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What the operating system said last, as the library's callers get it.

#include <boost/system/error_code.hpp>
#include <cerrno>

namespace ringside::recording {

inline boost::system::error_code last_os_error() {
    return {errno, boost::system::generic_category()};
}

}  // namespace ringside::recording
