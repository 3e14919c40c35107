// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What crashes or corrupts in the reference is refused here and told on stderr, one line per kind
// and process, so that a program that does it in a loop is not drowned (docs/async.md lists them).
// Thread rule: any thread, also on a job's stack.

#include <cstdint>

namespace ringside::async {

enum class Misuse : std::uint8_t {
    nested_start,
    resume_before_pause,
    stale_handle,
    wrong_thread,
    ctx_freed_under_job,
    pool_freed_under_job,
    pause_without_ctx,
    clear_in_cleanup,
    set_in_cleanup,
    free_in_cleanup,
};

/// Tells of it unless that was done before.
void diagnose(Misuse misuse);

}  // namespace ringside::async
