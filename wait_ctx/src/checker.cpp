// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "checker.hpp"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "wait_ctx.hpp"

namespace ringside::async {
namespace {

constexpr const char* variable = "RINGSIDE_ASYNC_CHECK";

/// More live fds than this on one ctx: somebody registers under a new key each time.
constexpr std::size_t piled_up = 16;

const char* name_of(Checker::Kind kind) {
    switch (kind) {
        case Checker::Kind::fd_closed:
            return "fd-closed";
        case Checker::Kind::changes_not_collected:
            return "changes-not-collected";
        case Checker::Kind::callback_blocks:
            return "callback-blocks";
        case Checker::Kind::eagain_not_retried:
            return "eagain-not-retried";
        case Checker::Kind::job_abandoned:
            return "job-abandoned";
        case Checker::Kind::ctx_shared:
            return "ctx-shared";
        case Checker::Kind::fds_pile_up:
            return "fds-pile-up";
        case Checker::Kind::wrong_thread:
            return "wrong-thread";
    }
    return "unknown";
}

/// A number for the calling thread that no other thread ever has, unlike a pthread_t.
std::uint64_t this_thread_number() {
    static std::atomic<std::uint64_t> last{0};
    static thread_local const std::uint64_t mine = ++last;
    return mine;
}

template <typename... Arguments>
std::string text(const char* format, Arguments... arguments) {
    char line[1024];
    std::snprintf(line, sizeof line, format, arguments...);
    return line;
}

/// "module+0x12ab (function)", as addr2line takes it.
std::string describe(Place returns_to) {
    const Place place = static_cast<const char*>(returns_to) - 1;  // in the call itself
    Dl_info info{};
    if (dladdr(place, &info) == 0 || info.dli_fname == nullptr) {
        return text("%p", place);
    }
    const auto offset =
        reinterpret_cast<std::uintptr_t>(place) - reinterpret_cast<std::uintptr_t>(info.dli_fbase);
    std::string description = info.dli_fname + text("+0x%" PRIxPTR, offset);
    if (info.dli_sname != nullptr) {
        description += std::string(" (") + info.dli_sname + ")";
    }
    return description;
}

/// Which file an fd is; zeros if it is closed.
std::pair<std::uint64_t, std::uint64_t> identity(int fd) {
    struct stat status {};
    if (fstat(fd, &status) != 0) {
        return {0, 0};
    }
    return {status.st_dev, status.st_ino};
}

[[noreturn]] void refuse(std::string_view value) {
    std::fprintf(stderr,
                 "ringside async: %s = '%.*s' is not allowed: report or abort, then at will "
                 ",callback_ms=N with N from 1 to 60000\n",
                 variable, static_cast<int>(value.size()), value.data());
    _exit(2);
}

}  // namespace

Checker* Checker::instance = Checker::from_environment();

Checker* Checker::from_environment() {
    const char* setting = std::getenv(variable);
    if (setting == nullptr || *setting == '\0') {
        return nullptr;
    }
    const std::string_view whole = setting;
    std::string_view rest = whole;
    static auto* const checker = new Checker;  // never destroyed: hooks run until the last moment
    const auto comma = rest.find(',');
    const std::string_view mode = rest.substr(0, comma);
    checker->aborts_ = mode == "abort";
    if (mode != "report" && mode != "abort") {
        refuse(whole);
    }
    if (comma != std::string_view::npos) {
        rest.remove_prefix(comma + 1);
        constexpr std::string_view key = "callback_ms=";
        if (rest.substr(0, key.size()) != key) {
            refuse(whole);
        }
        rest.remove_prefix(key.size());
        auto& bound = checker->callback_bound_ms_;
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), bound);
        if (error != std::errc() || end != rest.data() + rest.size() || bound < 1 ||
            bound > 60'000) {
            refuse(whole);
        }
    }
    // The child finds the tables whole; the jobs that it inherits are its own to resume.
    pthread_atfork([] { instance->mutex_.lock(); }, [] { instance->mutex_.unlock(); },
                   [] { instance->mutex_.unlock(); });
    std::atexit([] { instance->process_exits(); });
    return checker;
}

