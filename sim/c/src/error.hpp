// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Error codes for C.

#include <boost/system/error_code.hpp>

namespace ringside::c {

/// 0, or the negative errno that ringside.h gives to `code`.
int negative_errno(const boost::system::error_code& code);

}  // namespace ringside::c
