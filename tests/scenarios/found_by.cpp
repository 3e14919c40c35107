// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "found_by.hpp"

#include "rules_in_use.hpp"

namespace ringside::testing {

const char* const found_by = driver::Rules::found_by;

}  // namespace ringside::testing