// ---- wait contexts ----

void Checker::fd_set(const ASYNC_WAIT_CTX* ctx, const void* key, int fd, Place place) {
    const auto [device, inode] = identity(fd);
    const std::lock_guard lock(mutex_);
    Context& context = contexts_[ctx];
    context.fds.push_back({key, fd, device, inode, place, false});
    if (context.uncollected == nullptr) {
        context.uncollected = place;
    }
    if (context.fds.size() > piled_up && !context.pile_told) {
        context.pile_told = true;
        tell(Kind::fds_pile_up, place,
             text("wait ctx %p has %zu fds; an engine keeps one key, and its fd, for all its jobs",
                  static_cast<const void*>(ctx), context.fds.size()),
             "the first of them was registered", context.fds.front().place);
    }
}

void Checker::fd_cleared(const ASYNC_WAIT_CTX* ctx, const void* key) {
    const std::lock_guard lock(mutex_);
    auto& fds = contexts_[ctx].fds;
    const auto newest = std::find_if(fds.rbegin(), fds.rend(),
                                     [key](const Registration& entry) { return entry.key == key; });
    if (newest != fds.rend()) {
        fds.erase(std::next(newest).base());
    }
}

void Checker::fds_collected(const ASYNC_WAIT_CTX* ctx, Place place) {
    const std::lock_guard lock(mutex_);
    contexts_[ctx].uncollected = nullptr;
    check_fds(ctx, place);
}

void Checker::watch(ASYNC_callback_fn* callback, void** argument, Place place) {
    const std::lock_guard lock(mutex_);
    const auto [entry, is_new] = callbacks_.try_emplace(std::pair(*callback, *argument),
                                                        Watched{this, *callback, *argument, place});
    *callback = &Checker::call_watched;
    *argument = &entry->second;
}

int Checker::call_watched(void* argument) {
    const auto& watched = *static_cast<const Watched*>(argument);
    const auto before = std::chrono::steady_clock::now();
    const int result = watched.callback(watched.argument);
    const auto taken = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - before);
    Checker& checker = *watched.checker;
    if (taken.count() > static_cast<std::int64_t>(checker.callback_bound_ms_)) {
        const std::lock_guard lock(checker.mutex_);
        checker.tell(Kind::callback_blocks, reinterpret_cast<const char*>(watched.callback) + 1,
                     text("a wait-ctx callback took %lld ms (allowed: %" PRIu64
                          "); the engine's other completions waited for it",
                          static_cast<long long>(taken.count()), checker.callback_bound_ms_),
                     "the engine got it", watched.place);
    }
    return result;
}

void Checker::ctx_freed(const ASYNC_WAIT_CTX* ctx, Place place) {
    const std::lock_guard lock(mutex_);
    check_fds(ctx, place);
    for (auto entry = jobs_.begin(); entry != jobs_.end();) {
        if (entry->second.ctx == ctx && entry->second.paused != nullptr) {
            abandon(entry->second, "its wait ctx is freed", place);
            entry = jobs_.erase(entry);
        } else {
            ++entry;
        }
    }
    contexts_.erase(ctx);
}

/// The registered fds of `ctx` that are not what they were. With the lock held.
void Checker::check_fds(const ASYNC_WAIT_CTX* ctx, Place place) {
    for (Registration& entry : contexts_[ctx].fds) {
        if (entry.told || identity(entry.fd) == std::pair(entry.device, entry.inode)) {
            continue;
        }
        entry.told = true;
        tell(Kind::fd_closed, place,
             text("fd %d was closed while it was registered with wait ctx %p under key %p",
                  entry.fd, static_cast<const void*>(ctx), entry.key),
             "registered", entry.place);
    }
}

// ---- jobs ----

