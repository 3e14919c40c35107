// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// What belongs to a job and what to its thread: FP control, exceptions, the signal mask; and what
// happens at the edges of a job's world: overflow, no more mappings, fork, the end of a thread.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cfenv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "async_fixture.hpp"

namespace ringside::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::ExitedWithCode;
using ::testing::HasSubstr;
using ::testing::KilledBySignal;
using ::testing::Not;

constexpr bool sanitized =
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    true;
#else
    false;
#endif

// ---- what a switch takes along, and what not ----

TEST(JobState, FloatingPointControlBelongsToTheJob) {
    std::fesetround(FE_UPWARD);
    Job job([] {
        const bool inherited = std::fegetround() == FE_UPWARD;
        std::fesetround(FE_TOWARDZERO);
        ASYNC_pause_job();
        return inherited && std::fegetround() == FE_TOWARDZERO ? 1 : 0;
    });
    EXPECT_EQ(job.run(), ASYNC_PAUSE);
    EXPECT_EQ(std::fegetround(), FE_UPWARD);
    std::fesetround(FE_DOWNWARD);
    EXPECT_EQ(job.run(), ASYNC_FINISH);
    EXPECT_EQ(job.result, 1);
    EXPECT_EQ(std::fegetround(), FE_DOWNWARD);
    std::fesetround(FE_TONEAREST);
}

TEST(JobState, ExceptionsInFlightBelongToTheJob) {
    const auto body = [](int value) {
        try {
            throw value;
        } catch (int) {
            ASYNC_pause_job();
            try {
                throw;  // its own again, whatever was thrown meanwhile
            } catch (int again) {
                return again;
            }
        }
    };
    Job first([&] { return body(1); });
    Job second([&] { return body(2); });
    try {
        throw std::runtime_error("the application's");
    } catch (const std::runtime_error&) {
        EXPECT_EQ(first.run(), ASYNC_PAUSE);
        EXPECT_EQ(second.run(), ASYNC_PAUSE);
        EXPECT_THROW(throw, std::runtime_error);
        EXPECT_EQ(first.run(), ASYNC_FINISH);  // not in the order of a stack
        EXPECT_EQ(second.run(), ASYNC_FINISH);
        EXPECT_THROW(throw, std::runtime_error);
    }
    EXPECT_EQ(std::current_exception(), nullptr);
    EXPECT_EQ(first.result, 1);
    EXPECT_EQ(second.result, 2);
}

TEST(JobState, AJobStartedWhileUnwindingSeesNoException) {
    struct StartsAJob {
        int& seen;
        ~StartsAJob() {
            Job job([] { return std::uncaught_exceptions() + ASYNC_pause_job(); });
            EXPECT_EQ(job.run(), ASYNC_PAUSE);
            EXPECT_EQ(std::uncaught_exceptions(), 1);
            EXPECT_EQ(job.run(), ASYNC_FINISH);
            seen = job.result;
        }
    };
    int seen = -1;
    EXPECT_THROW(
        {
            const StartsAJob starter{seen};
            throw std::runtime_error("unwinds");
        },
        std::runtime_error);
    EXPECT_EQ(seen, 1);
}

bool blocked(int signal) {
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    return sigismember(&mask, signal) == 1;
}

void change_mask(int how, int signal) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    pthread_sigmask(how, &set, nullptr);
}

TEST(JobState, TheSignalMaskStaysTheThreads) {
    Job job([] {
        change_mask(SIG_BLOCK, SIGUSR1);
        ASYNC_pause_job();
        return blocked(SIGUSR1) ? 1 : 0;
    });
    EXPECT_EQ(job.run(), ASYNC_PAUSE);
    EXPECT_TRUE(blocked(SIGUSR1));
    change_mask(SIG_UNBLOCK, SIGUSR1);
    EXPECT_EQ(job.run(), ASYNC_FINISH);
    EXPECT_EQ(job.result, 0);
    EXPECT_FALSE(blocked(SIGUSR1));
}

// ---- overflow ----

