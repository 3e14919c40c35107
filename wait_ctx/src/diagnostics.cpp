// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "diagnostics.hpp"

#include <unistd.h>

#include <atomic>
#include <string>

namespace ringside::async {
namespace {

const char* text(Misuse misuse) {
    switch (misuse) {
        case Misuse::nested_start:
            return "ASYNC_start_job called inside a job: refused (a callback that resumes inline?)";
        case Misuse::resume_before_pause:
            return "ASYNC_start_job called inside the very job, before its pause: refused (a "
                   "callback must not resume inline)";
        case Misuse::stale_handle:
            return "ASYNC_start_job with the handle of a job that has finished: refused";
        case Misuse::wrong_thread:
            return "ASYNC_start_job with a job of another thread: refused (a job stays on the "
                   "thread that started it)";
        case Misuse::ctx_freed_under_job:
            return "ASYNC_WAIT_CTX_free before the ctx's job has finished: the job cannot be "
                   "resumed any more";
        case Misuse::pool_freed_under_job:
            return "ASYNC_cleanup_thread with paused jobs: they can still be resumed, and outlive "
                   "the pool until they finish";
        case Misuse::pause_without_ctx:
            return "ASYNC_pause_job in a job without a wait ctx: OpenSSL would crash at its resume";
        case Misuse::clear_in_cleanup:
            return "ASYNC_WAIT_CTX_clear_fd for the fd whose cleanup is running: refused";
        case Misuse::set_in_cleanup:
            return "ASYNC_WAIT_CTX_set_wait_fd on a ctx that is being freed: refused";
        case Misuse::free_in_cleanup:
            return "ASYNC_WAIT_CTX_free on a ctx that is being freed or was freed: ignored";
    }
    return "misuse";
}

std::atomic<std::uint32_t> told{0};

}  // namespace

void diagnose(Misuse misuse) {
    const std::uint32_t bit = 1U << static_cast<unsigned>(misuse);
    if ((told.fetch_or(bit, std::memory_order_relaxed) & bit) == 0) {
        const std::string line = std::string("ringside async: ") + text(misuse) + "\n";
        // One write: whole lines, whatever other threads print.
        [[maybe_unused]] const auto written = write(STDERR_FILENO, line.data(), line.size());
    }
}

}  // namespace ringside::async
