// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "operations.hpp"

#include <malloc.h>

#include <array>
#include <chrono>
#include <thread>

#include "fixtures.hpp"

namespace ringside::bench {
namespace {

using testing::AsyncApi;

int nothing(void* /*argument*/) {
    return 1;
}

// ---- wait contexts ----

void new_sets_free(const AsyncApi& api, Size size, Loop& loop) {
    loop.run([&] { const Ctx ctx(api, size.fds); });
}

/// The last of `fds` comes and goes.
void set_clear_newest(const AsyncApi& api, Size size, Loop& loop) {
    const std::size_t newest = size.fds - 1;
    const Ctx ctx(api, newest);
    loop.run([&] {
        set_fd(api, ctx.get(), newest);
        api.clear_fd(ctx.get(), key(newest));
    });
}

void clear_oldest_set(const AsyncApi& api, Size size, Loop& loop) {
    const Ctx ctx(api, size.fds);
    std::size_t oldest = 0;
    loop.run([&] {
        api.clear_fd(ctx.get(), key(oldest));
        set_fd(api, ctx.get(), oldest);
        oldest = oldest + 1 == size.fds ? 0 : oldest + 1;
    });
}

/// All fds were there before the last pause: what is cleared has to be reported, and is forgotten
/// with the next resume.
void clear_set_pause_resume(const AsyncApi& api, Size size, Loop& loop) {
    const Ctx ctx(api, size.fds);
    run_in_job(api, ctx.get(), [&] {
        api.pause_job();
        std::size_t oldest = 0;
        loop.run([&] {
            api.clear_fd(ctx.get(), key(oldest));
            set_fd(api, ctx.get(), oldest);
            oldest = oldest + 1 == size.fds ? 0 : oldest + 1;
            api.pause_job();
        });
    });
    api.cleanup_thread();
}

void get_fd(const AsyncApi& api, Size size, Loop& loop, std::size_t which) {
    const Ctx ctx(api, size.fds);
    loop.run([&] {
        int fd = 0;
        void* custom_data = nullptr;
        benchmark::DoNotOptimize(api.get_fd(ctx.get(), key(which), &fd, &custom_data));
    });
}

void get_fd_oldest(const AsyncApi& api, Size size, Loop& loop) {
    get_fd(api, size, loop, 0);
}

void get_fd_newest(const AsyncApi& api, Size size, Loop& loop) {
    get_fd(api, size, loop, size.fds - 1);
}

void get_fd_unknown(const AsyncApi& api, Size size, Loop& loop) {
    get_fd(api, size, loop, size.fds);
}

void get_all_fds(const AsyncApi& api, Size size, Loop& loop) {
    const Ctx ctx(api, size.fds);
    std::array<int, max_fds> fds{};
    loop.run([&] {
        std::size_t count = 0;
        api.get_all_fds(ctx.get(), fds.data(), &count);
        benchmark::DoNotOptimize(count);
    });
}

void count_all_fds(const AsyncApi& api, Size size, Loop& loop) {
    const Ctx ctx(api, size.fds);
    loop.run([&] {
        std::size_t count = 0;
        api.get_all_fds(ctx.get(), nullptr, &count);
        benchmark::DoNotOptimize(count);
    });
}

void get_changes(const AsyncApi& api, ASYNC_WAIT_CTX* ctx, Loop& loop) {
    std::array<int, max_fds> added{};
    std::array<int, max_fds> deleted{};
    loop.run([&] {
        std::size_t added_count = 0;
        std::size_t deleted_count = 0;
        api.get_changed_fds(ctx, added.data(), &added_count, deleted.data(), &deleted_count);
        benchmark::DoNotOptimize(added_count);
        benchmark::DoNotOptimize(deleted_count);
    });
}

void get_changed_fds_added(const AsyncApi& api, Size size, Loop& loop) {
    const Ctx ctx(api, size.fds);
    get_changes(api, ctx.get(), loop);
}

void get_changed_fds_none(const AsyncApi& api, Size size, Loop& loop) {
    const Ctx ctx(api, size.fds);
    run_in_job(api, ctx.get(), [&] {
        api.pause_job();
        get_changes(api, ctx.get(), loop);
    });
    api.cleanup_thread();
}

void count_changed_fds(const AsyncApi& api, Size size, Loop& loop) {
    const Ctx ctx(api, size.fds);
    loop.run([&] {
        std::size_t added = 0;
        std::size_t deleted = 0;
        api.get_changed_fds(ctx.get(), nullptr, &added, nullptr, &deleted);
        benchmark::DoNotOptimize(added);
        benchmark::DoNotOptimize(deleted);
    });
}

void set_callback(const AsyncApi& api, Size /*size*/, Loop& loop) {
    const Ctx ctx(api, 0);
    loop.run([&] { api.set_callback(ctx.get(), &nothing, nullptr); });
}

void get_callback(const AsyncApi& api, Size /*size*/, Loop& loop) {
    const Ctx ctx(api, 0);
    api.set_callback(ctx.get(), &nothing, nullptr);
    loop.run([&] {
        ASYNC_callback_fn callback = nullptr;
        void* argument = nullptr;
        benchmark::DoNotOptimize(api.get_callback(ctx.get(), &callback, &argument));
    });
}

void set_status(const AsyncApi& api, Size /*size*/, Loop& loop) {
    const Ctx ctx(api, 0);
    loop.run([&] { api.set_status(ctx.get(), ASYNC_STATUS_OK); });
}

void get_status(const AsyncApi& api, Size /*size*/, Loop& loop) {
    const Ctx ctx(api, 0);
    loop.run([&] { benchmark::DoNotOptimize(api.get_status(ctx.get())); });
}

// ---- jobs ----

/// One after the other; all the others are paused meanwhile.
void start_finish(const AsyncApi& api, Size size, Loop& loop, std::size_t arguments_size) {
    PausingJobs others(api, {size.fds, size.jobs - 1});
    others.start_all();
    const Ctx ctx(api, size.fds);
    std::array<char, 64> arguments{};
    loop.run([&] {
        ASYNC_JOB* job = nullptr;
        int result = 0;
        api.start_job(&job, ctx.get(), &result, &nothing,
                      arguments_size == 0 ? nullptr : arguments.data(), arguments_size);
    });
}

void start_finish_bare(const AsyncApi& api, Size size, Loop& loop) {
    start_finish(api, size, loop, 0);
}

void start_finish_arguments(const AsyncApi& api, Size size, Loop& loop) {
    start_finish(api, size, loop, 64);
}

/// In turn.
void pause_resume(const AsyncApi& api, Size size, Loop& loop) {
    PausingJobs jobs(api, size);
    jobs.start_all();
    loop.run([&] { jobs.resume_next(); });
}

/// All of them start and pause, then all are resumed and finish.
void whole_life(const AsyncApi& api, Size size, Loop& loop) {
    PausingJobs jobs(api, size);
    jobs.start_all();
    jobs.finish_all();
    loop.run([&] {
        jobs.start_all();
        jobs.finish_all();
    });
}

void init_cleanup(const AsyncApi& api, Size size, Loop& loop) {
    loop.run([&] {
        api.init_thread(size.jobs, size.jobs);
        api.cleanup_thread();
    });
}

/// In a new thread, on memory that the process does not have yet: what the heap kept is returned to
/// the system before. That works with one heap for all threads (main.cpp).
void cold_start(const AsyncApi& api, Size size, Loop& loop) {
    loop.run_timed([&] {
        std::chrono::duration<double> duration{};
        std::thread([&] {
            PausingJobs jobs(api, size);
            malloc_trim(0);
            const auto begin = std::chrono::steady_clock::now();
            jobs.start_all();
            duration = std::chrono::steady_clock::now() - begin;
        }).join();
        return duration.count();
    });
}

void is_capable(const AsyncApi& api, Size /*size*/, Loop& loop) {
    loop.run([&] { benchmark::DoNotOptimize(api.is_capable()); });
}

void current_job_outside(const AsyncApi& api, Size /*size*/, Loop& loop) {
    loop.run([&] { benchmark::DoNotOptimize(api.get_current_job()); });
}

void current_job_inside(const AsyncApi& api, Size /*size*/, Loop& loop) {
    const Ctx ctx(api, 0);
    run_in_job(api, ctx.get(),
               [&] { loop.run([&] { benchmark::DoNotOptimize(api.get_current_job()); }); });
    api.cleanup_thread();
}

void get_wait_ctx(const AsyncApi& api, Size /*size*/, Loop& loop) {
    const Ctx ctx(api, 0);
    run_in_job(api, ctx.get(), [&] {
        ASYNC_JOB* job = api.get_current_job();
        loop.run([&] { benchmark::DoNotOptimize(api.get_wait_ctx(job)); });
    });
    api.cleanup_thread();
}

void block_unblock_outside(const AsyncApi& api, Size /*size*/, Loop& loop) {
    loop.run([&] {
        api.block_pause();
        api.unblock_pause();
    });
}

void block_unblock_inside(const AsyncApi& api, Size /*size*/, Loop& loop) {
    const Ctx ctx(api, 0);
    run_in_job(api, ctx.get(), [&] {
        loop.run([&] {
            api.block_pause();
            api.unblock_pause();
        });
    });
    api.cleanup_thread();
}

void pause_outside(const AsyncApi& api, Size /*size*/, Loop& loop) {
    loop.run([&] { api.pause_job(); });
}

void pause_blocked(const AsyncApi& api, Size /*size*/, Loop& loop) {
    const Ctx ctx(api, 0);
    run_in_job(api, ctx.get(), [&] {
        api.block_pause();
        loop.run([&] { api.pause_job(); });
        api.unblock_pause();
    });
    api.cleanup_thread();
}

// ---- bounds ----

constexpr double half = 0.5;
constexpr double cold = 2.5;
constexpr double same = 1.1;
constexpr std::array<std::size_t, 3> fd_counts{1, 8, 64};
constexpr std::array<std::size_t, 3> job_counts{1, 64, 4096};

}  // namespace

std::vector<Operation> all_operations() {
    std::vector<Operation> all;
    const auto each_fds = [&](const char* name, double bound, Operation::Body body) {
        for (const std::size_t fds : fd_counts) {
            all.push_back({name, {fds, 0}, bound, body});
        }
    };
    const auto each_jobs = [&](const char* name, double bound, Operation::Body body) {
        for (const std::size_t jobs : job_counts) {
            all.push_back({name, {1, jobs}, bound, body});
        }
    };
    const auto batches = [&](const char* name, double bound, Operation::Body body, bool timed) {
        for (const std::size_t jobs : job_counts) {
            all.push_back({name, {0, jobs}, bound, body, jobs, timed});
        }
    };
    for (const std::size_t jobs : job_counts) {
        for (const std::size_t fds : fd_counts) {
            all.push_back({"pause + resume", {fds, jobs}, half, &pause_resume});
        }
    }
    for (const std::size_t fds : fd_counts) {
        all.push_back({"start + finish", {fds, 1}, half, &start_finish_bare});
    }
    for (const std::size_t jobs : {64U, 4096U}) {
        all.push_back({"start + finish", {1, jobs}, half, &start_finish_bare});
    }
    each_jobs("start + finish, 64 bytes of args", half, &start_finish_arguments);
    batches("start + pause + resume + finish", half, &whole_life, false);

    all.push_back({"new + free", {}, same, &new_sets_free});
    for (const std::size_t fds : fd_counts) {
        all.push_back({"new + n sets + free", {fds, 0}, fds == 1 ? same : half, &new_sets_free});
    }
    each_fds("set_wait_fd + clear_fd newest", same, &set_clear_newest);
    each_fds("clear_fd oldest + set_wait_fd", same, &clear_oldest_set);
    each_fds("clear_fd + set_wait_fd + pause + resume", same, &clear_set_pause_resume);
    each_fds("get_fd oldest", same, &get_fd_oldest);
    each_fds("get_fd newest", same, &get_fd_newest);
    each_fds("get_fd unknown", same, &get_fd_unknown);
    each_fds("get_all_fds", same, &get_all_fds);
    each_fds("get_all_fds, count only", same, &count_all_fds);
    each_fds("get_changed_fds, all added", same, &get_changed_fds_added);
    each_fds("get_changed_fds, none", same, &get_changed_fds_none);
    each_fds("get_changed_fds, count only", same, &count_changed_fds);

    const std::array<Operation, 12> plain{{
        {"set_callback", {}, same, &set_callback},
        {"get_callback", {}, same, &get_callback},
        {"set_status", {}, same, &set_status},
        {"get_status", {}, same, &get_status},
        {"is_capable", {}, same, &is_capable},
        {"get_current_job outside a job", {}, same, &current_job_outside},
        {"get_current_job in a job", {0, 1}, same, &current_job_inside},
        {"get_wait_ctx", {0, 1}, same, &get_wait_ctx},
        {"block_pause + unblock_pause outside a job", {}, same, &block_unblock_outside},
        {"block_pause + unblock_pause in a job", {0, 1}, same, &block_unblock_inside},
        {"pause_job outside a job", {}, same, &pause_outside},
        {"pause_job, blocked", {0, 1}, same, &pause_blocked},
    }};
    all.insert(all.end(), plain.begin(), plain.end());
    batches("init_thread + cleanup_thread", same, &init_cleanup, false);
    // Last: with its first thread a process pays for locks in malloc() for ever.
    batches("cold start", cold, &cold_start, true);
    return all;
}

}  // namespace ringside::bench