class StackOverflow : public ::testing::Test {
  protected:
    void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }

    /// Runs a job that needs more stack than there is.
    static void overflow(std::size_t frame) {
        Job job([frame] { return use_up(frame, 1000); });
        job.run();
    }

  private:
    // NOLINTNEXTLINE(misc-no-recursion): that is what overflows
    [[gnu::noinline]] static int use_up(std::size_t frame, int levels) {
        auto* bytes = static_cast<volatile char*>(__builtin_alloca(frame));
        bytes[0] = 1;  // the lowest
        return levels == 0 ? bytes[0] : use_up(frame, levels - 1) + bytes[0];
    }
};

// A sanitizer's own report says so in its own words.
constexpr const char* overflow_report =
    sanitized ? "stack-overflow" : "ringside async: stack overflow";

TEST_F(StackOverflow, IsReportedForManyFrames) {
    EXPECT_DEATH(overflow(200), overflow_report);
}

TEST_F(StackOverflow, IsReportedForOneFrameLargerThanAPage) {
    EXPECT_DEATH(overflow(60'000), overflow_report);
}

TEST_F(StackOverflow, EndsTheProcessBySigsegv) {
    if (sanitized) {
        GTEST_SKIP() << "the sanitizer ends the process";
    }
    EXPECT_EXIT(overflow(200), KilledBySignal(SIGSEGV), "");
}

TEST_F(StackOverflow, OnAnyThread) {
    EXPECT_DEATH(std::thread([] { overflow(200); }).join(), overflow_report);
}

TEST_F(StackOverflow, IsLeftToTheApplicationsOwnHandler) {
    const auto with_own_handler = [] {
        static std::array<char, 65536> signal_stack;
        const stack_t stack{signal_stack.data(), 0, signal_stack.size()};
        sigaltstack(&stack, nullptr);
        struct sigaction action {};
        action.sa_handler = [](int) { std::_Exit(7); };
        action.sa_flags = SA_ONSTACK;
        sigaction(SIGSEGV, &action, nullptr);
        overflow(200);
    };
    EXPECT_EXIT(with_own_handler(), ExitedWithCode(7), Not(HasSubstr("overflow")));
}

TEST_F(StackOverflow, OtherCrashesOfAJobAreNone) {
    EXPECT_DEATH(
        {
            Job job([] {
                // volatile: the compiler must not know that it is null
                int* volatile nowhere = nullptr;
                return *nowhere;
            });
            job.run();
        },
        Not(ContainsRegex("stack.overflow")));
}

// ---- no more mappings ----

/// Uses up the process's mappings but for `left`: pages that the kernel cannot merge.
class MappingHog {
  public:
    explicit MappingHog(std::size_t left) {
        std::ifstream("/proc/sys/vm/max_map_count") >> limit_;
        pages_.reserve(limit_);
        while (take()) {
        }
        for (std::size_t freed = 0; freed < left && !pages_.empty(); ++freed) {
            release();
        }
    }
    MappingHog(const MappingHog&) = delete;
    MappingHog& operator=(const MappingHog&) = delete;
    ~MappingHog() {
        while (!pages_.empty()) {
            release();
        }
    }

  private:
    bool take() {
        const int protection = pages_.size() % 2 == 0 ? PROT_READ : PROT_READ | PROT_WRITE;
        void* page = mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED || pages_.size() == limit_) {
            return false;
        }
        pages_.push_back(page);
        return true;
    }
    void release() {
        munmap(pages_.back(), 4096);
        pages_.pop_back();
    }

    std::size_t limit_ = 0;
    std::vector<void*> pages_;
};

TEST(MappingLimit, IsNoJobsAndNoCrash) {
    if (sanitized) {
        GTEST_SKIP() << "the sanitizer needs mappings of its own";
    }
    WaitCtx ctx;
    std::vector<std::unique_ptr<Job>> jobs;
    jobs.reserve(400);
    int outcome = ASYNC_PAUSE;
    {
        const MappingHog hog(200);
        while (outcome == ASYNC_PAUSE && jobs.size() < 400) {
            jobs.push_back(std::make_unique<Job>([] { return ASYNC_pause_job(); }));
            outcome = jobs.back()->run(ctx.get());
        }
        ASSERT_EQ(outcome, ASYNC_NO_JOBS) << "after " << jobs.size();
        EXPECT_EQ(jobs.back()->handle, nullptr);
        EXPECT_EQ(jobs.back()->result, -1);
        jobs.pop_back();
        EXPECT_GT(jobs.size(), 20U);
        for (const auto& job : jobs) {
            ASSERT_EQ(job->run(), ASYNC_FINISH);
        }
        Job again([] { return 1; });
        EXPECT_EQ(again.run(), ASYNC_FINISH);
        ASYNC_cleanup_thread();
    }
    Job after([] { return 1; });
    EXPECT_EQ(after.run(), ASYNC_FINISH);
}

// ---- fork and the end of a thread ----

class Fork : public ::testing::Test {
  protected:
    void SetUp() override {
#if defined(__SANITIZE_THREAD__)
        GTEST_SKIP() << "ThreadSanitizer forgets in fork() what fibres did before";
#endif
    }
};

TEST_F(Fork, BothSidesResumeAPausedJob) {
    WaitCtx ctx;
    Job job([] {
        const int before = 40;
        ASYNC_pause_job();
        return before + 2;
    });
    ASSERT_EQ(job.run(ctx.get()), ASYNC_PAUSE);
    const pid_t child = fork();
    ASSERT_NE(child, -1);
    if (child == 0) {
        Job fresh([] { return ASYNC_pause_job(); });
        const bool right = job.run() == ASYNC_FINISH && job.result == 42 &&
                           fresh.run(ctx.get()) == ASYNC_PAUSE && fresh.run() == ASYNC_FINISH;
        ASYNC_cleanup_thread();
        std::_Exit(right ? 0 : 1);
    }
    EXPECT_EQ(job.run(), ASYNC_FINISH);
    EXPECT_EQ(job.result, 42);
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(Fork, InsideAJobMakesTwoOfIt) {
    WaitCtx ctx;
    pid_t child = -1;
    Job job([&] {
        child = fork();
        return ASYNC_pause_job() + (child == 0 ? 10 : 20);
    });
    ASSERT_EQ(job.run(ctx.get()), ASYNC_PAUSE);
    ASSERT_EQ(job.run(), ASYNC_FINISH);
    if (child == 0) {
        std::_Exit(job.result == 11 ? 0 : 1);
    }
    EXPECT_EQ(job.result, 21);
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

/// Gaps of 64 KiB (docs/async.md): each stack has one below it.
std::size_t guards() {
    constexpr std::uintptr_t guard_size = 65536;
    std::ifstream maps("/proc/self/maps");
    std::size_t count = 0;
    for (std::string line; std::getline(maps, line);) {
        std::uintptr_t begin = 0;
        std::uintptr_t end = 0;
        std::string access;
        std::istringstream fields(line);
        char dash = 0;
        fields >> std::hex >> begin >> dash >> end >> access;
        count += access == "---p" && end - begin == guard_size ? 1 : 0;
    }
    return count;
}

/// The heap is the leak sanitizer's to judge; stacks are mappings.
TEST(ThreadEnd, FreesItsPooledJobs) {
    const auto one_thread = [](bool cleans_up) {
        std::thread([cleans_up] {
            std::array<std::unique_ptr<Job>, 10> jobs;
            for (auto& job : jobs) {
                job = std::make_unique<Job>([] { return ASYNC_pause_job(); });
                EXPECT_EQ(job->run(), ASYNC_PAUSE);
            }
            for (const auto& job : jobs) {
                EXPECT_EQ(job->run(), ASYNC_FINISH);
            }
            if (cleans_up) {
                ASYNC_cleanup_thread();
            }
        }).join();
    };
    one_thread(true);
    const std::size_t before = guards();
    for (int round = 0; round < 20; ++round) {
        one_thread(round % 2 == 0);
    }
    EXPECT_LT(guards(), before + 20);  // of 200
}

}  // namespace
}  // namespace ringside::testing
