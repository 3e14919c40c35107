// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "switching_return.hpp"

#if defined(__x86_64__)
// The name is the compiler's. Without `notrack`, a process under indirect branch tracking would be
// ended at a return address that is no landing pad.
asm(R"(
        .text
        .weak __x86_return_thunk
        .hidden __x86_return_thunk
        .type __x86_return_thunk, @function
__x86_return_thunk:
        .cfi_startproc
        pop %rcx
        .cfi_def_cfa_offset 0
        .cfi_register %rip, %rcx
        notrack jmp *%rcx
        .cfi_endproc
        .size __x86_return_thunk, . - __x86_return_thunk
)");
#endif
