/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: the ringside authors */

/* A C99 program can use the printed header: offsets, masks and shifts as plain C constants. */

#include "rs1_regs.h"

static const unsigned offsets[] = {RS1_ID, RS1_SQ_DB(62), RS1_STAT_OPS};
static const unsigned long long sizes = RS1_ALG_SYM_AES_GCM_MASK >> RS1_ALG_SYM_AES_GCM_SHIFT;

int main(void) {
    return offsets[0] == 0x0u && offsets[1] == 0x13E000u && offsets[2] == 0x108u && sizes == 1u ? 0
                                                                                                : 1;
}
