// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// For functions that switch stacks and return on the other one. The CPU predicts a `ret` from the
// calls that it has seen, so theirs is always predicted wrong, and that comes out only when the
// return address has arrived from a stack which, among thousands, is in no cache. An indirect jump
// is predicted from history instead, and the loads of one switch overlap with those of the next:
// docs/performance.md tells what it is worth.

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
/// Has a function return through __x86_return_thunk (switching_return.cpp).
#define RINGSIDE_SWITCHING_RETURN [[gnu::function_return("thunk-extern")]]
#else
#define RINGSIDE_SWITCHING_RETURN
#endif
