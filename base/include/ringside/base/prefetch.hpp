// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

namespace ringside {

/// The line of memory at `place`, wherever that is, will soon be written: another processor's cache
/// may have it. The compiler's own means gives a line that can only be read, unless it compiles
/// for processors that have the instruction, as all of the last ten years do.
inline void prefetch_to_write(const void* place) {
#if defined(__x86_64__)
    asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(place)));
#else
    __builtin_prefetch(place, 1);
#endif
}

}  // namespace ringside
