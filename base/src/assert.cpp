// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/base/assert.hpp"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace ringside {

void assertion_failed(const Trace* trace, const char* expression, const char* file, int line,
                      const char* format, ...) {
    std::fprintf(stderr, "ringside: assertion failed: %s (%s:%d): ", expression, file, line);
    std::va_list arguments;
    va_start(arguments, format);
    std::vfprintf(stderr, format, arguments);
    va_end(arguments);
    std::fputc('\n', stderr);
    if (trace != nullptr) {
        trace->dump(stderr);
    }
    std::fflush(stderr);
    std::abort();
}

}  // namespace ringside