void Checker::job_started(const ASYNC_JOB* job, const ASYNC_WAIT_CTX* ctx, Place place) {
    const std::lock_guard lock(mutex_);
    if (ctx != nullptr) {
        for (const auto& [other, record] : jobs_) {
            if (record.ctx == ctx && other != job) {
                tell(Kind::ctx_shared, place,
                     text("wait ctx %p is that of a paused job already; each wipes the fd changes "
                          "of the other",
                          static_cast<const void*>(ctx)),
                     "the other was started", record.started);
                break;
            }
        }
    }
    jobs_[job] = {ctx, this_thread_number(), place, nullptr};
}

void Checker::job_paused(const ASYNC_JOB* job, Place place) {
    const std::lock_guard lock(mutex_);
    const auto entry = jobs_.find(job);
    if (entry == jobs_.end()) {
        return;
    }
    entry->second.paused = place;
    if (entry->second.ctx != nullptr) {
        check_fds(entry->second.ctx, place);
    }
}

void Checker::job_resumed(const ASYNC_JOB* job, Place place) {
    const std::lock_guard lock(mutex_);
    const auto entry = jobs_.find(job);
    if (entry == jobs_.end()) {
        return;
    }
    entry->second.paused = nullptr;
    const ASYNC_WAIT_CTX* ctx = entry->second.ctx;
    if (ctx == nullptr) {
        return;
    }
    check_fds(ctx, place);
    Context& context = contexts_[ctx];
    // Who retries after EAGAIN, or is told by a callback, need not look at the fds.
    const bool must_look = ctx->callback == nullptr && ctx->status != ASYNC_STATUS_EAGAIN;
    if (context.uncollected != nullptr && must_look) {
        tell(Kind::changes_not_collected, place,
             text("the job is resumed although nobody asked wait ctx %p for its fds since one "
                  "was added: for what did the application wait?",
                  static_cast<const void*>(ctx)),
             "added", context.uncollected);
    }
    context.uncollected = nullptr;
}

void Checker::job_resume_refused(const ASYNC_JOB* job, Place place) {
    const std::lock_guard lock(mutex_);
    const auto entry = jobs_.find(job);
    if (entry == jobs_.end() || entry->second.thread == this_thread_number()) {
        return;
    }
    tell(Kind::wrong_thread, place,
         text("job %p belongs to the thread that started it", static_cast<const void*>(job)),
         "started", entry->second.started);
}

void Checker::job_finished(const ASYNC_JOB* job) {
    const std::lock_guard lock(mutex_);
    jobs_.erase(job);
}

void Checker::thread_cleaned_up(Place place) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t thread = this_thread_number();
    for (auto entry = jobs_.begin(); entry != jobs_.end();) {
        if (entry->second.thread == thread && entry->second.paused != nullptr) {
            abandon(entry->second,
                    place != nullptr ? "its thread's pool is cleaned up" : "its thread ends",
                    place);
            entry = jobs_.erase(entry);
        } else {
            ++entry;
        }
    }
}

void Checker::process_exits() {
    const std::lock_guard lock(mutex_);
    for (const auto& [job, record] : jobs_) {
        if (record.paused != nullptr) {
            abandon(record, "the process exits", nullptr);
        }
    }
    jobs_.clear();
}

/// With the lock held; the job's ctx still exists.
void Checker::abandon(const Job& job, const char* how, Place place) {
    const bool again = job.ctx != nullptr && job.ctx->status == ASYNC_STATUS_EAGAIN;
    tell(again ? Kind::eagain_not_retried : Kind::job_abandoned,
         place != nullptr ? place : job.paused,
         text("a job is left paused%s: %s",
              again ? " with status EAGAIN, which asks for another start" : "", how),
         "paused", job.paused);
}

void Checker::tell(Kind kind, Place place, const std::string& what, const char* how_it_began,
                   Place began) {
    if (!told_.emplace(kind, place).second) {
        return;
    }
    const std::string report = std::string("ringside async check: [") + name_of(kind) + "] " +
                               what + "\n    at " + describe(place) + "\n    " + how_it_began +
                               " at " + describe(began) + "\n";
    std::fputs(report.c_str(), stderr);
    if (aborts_) {
        std::abort();
    }
}

}  // namespace ringside::async
