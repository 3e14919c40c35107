/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: the ringside authors */

/* A C11 compiler takes the header, twice, and its initialiser. */

#include <ringside/ringside.h>

size_t ringside_config_size_in_c(void);

size_t ringside_config_size_in_c(void) {
    const struct ringside_config config = RINGSIDE_CONFIG_INIT;
    return config.size;
}
