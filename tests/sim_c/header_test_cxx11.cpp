// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// A C++11 compiler takes the header and its initialiser.

#include <ringside/ringside.h>

size_t ringside_config_size_in_cxx11();

size_t ringside_config_size_in_cxx11() {
    const ringside_config config = RINGSIDE_CONFIG_INIT;
    return config.size;
}
