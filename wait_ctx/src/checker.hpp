// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The protocol checker: watches how a process, its engine and its application, use the ASYNC API,
// and tells misuse on stderr with the place in the code. Switched on by the environment variable
// RINGSIDE_ASYNC_CHECK (docs/async.md); else active() is null and no hook is called. It keeps
// tables of its own, keyed by handle, so that contexts and jobs carry nothing for it.
// Thread rule: every function on any thread, even inside a job (32 KiB of stack suffice).

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ringside/async.h"

namespace ringside::async {

/// Where the API was called: a return address.
using Place = const void*;

class Checker {
  public:
    /// What is told; the names stand in docs/async.md.
    enum class Kind : std::uint8_t {
        fd_closed,
        changes_not_collected,
        callback_blocks,
        eagain_not_retried,
        job_abandoned,
        ctx_shared,
        fds_pile_up,
        wrong_thread,
    };

    /// Null: switched off, as mostly.
    static Checker* active() {
        return __builtin_expect(instance != nullptr, 0) != 0 ? instance : nullptr;
    }

    // ---- wait contexts: after the call did its work, but for ctx_freed and changes_dropped ----

    void fd_set(const ASYNC_WAIT_CTX* ctx, const void* key, int fd, Place place);
    void fd_cleared(const ASYNC_WAIT_CTX* ctx, const void* key);
    /// The application looked at the fds.
    void fds_collected(const ASYNC_WAIT_CTX* ctx, Place place);
    /// Replaces what get_callback() is about to give by a callback that calls it and takes the
    /// time.
    void watch(ASYNC_callback_fn* callback, void** argument, Place place);
    void ctx_freed(const ASYNC_WAIT_CTX* ctx, Place place);

    // ---- jobs ----

    void job_started(const ASYNC_JOB* job, const ASYNC_WAIT_CTX* ctx, Place place);
    void job_paused(const ASYNC_JOB* job, Place place);
    /// A paused job goes on; its ctx is about to forget which fds changed.
    void job_resumed(const ASYNC_JOB* job, Place place);
    void job_resume_refused(const ASYNC_JOB* job, Place place);
    void job_finished(const ASYNC_JOB* job);
    /// The pool of the calling thread is cleaned up; `place` null: because the thread ends.
    void thread_cleaned_up(Place place);
    /// Jobs that are paused when the process exits are abandoned.
    void process_exits();

  private:
    struct Registration {
        const void* key;
        int fd;
        std::uint64_t device;  ///< with inode: which file the fd was when it was registered
        std::uint64_t inode;
        Place place;
        bool told;
    };
    struct Context {
        std::vector<Registration> fds;  ///< oldest first
        Place uncollected = nullptr;    ///< the first change since the last look, or null
        bool pile_told = false;
    };
    struct Job {
        const ASYNC_WAIT_CTX* ctx;
        std::uint64_t thread;
        Place started;
        Place paused;  ///< null: it is running
    };
    struct Watched {
        Checker* checker;
        ASYNC_callback_fn callback;
        void* argument;
        Place place;
    };

    static Checker* from_environment();
    static int call_watched(void* argument);

    Checker() = default;
    void check_fds(const ASYNC_WAIT_CTX* ctx, Place place);
    void abandon(const Job& job, const char* how, Place place);
    /// Once per kind and place; with the place where it began. With the lock held.
    void tell(Kind kind, Place place, const std::string& what, const char* how_it_began,
              Place began);

    static Checker* instance;

    std::mutex mutex_;
    bool aborts_ = false;
    std::uint64_t callback_bound_ms_ = 100;
    std::map<const ASYNC_WAIT_CTX*, Context> contexts_;
    std::map<const ASYNC_JOB*, Job> jobs_;
    /// Never shrinks: an engine may call a callback that it got long ago.
    std::map<std::pair<ASYNC_callback_fn, void*>, Watched> callbacks_;
    std::set<std::pair<Kind, Place>> told_;
};

}  // namespace ringside::async
